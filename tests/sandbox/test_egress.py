"""Outgoing calls against servers on loopback; names and routes are the test's own."""

import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import anyio
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.egress import Outgoing
from tests.certificates import self_signed
from tests.sandbox.loopback import OK, PUBLIC_ADDRESS, Net, Server, served

PUBLIC_URL = "http://127.0.0.1:2200"
WEBHOOK = f"{PUBLIC_URL}/flows/0b9a-1/components/hook 1"

Mode = Literal["public", "any", "off"]


MakeOutgoing = Callable[..., Outgoing]


@pytest.fixture
async def outgoing() -> AsyncIterator[MakeOutgoing]:
    async with AsyncExitStack() as stack:

        def make(
            mode: Mode = "public",
            net: Net | None = None,
            own: httpx2.AsyncBaseTransport | None = None,
            public_url: str = PUBLIC_URL,
        ) -> Outgoing:
            made = (
                Outgoing(mode, public_url, own)
                if net is None
                else Outgoing(mode, public_url, own, resolve=net.resolve, connect=net.connect)
            )
            stack.push_async_callback(made.aclose)
            return made

        yield make


async def refusal(call: Awaitable[object]) -> ComponentFailedError:
    with pytest.raises(ComponentFailedError) as caught:
        await call
    assert not caught.value.retry
    return caught.value


def redirect(status: int, location: str) -> bytes:
    return (
        f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"
    ).encode()


def own_transport(seen: list[str]) -> httpx2.AsyncBaseTransport:
    async def answer(request: Request) -> JSONResponse:
        seen.append(str(request.url))
        return JSONResponse({"from": "the tenant"})

    return httpx2.ASGITransport(
        Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    )


async def test_a_public_server_is_called_under_its_name(outgoing: MakeOutgoing) -> None:
    async with served(
        b"HTTP/1.1 418 Teapot\r\nX-Kind: A\r\nContent-Length: 3\r\n\r\ntea"
    ) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        answer = await outgoing(net=net).request(
            "POST", "http://shop.example/orders?a=1", params={"b": [2, 3]}, content=b"order"
        )

    assert (answer.status, answer.headers["x-kind"], answer.body) == (418, "A", b"tea")
    assert answer.url == "http://shop.example/orders?a=1&b=2&b=3"
    assert server.requests[0].startswith("POST /orders?a=1&b=2&b=3 HTTP/1.1\r\n")
    assert "Host: shop.example\r\n" in server.requests[0]
    assert server.requests[0].endswith("\r\n\r\norder")


async def test_a_name_that_leads_to_the_metadata_address_is_refused(
    outgoing: MakeOutgoing,
) -> None:
    net = Net({"innocent.example": ["169.254.169.254"]}, {})

    error = await refusal(outgoing(net=net).request("GET", "http://innocent.example/latest"))

    assert "169.254.169.254" in str(error)
    assert "APPMIXER_SANDBOX_EGRESS" in str(error)
    assert net.connected == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    outgoing: MakeOutgoing,
) -> None:
    net = Net({"mixed.example": [PUBLIC_ADDRESS, "10.0.0.5"]}, {})

    error = await refusal(outgoing(net=net).request("GET", "http://mixed.example/"))

    assert "10.0.0.5" in str(error)
    assert net.connected == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9", "2130706433:9", "0x7f.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9", "localhost:9"],
)
async def test_loopback_is_refused_in_every_spelling(outgoing: MakeOutgoing, host: str) -> None:
    error = await refusal(outgoing().request("GET", f"http://{host}/"))

    assert "no public address" in str(error)


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    async with served(OK) as server:
        names = {"rebinding.example": [PUBLIC_ADDRESS]}
        net = Net(names, {PUBLIC_ADDRESS: server})

        async def resolve_otherwise_next_time(host: str, port: int) -> list[str]:
            found = await net.resolve(host, port)
            names["rebinding.example"] = ["127.0.0.1"]
            return found

        caller = Outgoing(
            "public", PUBLIC_URL, resolve=resolve_otherwise_next_time, connect=net.connect
        )
        await caller.request("GET", "http://rebinding.example/")
        await caller.aclose()

    assert net.asked == ["rebinding.example:80"]
    assert net.connected == [(PUBLIC_ADDRESS, 80)]


