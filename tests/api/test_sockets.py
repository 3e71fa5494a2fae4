"""What can only be seen on a real connection: stalls, broken answers, sizes and hanging up."""

from typing import TYPE_CHECKING

import anyio
import pytest

from appmixer_mcp.api import AppmixerClient, FlowId
from appmixer_mcp.errors import (
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from anyio.abc import SocketStream

    from .conftest import Serve

HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{"flowId"'


def response(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return head + b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


async def no_wait(_: float) -> None:
    await anyio.lowlevel.checkpoint()


async def hang(stream: "SocketStream") -> None:
    """Wait until the client hangs up."""
    await stream.receive()


async def test_flows_are_listed_over_a_socket(serve: "Serve") -> None:
    requests: list[bytes] = []

    async def handler(stream: "SocketStream", request: bytes) -> None:
        requests.append(request)
        await stream.send(response(b'[{"flowId":"f1"}]'))

    async with AppmixerClient(await serve(handler), access_token="t") as client:
        with anyio.fail_after(5):
            flows = await client.flows.list_flows()

    assert [flow.flow_id for flow in flows] == ["f1"]
    assert b"GET /flows HTTP/1.1\r\n" in requests[0]
    assert b"authorization: bearer t\r\n" in requests[0].lower()


async def test_a_backend_that_is_down_is_reported_after_three_tries() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django

    async with AppmixerClient(f"http://127.0.0.1:{port}", sleep=no_wait) as client:
        with anyio.fail_after(5), pytest.raises(UnavailableError, match="no connection"):
            await client.flows.create_flow("Orders")

        assert client.requests_sent == 3


@pytest.mark.parametrize("sent", [b"", HALF], ids=["silent", "stalled in the body"])
async def test_a_slow_backend_is_given_up_once_the_time_is_over(
    sent: bytes, serve: "Serve"
) -> None:
    async def handler(stream: "SocketStream", _: bytes) -> None:
        await stream.send(sent)
        await hang(stream)

    async with AppmixerClient(await serve(handler), timeout_s=0.1) as client:
        with anyio.fail_after(5), pytest.raises(UnavailableError, match=r"longer than 0\.1 sec"):
            await client.flows.list_flows()

        assert client.requests_sent == 1


async def test_a_write_that_stalls_may_have_happened(serve: "Serve") -> None:
    async def handler(stream: "SocketStream", _: bytes) -> None:
        await hang(stream)

    async with AppmixerClient(await serve(handler), timeout_s=0.1) as client:
        with anyio.fail_after(5), pytest.raises(UnavailableError, match="look before") as caught:
            await client.flows.delete_flow(FlowId("f1"))

    assert caught.value.may_have_happened


async def test_an_answer_that_breaks_off_is_asked_for_again(serve: "Serve") -> None:
    answers = [HALF, b"", response(b"[]")]

    async def handler(stream: "SocketStream", _: bytes) -> None:
        await stream.send(answers.pop(0))

    async with AppmixerClient(await serve(handler), sleep=no_wait) as client:
        with anyio.fail_after(5):
            assert await client.flows.list_flows() == []


async def test_half_a_json_is_an_error(serve: "Serve") -> None:
    async def handler(stream: "SocketStream", _: bytes) -> None:
        await stream.send(response(b'[{"flowId": "f1", "na'))

    async with AppmixerClient(await serve(handler)) as client:
        with anyio.fail_after(5), pytest.raises(UnexpectedAnswerError, match="not complete JSON"):
            await client.flows.list_flows()


async def test_fifty_megabytes_are_cut_off(serve: "Serve") -> None:
    sent_bytes = 0
    hung_up = anyio.Event()

    async def handler(stream: "SocketStream", _: bytes) -> None:
        nonlocal sent_bytes
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n[")
        try:
            while sent_bytes < 50_000_000:
                await stream.send(b" " * 1_000_000)
                sent_bytes += 1_000_000
        except anyio.BrokenResourceError:
            hung_up.set()

    async with AppmixerClient(await serve(handler)) as client:
        with anyio.fail_after(20), pytest.raises(UnexpectedAnswerError, match=r"10,000,000.*limit"):
            await client.flows.list_flows()
        with anyio.fail_after(5):
            await hung_up.wait()

    assert sent_bytes < 50_000_000


async def test_too_many_calls_wait_as_long_as_the_backend_asks(serve: "Serve") -> None:
    head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 9\r\n"
    waits_s: list[float] = []

    async def handler(stream: "SocketStream", _: bytes) -> None:
        await stream.send(response(b"", head))

    async def sleep(wait_s: float) -> None:
        waits_s.append(wait_s)
        await anyio.lowlevel.checkpoint()

    async with AppmixerClient(await serve(handler), sleep=sleep) as client:
        with anyio.fail_after(5), pytest.raises(RateLimitedError, match="in 9 seconds"):
            await client.flows.list_flows()

    assert waits_s == [9.0, 9.0]


async def test_a_redirect_to_another_port_never_sees_the_token(serve: "Serve") -> None:
    seen: list[bytes] = []

    async def other(stream: "SocketStream", request: bytes) -> None:
        seen.append(request)
        await stream.send(response(b"[]"))

    other_url = await serve(other)

    async def handler(stream: "SocketStream", _: bytes) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: %b/flows\r\n" % other_url.encode()
        await stream.send(response(b"", head))

    async with AppmixerClient(await serve(handler), access_token="t") as client:
        with anyio.fail_after(5), pytest.raises(UnexpectedAnswerError, match="another host"):
            await client.flows.list_flows()

    assert seen == []


async def test_cancelling_a_call_closes_its_connection(serve: "Serve") -> None:
    arrived, hung_up = anyio.Event(), anyio.Event()

    async def handler(stream: "SocketStream", _: bytes) -> None:
        arrived.set()
        try:
            await hang(stream)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            hung_up.set()

    async with AppmixerClient(await serve(handler)) as client:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(client.flows.list_flows)
                await arrived.wait()
                group.cancel_scope.cancel()

            await hung_up.wait()


async def test_proxy_settings_of_the_environment_are_ignored(
    serve: "Serve", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def handler(stream: "SocketStream", _: bytes) -> None:
        await stream.send(response(b"[]"))

    async with AppmixerClient(await serve(handler)) as client:
        with anyio.fail_after(5):
            assert await client.flows.list_flows() == []
