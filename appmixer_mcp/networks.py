"""Who counts as one caller: an address, and what one customer of a provider has around it."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

_SUBSCRIBER, _SITE = 64, 48


def client_address(scope: Mapping[str, Any]) -> str:
    """Return where an ASGI request comes from; empty when its server does not say."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, and of IPv6 the /64 that one subscriber has."""
    return _around(address, _SUBSCRIBER)


def site_of(address: str) -> str:
    """Return an IPv4 address as it is, and of IPv6 the /48, of which many are given to one site.

    Limits that are for everybody together need this one: 65,536 networks cost an attacker nothing.
    """
    return _around(address, _SITE)


def _around(address: str, prefix: int) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:  # a name, as servers that are called in process have it
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    mapped = IPv6Address(parsed.packed).ipv4_mapped
    return str(mapped) if mapped else str(IPv6Network((parsed.packed, prefix), strict=False))
