"""Mode `none`: whoever calls acts as the operator, so only this machine may call."""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.web.client_addresses import FORWARDED, parsed_address
from appmixer_mcp.web.refusals import refusal

_elsewhere = refusal(
    HTTPStatus.FORBIDDEN,
    "forbidden",
    "This server serves its own machine only. For others the operator starts it with --auth oauth "
    "or --auth bearer.",
)


class LocalOnly:
    """Refuses requests that come from another machine, also those that a proxy here passes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and not is_local(scope):
            await _elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_local(scope: Scope) -> bool:
    """Say whether this machine asks; a proxy on this machine asks for somebody else.

    What comes over a Unix socket comes from a proxy, as clients know only addresses.
    """
    # nginx, told nothing else, forwards without a word of it, but in HTTP/1.0, as no client does.
    if scope.get(FORWARDED, True) or scope.get("http_version") == "1.0":
        return False
    client: tuple[str, int] | None = scope.get("client")
    return client is not None and is_loopback(client[0])


def is_loopback(host: str) -> bool:
    """Say whether a name or an address leads to this machine alone."""
    address = parsed_address(host)
    return host == "localhost" if address is None else address.is_loopback
