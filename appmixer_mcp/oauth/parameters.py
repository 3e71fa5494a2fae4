"""The parameters of a query or a form, as OAuth counts them, and bodies that are bounded."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from appmixer_mcp.oauth.types import OAuthError

_MOST = 50
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The parameters of a request."""

    once: dict[str, str]
    repeated: frozenset[str]
    """Names of those that are there more than once, whose value is therefore unknown."""
    resources: list[str]
    """The one parameter that may be repeated (RFC 8707 2)."""

    def needed(self, name: str) -> str:
        """Return a parameter that has to be there.

        Raises:
            OAuthError: It is not.
        """
        if name not in self.once:
            raise OAuthError("invalid_request", f"The parameter {name} is missing.")
        return self.once[name]

    def check_repeated(self) -> None:
        """Make sure that each is there once.

        Raises:
            OAuthError: One is there more than once.
        """
        if self.repeated:
            raise OAuthError("invalid_request", "A parameter is there more than once.")


def read(text: str) -> Parameters:
    """Read what is still encoded; a parameter without a value counts as left out (RFC 6749 3).

    Raises:
        ValueError: There are too many.
    """
    given = parse_qsl(text, max_num_fields=_MOST)
    counts = Counter(name for name, _ in given if name != "resource")
    return Parameters(
        once={name: value for name, value in given if counts[name] == 1},
        repeated=frozenset(name for name, count in counts.items() if count > 1),
        resources=[value for name, value in given if name == "resource"],
    )


def is_form(request: Request) -> bool:
    """Return whether a request says that its body is a form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE


async def body(request: Request, most: int) -> bytes | None:
    """Return the body of a request; None when it has more bytes than `most`."""
    read_so_far = bytearray()
    async for chunk in request.stream():
        read_so_far += chunk
        if len(read_so_far) > most:
            return None
    return bytes(read_so_far)
