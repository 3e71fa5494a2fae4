"""Which internet addresses are public, and which belong to this machine."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL_V4 = (
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT
    IPv4Network("169.254.0.0/16"),  # link-local, where clouds serve their metadata
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # Azure's platform service, reachable from its guests alone
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which wraps any IPv4 address
    IPv6Network("3fff::/20"),  # documentation
)


def is_public(address: str) -> bool:
    """Return whether an address is unicast and reachable across the internet.

    An IPv6 address that wraps an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) never is: all
    but 6to4 and Teredo lie outside 2000::/3, where global unicast is.

    Args:
        address: As `getaddrinfo` gives it; a zone such as `%eth0` may follow.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        special = any(parsed in network for network in _SPECIAL_V4)
    else:
        special = parsed not in _GLOBAL_V6 or any(parsed in network for network in _SPECIAL_V6)
    return not special and parsed.is_global and not (parsed.is_multicast or parsed.is_reserved)


def is_own(address: str) -> bool:
    """Return whether a connection to the address ends on this machine."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback or parsed.is_unspecified:
        return True
    family = socket.AF_INET if isinstance(parsed, IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(parsed), 0))  # the system lets nothing but its own addresses be bound
        except OSError:
            return False
        return True