async def test_the_next_address_is_tried_when_one_does_not_answer(outgoing: MakeOutgoing) -> None:
    async with served(OK) as server:
        net = Net({"two.example": ["93.184.216.1", PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        answer = await outgoing(net=net).request("GET", "http://two.example/")

    assert answer.status == 200


async def test_a_public_server_cannot_redirect_to_loopback(outgoing: MakeOutgoing) -> None:
    async with served(redirect(302, "http://127.0.0.1:9/secrets")) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        error = await refusal(outgoing(net=net).request("GET", "http://shop.example/"))

    assert "127.0.0.1" in str(error)
    assert net.connected == [(PUBLIC_ADDRESS, 80)]


async def test_a_redirect_to_what_is_no_url_is_refused(outgoing: MakeOutgoing) -> None:
    async with served(redirect(302, "http://[::1/")) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        error = await refusal(outgoing(net=net).request("GET", "http://shop.example/"))

    assert "no URL" in str(error)


async def test_a_public_server_cannot_redirect_to_the_tenants_api(outgoing: MakeOutgoing) -> None:
    seen: list[str] = []
    async with served(redirect(302, f"{PUBLIC_URL}/user/auth")) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        await refusal(
            outgoing(net=net, own=own_transport(seen)).request("GET", "http://shop.example/")
        )

    assert seen == []


async def test_five_redirects_are_followed_and_a_sixth_is_not(outgoing: MakeOutgoing) -> None:
    hops = [redirect(302, f"/{number}") for number in range(5)]
    async with served(*hops, OK, *hops, redirect(302, "/6")) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        caller = outgoing(net=net)

        answer = await caller.request("GET", "http://shop.example/")
        error = await refusal(caller.request("GET", "http://shop.example/"))

    assert answer.url == "http://shop.example/4"
    assert "redirects" in str(error)


async def test_credentials_are_not_carried_to_another_origin(outgoing: MakeOutgoing) -> None:
    async with served(
        redirect(307, "/again"), redirect(307, "http://other.example/"), OK
    ) as server:
        net = Net(
            {"shop.example": [PUBLIC_ADDRESS], "other.example": [PUBLIC_ADDRESS]},
            {PUBLIC_ADDRESS: server},
        )

        await outgoing(net=net).request(
            "GET",
            "http://shop.example/",
            headers={"Authorization": "Bearer s3cret", "Cookie": "a=s3cret", "X-Kept": "yes"},
        )

    assert ["s3cret" in request for request in server.requests] == [True, True, False]
    assert all("x-kept: yes" in request for request in server.requests)


async def test_a_password_in_the_url_signs_the_call_and_is_not_told_on(
    outgoing: MakeOutgoing,
) -> None:
    async with served(OK, redirect(302, "http://other.example/"), OK) as server:
        net = Net(
            {"shop.example": [PUBLIC_ADDRESS], "other.example": [PUBLIC_ADDRESS]},
            {PUBLIC_ADDRESS: server},
        )

        caller = outgoing(net=net)
        answer = await caller.request("GET", "http://ann:s3cret@shop.example/")
        await caller.request("GET", "http://ann:s3cret@shop.example/")

    assert "s3cret" not in answer.url
    signed = ["authorization: basic" in request.lower() for request in server.requests]
    assert signed == [True, True, False]


async def test_a_303_turns_a_post_into_a_get_and_a_307_repeats_it(outgoing: MakeOutgoing) -> None:
    async with served(redirect(303, "/a"), OK, redirect(307, "/a"), OK) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        caller = outgoing(net=net)

        for _ in range(2):
            await caller.request("POST", "http://shop.example/", content=b"order")

    assert server.requests[1].startswith("GET /a ")
    assert "order" not in server.requests[1]
    assert server.requests[3].startswith("POST /a ")
    assert server.requests[3].endswith("order")


async def test_what_frames_the_message_cannot_be_set_by_a_flow(outgoing: MakeOutgoing) -> None:
    async with served(OK) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        await outgoing(net=net).request(
            "POST",
            "http://shop.example/",
            headers={"Host": "127.0.0.1:2200", "Content-Length": "99", "Transfer-Encoding": "x"},
            content=b"order",
        )

    assert "Host: shop.example\r\n" in server.requests[0]
    assert "Content-Length: 5\r\n" in server.requests[0]
    assert "transfer-encoding" not in server.requests[0].lower()


async def test_a_header_cannot_smuggle_another_one(outgoing: MakeOutgoing) -> None:
    async with served(OK) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        error = await refusal(
            outgoing(net=net).request(
                "GET", "http://shop.example/", headers={"X-Key": "s3cret\r\nX-Evil: 2"}
            )
        )

    assert "s3cret" not in str(error)
    assert server.requests == []


async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_call(
    outgoing: MakeOutgoing,
) -> None:
    baked = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with served(baked, OK) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        caller = outgoing(net=net)

        for _ in range(2):
            await caller.request("GET", "http://shop.example/")

    assert "cookie" not in server.requests[1].lower()


async def test_proxy_variables_are_ignored(
    outgoing: MakeOutgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with served(OK) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        answer = await outgoing(net=net).request("GET", "http://shop.example/")

    assert answer.status == 200


async def test_a_body_over_the_limit_is_cut_off_with_an_error(outgoing: MakeOutgoing) -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
    async with served(large, large) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        caller = outgoing(net=net)

        answer = await caller.request("GET", "http://shop.example/", max_bytes=2000)
        error = await refusal(caller.request("GET", "http://shop.example/", max_bytes=1999))

    assert len(answer.body) == 2000
    assert "1,999" in str(error)


async def test_a_packed_body_is_unpacked_and_counted_unpacked(outgoing: MakeOutgoing) -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with served(head.encode() + packed, head.encode() + packed) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        caller = outgoing(net=net)

        answer = await caller.request("GET", "http://shop.example/")
        await refusal(caller.request("GET", "http://shop.example/", max_bytes=999_999))

    assert answer.body == b"x" * 1_000_000


def packed_answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("sent", "unpacked"),
    [
        (b"", b""),
        (gzip.compress(b""), b""),
        (gzip.compress(b"one, ") + gzip.compress(b"two"), b"one, two"),
        (gzip.compress(b"x" * 70_000) * 3, b"x" * 210_000),
    ],
    ids=["no bytes", "an empty member", "two members", "members longer than a chunk"],
)
async def test_a_packed_body_may_be_empty_and_may_have_several_members(
    outgoing: MakeOutgoing, sent: bytes, unpacked: bytes
) -> None:
    async with served(packed_answer(sent)) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        answer = await outgoing(net=net).request("GET", "http://shop.example/")

    assert answer.body == unpacked


@pytest.mark.parametrize(
    "sent",
    [
        gzip.compress(b"an order")[:-9],
        gzip.compress(b"an order")[:-1],
        gzip.compress(b"an order")[:4],
        gzip.compress(b"an order") + gzip.compress(b"and another")[:-1],
        gzip.compress(b"an order") + b"and something else",
    ],
    ids=["no check sum", "half a length", "half a head", "half a second member", "no member"],
)
async def test_a_packed_body_that_is_not_whole_is_no_answer_and_may_be_tried_again(
    outgoing: MakeOutgoing, sent: bytes
) -> None:
    async with served(packed_answer(sent)) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(ComponentFailedError, match=r"shop\.example sent a") as caught:
            await outgoing(net=net).request("GET", "http://shop.example/")

    assert caught.value.retry


async def test_many_members_do_not_get_round_the_limit(outgoing: MakeOutgoing) -> None:
    async with served(packed_answer(gzip.compress(b"x" * 100) * 11)) as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        error = await refusal(
            outgoing(net=net).request("GET", "http://shop.example/", max_bytes=1_000)
        )

    assert "1,000" in str(error)


async def test_a_server_that_never_answers_is_given_up_and_may_be_tried_again(
    outgoing: MakeOutgoing,
) -> None:
    stalled = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"
    async with served(stalled, hangs=True) as server:
        net = Net({"slow.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(ComponentFailedError) as caught:
            await outgoing(net=net).request("GET", "http://slow.example/", timeout_s=0.05)

    assert caught.value.retry
    assert caught.value.error_code == "ETIMEDOUT"


async def test_a_server_that_cannot_be_reached_may_be_tried_again(outgoing: MakeOutgoing) -> None:
    net = Net({"gone.example": [PUBLIC_ADDRESS]}, {})

    with pytest.raises(ComponentFailedError) as caught:
        await outgoing(net=net).request("GET", "http://gone.example/")

    assert caught.value.retry
    assert caught.value.error_code == "ECONNREFUSED"


async def test_half_an_answer_is_no_answer(outgoing: MakeOutgoing) -> None:
    async with served(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as server:
        net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(ComponentFailedError) as caught:
            await outgoing(net=net).request("GET", "http://shop.example/")

    assert caught.value.retry
    assert caught.value.error_code == "ECONNRESET"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "ftp://shop.example/",
        "http://",
        "http://a:b/",
        "http://shop.example:99999/",
        "http://shop.example/\0",
    ],
)
async def test_what_is_no_http_url_is_refused(outgoing: MakeOutgoing, url: str) -> None:
    error = await refusal(outgoing().request("GET", url))

    assert error.error_code == "EINVAL"


@pytest.mark.parametrize("mode", ["public", "any", "off"])
async def test_the_tenants_own_webhooks_are_reached_in_every_mode(
    outgoing: MakeOutgoing, mode: Mode
) -> None:
    seen: list[str] = []
    caller = outgoing(mode, own=own_transport(seen))

    answer = await caller.request("POST", WEBHOOK, params={"enqueueOnly": "true"})

    assert answer.body == b'{"from":"the tenant"}'
    assert seen == [f"{PUBLIC_URL}/flows/0b9a-1/components/hook 1?enqueueOnly=true"]


async def test_under_a_public_url_with_a_path_only_webhooks_below_it_are_the_tenants_own(
    outgoing: MakeOutgoing,
) -> None:
    seen: list[str] = []
    caller = outgoing(own=own_transport(seen), public_url="https://flows.example/sandbox/")

    await caller.request("POST", "https://flows.example/sandbox/flows/a/components/b")
    await refusal(caller.request("POST", "https://flows.example/flows/a/components/b"))
    await refusal(caller.request("POST", "https://flows.example/sandbox/user"))

    assert seen == ["https://flows.example/sandbox/flows/a/components/b"]


@pytest.mark.parametrize("mode", ["public", "any", "off"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/flows",
        "/flows/0b9a-1",
        "/flows/0b9a-1/components/",
        "/flows/0b9a-1/components/hook/../../../../user",
        "/flows/0b9a-1/components/hook/x",
        "/flows/0b9a-1/components/%2e%2e",
        "/flows/0b9a-1%2fcomponents/hook",
        "/flows/0b9a-1/components/hook%2f..%2fuser",
        "/flows/%2e%2e/components/hook",
        "//flows/0b9a-1/components/hook",
        "/user/auth",
    ],
)
async def test_the_tenants_api_is_reached_in_no_mode(
    outgoing: MakeOutgoing, mode: Mode, path: str
) -> None:
    seen: list[str] = []
    caller = outgoing(mode, own=own_transport(seen))

    error = await refusal(caller.request("GET", PUBLIC_URL + path))

    assert "own API" in str(error)
    assert seen == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "0.0.0.0", "[::1]", "2130706433"])  # noqa: S104 - addresses to be refused
async def test_the_tenants_api_has_no_back_door_under_another_name(
    outgoing: MakeOutgoing, host: str
) -> None:
    async with served(OK) as server:
        caller = outgoing("any", public_url=f"http://127.0.0.1:{server.port}")

        error = await refusal(
            caller.request("GET", f"http://{host}:{server.port}/flows/a/components/b")
        )

    assert "own API" in str(error)
    assert server.requests == []


async def test_without_a_transport_of_its_own_a_webhook_is_called_on_loopback(
    outgoing: MakeOutgoing,
) -> None:
    async with served(OK) as server:
        public_url = f"http://127.0.0.1:{server.port}"

        answer = await outgoing("off", public_url=public_url).request(
            "POST", f"{public_url}/flows/a/components/b", content=b"order"
        )

    assert answer.body == b"ok"
    assert server.requests[0].endswith("order")


async def test_mode_any_reaches_private_addresses(outgoing: MakeOutgoing) -> None:
    async with served(OK) as server:
        answer = await outgoing("any").request("GET", f"http://127.0.0.1:{server.port}/")

    assert answer.body == b"ok"


async def test_mode_off_reaches_nothing_and_asks_nobody(outgoing: MakeOutgoing) -> None:
    net = Net({"shop.example": [PUBLIC_ADDRESS]}, {})

    error = await refusal(outgoing("off", net=net).request("GET", "http://shop.example/"))

    assert "APPMIXER_SANDBOX_EGRESS" in str(error)
    assert net.asked == []


async def test_tls_is_negotiated_for_the_name_and_an_unknown_certificate_is_refused(
    outgoing: MakeOutgoing, tmp_path: Path
) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path, "shop.example"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    server = Server([])
    server.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django here
    net = Net({"shop.example": [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

    async def shake_hands(stream: SocketStream) -> None:
        async with stream:
            with pytest.raises((ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream)):
                await TLSStream.wrap(stream, ssl_context=context, server_side=True)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, shake_hands)
        with pytest.raises(ComponentFailedError):
            await outgoing(net=net).request("GET", "https://shop.example/")
        tasks.cancel_scope.cancel()

    assert names == ["shop.example"]
    assert net.connected == [(PUBLIC_ADDRESS, 443)]
