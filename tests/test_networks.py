"""Who counts as one caller."""

import pytest

from appmixer_mcp.networks import network_of, site_of


@pytest.mark.parametrize(
    ("address", "network", "site"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("a name", "a name", "a name"),
    ],
)
def test_one_subscriber_of_ipv6_counts_as_one_caller(address: str, network: str, site: str) -> None:
    assert (network_of(address), site_of(address)) == (network, site)
