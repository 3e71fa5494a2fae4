"""Forms that a browser sends: only from our own page, bounded, each field once."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request

from appmixer_mcp.errors import InputError
from appmixer_mcp.oauth.parameters import body, is_form

_LONGEST_BYTES = 65_536
_MOST_FIELDS = 20


async def own_form(request: Request, origin: str) -> dict[str, str]:
    """Read a form of our own page.

    Args:
        request: What the browser sent.
        origin: Ours, as the operator configured it.

    Raises:
        InputError: It comes from elsewhere, or is no form that our page sends.
    """
    # Older browsers send neither; the cookie and the form's own secret are checked in any case.
    sent_from = request.headers.get("origin", origin)
    site = request.headers.get("sec-fetch-site", "same-origin")
    if sent_from != origin or site != "same-origin":
        raise InputError(
            "The form was not sent from this server's own page. Go back to the program you came "
            "from and connect again.",
            status=HTTPStatus.FORBIDDEN,
        )
    if not is_form(request):
        raise InputError("What was sent is no form of this page.")
    sent = await body(request, _LONGEST_BYTES)
    if sent is None:
        raise InputError("What was sent is too large for this page.")
    return _fields(sent)


def _fields(sent: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            sent.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise InputError("What was sent is no form of this page.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InputError("A field was sent twice.")
    return fields
