"""Who is taken for the caller of a request."""

from typing import Any

import pytest
from starlette.types import Scope

from appmixer_mcp.web.client_addresses import FORWARDED, ClientAddresses

PROXIES = ("10.0.0.0/8", "2001:db8::7")


async def seen(
    peer: tuple[str, int] | None, *headers: tuple[str, str], trusted: tuple[str, ...] = PROXIES
) -> Scope:
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Any, _send: Any) -> None:
        scopes.append(scope)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "client": peer, "headers": raw}
    await ClientAddresses(app, trusted_proxies=trusted)(scope, None, None)  # type: ignore[arg-type] # never used
    return scopes[0]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.66, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::9]:4711"], "2001:db8::9"),
        ("10.0.0.1", ["2001:db8:0::9"], "2001:db8::9"),
        ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8::7", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
    ],
)
async def test_behind_trusted_proxies_it_is_the_first_address_that_is_none_of_them(
    peer: str, forwarded_for: list[str], client: str
) -> None:
    scope = await seen((peer, 5000), *(("x-forwarded-for", one) for one in forwarded_for))

    assert scope["client"][0] == client


@pytest.mark.parametrize(
    ("peer", "forwarded_for"),
    [
        ("203.0.113.66", "127.0.0.1"),
        ("11.0.0.1", "203.0.113.9"),
        ("10.0.0.1", ""),
        ("10.0.0.1", "unknown"),
        ("10.0.0.1", "203.0.113.9, unknown"),
        ("10.0.0.1", "203.0.113.9, 999.1.1.1"),
        ("10.0.0.1", "203.0.113.9,"),
    ],
)
async def test_what_a_stranger_or_nobody_wrote_is_not_believed(
    peer: str, forwarded_for: str
) -> None:
    scope = await seen((peer, 5000), ("x-forwarded-for", forwarded_for))

    assert scope["client"] == (peer, 5000)


async def test_a_proxy_that_passes_the_callers_own_header_on_does_not_help_the_caller() -> None:
    scope = await seen(
        ("10.0.0.1", 5000), ("forwarded", "for=127.0.0.1"), ("x-forwarded-for", "203.0.113.9")
    )

    assert scope["client"][0] == "203.0.113.9"


async def test_on_a_unix_socket_nobody_is_trusted() -> None:
    scope = await seen(None, ("x-forwarded-for", "203.0.113.9"))

    assert scope["client"] is None


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "CF-Connecting-IP"]
)
async def test_a_request_that_was_forwarded_is_known_as_such_whoever_forwarded_it(
    header: str,
) -> None:
    scope = await seen(("127.0.0.1", 5000), (header.lower(), "203.0.113.9"), trusted=())

    assert scope[FORWARDED] is True
    assert scope["client"] == ("127.0.0.1", 5000)


async def test_a_request_that_came_directly_is_known_as_such() -> None:
    scope = await seen(("127.0.0.1", 5000), ("accept", "*/*"))

    assert scope[FORWARDED] is False


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy"):
        ClientAddresses(None, trusted_proxies=["proxy.example.com"])  # type: ignore[arg-type] # never called
