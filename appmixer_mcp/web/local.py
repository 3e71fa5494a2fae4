"""Mode `none`: whoever calls acts as the operator, so only this machine may call."""

from http import HTTPStatus
from ipaddress import ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_elsewhere = JSONResponse(
    {
        "error": "forbidden",
        "error_description": "This server serves its own machine only. For others the operator "
        "starts it with --auth oauth or --auth bearer.",
    },
    HTTPStatus.FORBIDDEN,
)


class LocalOnly:
    """Refuses requests that come from another machine, also those that a proxy here passes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and not _is_local(scope):
            await _elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    if scope.get("appmixer.forwarded"):
        return False
    client: tuple[str, int] | None = scope.get("client")
    if client is None:  # a Unix socket
        return True
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False
