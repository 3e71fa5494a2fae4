"""Which Host and Origin a request may name."""

from collections.abc import Sequence

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.web.hosts import HostsAndOrigins


async def answered(
    headers: Sequence[tuple[str, str]],
    *,
    hosts: Sequence[str] = ("mcp.example.com", "pinned.example.com:8443", "[2001:db8::1]"),
    origins: Sequence[str] = ("https://app.example.com", "vscode-webview://abc"),
    loopback_origins: bool = True,
) -> httpx2.Response:
    app = HostsAndOrigins(
        PlainTextResponse("served"), hosts=hosts, origins=origins, loopback_origins=loopback_origins
    )

    async def with_these_headers(scope, receive, send):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        await app({**scope, "headers": raw}, receive, send)

    transport = httpx2.ASGITransport(app=with_these_headers)
    async with httpx2.AsyncClient(transport=transport, base_url="http://unused") as client:
        return await client.get("/anything")


@pytest.mark.parametrize(
    "host",
    [
        "mcp.example.com",
        "mcp.example.com:8000",
        "MCP.Example.COM",
        "mcp.example.com.",
        "pinned.example.com:8443",
        "[2001:db8:0:0::1]:8000",
        "localhost:3000",
        "127.0.0.1",
        "127.0.0.2:80",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]",
    ],
)
async def test_a_request_that_names_this_server_is_served(host: str) -> None:
    answer = await answered([("host", host)])

    assert answer.text == "served"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "mcp.example.com.evil.example",
        "evilmcp.example.com",
        "pinned.example.com",
        "pinned.example.com:80",
        "[2001:db8::2]",
        "0.0.0.0",  # noqa: S104 - which browsers let lead to this machine
        "localhost.evil.example",
        "2130706433",
    ],
)
async def test_a_request_that_names_another_server_is_misdirected(host: str) -> None:
    answer = await answered([("host", host)])

    assert answer.status_code == 421
    assert "APPMIXER_ALLOWED_HOSTS" in answer.json()["error_description"]
    assert host not in answer.text


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["localhost", "evil.example"],
        ["localhost", "localhost"],
        [""],
        ["mcp.example.com@evil.example"],
        ["evil.example#mcp.example.com"],
        ["localhost, evil.example"],
        ["localhost/evil"],
        ["localhost:port"],
        ["localhost:"],
        ["local host"],
        ["::1"],
        ["[::1"],
        ["[::1]evil.example"],
        ["[:::::]"],
        ["[127.0.0.1]"],
        ["\xe9.example"],
        ["a" * 5000],
    ],
)
async def test_no_host_or_several_or_what_is_none_is_a_bad_request(hosts: list[str]) -> None:
    answer = await answered([("host", host) for host in hosts])

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com:443",
        "HTTPS://App.example.com",
        "vscode-webview://abc",
        "http://localhost:5173",
        "http://127.0.0.1:8000",
        "http://[::1]",
    ],
)
async def test_web_pages_of_an_allowed_origin_may_call(origin: str) -> None:
    answer = await answered([("host", "localhost"), ("origin", origin)])

    assert answer.text == "served"


@pytest.mark.parametrize(
    "origins",
    [
        ["https://evil.example"],
        ["http://app.example.com"],
        ["https://app.example.com:8443"],
        ["https://app.example.com.evil.example"],
        ["https://app.example.com/"],
        ["https://evil.example@app.example.com"],
        ["app.example.com"],
        ["null"],
        [""],
        ["file://"],
        ["file://localhost"],
        ["https://app.example.com https://evil.example"],
        ["https://app.example.com", "https://evil.example"],
    ],
)
async def test_web_pages_of_other_origins_may_not(origins: list[str]) -> None:
    answer = await answered([("host", "localhost"), *(("origin", one) for one in origins)])

    assert answer.status_code == 403
    assert "APPMIXER_ALLOWED_ORIGINS" in answer.json()["error_description"]


async def test_pages_of_this_machine_may_call_only_if_that_was_chosen() -> None:
    headers = [("host", "localhost"), ("origin", "http://localhost:5173")]

    answer = await answered(headers, loopback_origins=False)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"hosts": ["https://mcp.example.com"]}, "APPMIXER_ALLOWED_HOSTS"),
        ({"hosts": ["*.example.com"]}, "APPMIXER_ALLOWED_HOSTS"),
        ({"origins": ["app.example.com"]}, "APPMIXER_ALLOWED_ORIGINS"),
        ({"origins": ["https://app.example.com/path"]}, "APPMIXER_ALLOWED_ORIGINS"),
        ({"origins": ["null"]}, "APPMIXER_ALLOWED_ORIGINS"),
    ],
)
async def test_a_list_with_something_else_in_it_is_named_at_the_start(given, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        await answered([("host", "localhost")], **given)
