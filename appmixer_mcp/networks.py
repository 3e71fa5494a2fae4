"""Who counts as one caller: an address, and what one customer of a provider has around it."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_SUBSCRIBER, _SITE = 64, 48


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
