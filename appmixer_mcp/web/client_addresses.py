"""Who really calls, when requests come through proxies that the operator trusts."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

FORWARDED = "appmixer.forwarded"
"""Key of the scope: whether any header says that the request was forwarded."""

_PREFIX = "x-forwarded-"
_SIGNS = frozenset(
    {"forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-original-host"}
)

_Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Sets the client of a request to whom the trusted proxies name.

    Only `X-Forwarded-For` is believed, and only from the right up to the first address that is no
    trusted proxy: what stands left of it is the caller's own writing. `Forwarded` is not read,
    because a proxy writes one of the two headers and lets a caller's other one pass.
    """

    def __init__(self, app: ASGIApp, *, trusted_proxies: Sequence[str]) -> None:
        """Keep the proxies, addresses or networks such as `10.0.0.0/8`.

        Raises:
            ValueError: One of them is neither.
        """
        self._app = app
        self._trusted = [ip_network(proxy) for proxy in trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its real client, and whether it was forwarded."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            named = ",".join(headers.getlist("x-forwarded-for")).split(",")
            peer = scope.get("client")
            forwarded = any(key in _SIGNS or key.startswith(_PREFIX) for key in headers)
            scope = {**scope, "client": self._client(peer, named), FORWARDED: forwarded}
        await self._app(scope, receive, send)

    def _client(self, peer: tuple[str, int] | None, named: list[str]) -> tuple[str, int] | None:
        address = parsed_address(peer[0]) if peer else None
        found = address
        for text in reversed(named):
            if found is None or not self._trusts(found):
                break
            following = parsed_address(text.strip())
            if following is None:  # whoever forwarded it does not say for whom
                break
            found = following
        return peer if found is address or found is None else (str(found), 0)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


def parsed_address(text: str) -> _Address | None:
    """Return an address that may have a port, IPv4 where it is wrapped into IPv6; None for none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
