"""Bodies that are too large, too slow or never end."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.web.bodies import Bodies
from appmixer_mcp.web.health import health_routes
from tests.serving import serving

MEGABYTE = 1_048_576
HEAD = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what arrived, and whether the client was still there afterwards."""
    request = Request(scope, receive)
    body = await request.body()
    answer = PlainTextResponse(f"{len(body)} {body[:5]!r} {await request.is_disconnected()}")
    await answer(scope, receive, send)


def app(*, max_bytes: int = MEGABYTE, timeout_s: float = 5) -> ASGIApp:
    bodies = Bodies(told, max_bytes=max_bytes, timeout_s=timeout_s)
    healthz = health_routes({})[0]

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await (healthz.app if scope["path"] == "/healthz" else bodies)(scope, receive, send)

    return routed


@asynccontextmanager
async def served(**limits: Any) -> AsyncIterator[tuple[str, int]]:
    async with serving(lambda _: app(**limits), lifespan=False) as url:
        yield "127.0.0.1", httpx2.URL(url).port or 0


async def rest_of(stream: SocketStream) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    with anyio.fail_after(20):
        try:
            async for chunk in stream:
                received += chunk
        except anyio.BrokenResourceError:  # closed while we were still sending
            pass
    return received


async def first_of(stream: SocketStream) -> bytes:
    """Read what the server says first."""
    with anyio.move_on_after(20):
        return await stream.receive()
    pytest.fail("the server says nothing")


async def post(content: Any, **limits: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app(**limits))
    async with httpx2.AsyncClient(transport=transport, base_url="http://mcp") as client:
        return await client.post("/mcp", content=content)


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize(
    ("content", "arrived"),
    [
        (b"", "0 b'' False"),
        (b"hello", "5 b'hello' False"),
        (b"x" * 100, "100 b'xxxxx' False"),
        (chunks(10, 10), "100 b'xxxxx' False"),
    ],
)
async def test_a_body_within_the_limit_arrives_whole(content: Any, arrived: str) -> None:
    answer = await post(content, max_bytes=100)

    assert answer.text == arrived


@pytest.mark.parametrize("content", [b"x" * 101, chunks(10, 11), chunks(101, 1)])
async def test_one_byte_more_is_refused(content: Any) -> None:
    answer = await post(content, max_bytes=100)

    assert answer.status_code == 413
    assert answer.json()["error"] == "request_too_large"
    assert "100 bytes" in answer.json()["error_description"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["104857600", "9" * 19])
async def test_a_body_that_announces_its_size_is_refused_before_it_is_sent(length: str) -> None:
    async with served() as (host, port), await anyio.connect_tcp(host, port) as stream:
        await stream.send(HEAD + f"Content-Length: {length}\r\n\r\n".encode())

        answer = await first_of(stream)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("announced", "chunk"),
    [
        (b"Content-Length: 104857600", b"x" * MEGABYTE),
        (b"Transfer-Encoding: chunked", b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"),
    ],
)
async def test_whoever_is_still_sending_a_hundred_megabytes_sees_that_they_are_too_many(
    announced: bytes, chunk: bytes
) -> None:
    answers: list[bytes] = []
    async with served() as (host, port), await anyio.connect_tcp(host, port) as stream:
        await stream.send(HEAD + announced + b"\r\n\r\n")
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                for _ in range(100):
                    await stream.send(chunk)

            tasks.start_soon(send)
            answers.append(await first_of(stream))
            tasks.cancel_scope.cancel()

    assert answers[0].startswith(b"HTTP/1.1 413 ")


async def test_a_body_without_end_is_refused_as_soon_as_it_is_too_large() -> None:
    async with served() as (host, port), await anyio.connect_tcp(host, port) as stream:
        await stream.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        await stream.send(b"100001\r\n" + b"x" * MEGABYTE + b"x\r\n")

        answer = await first_of(stream)

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_two_hundred_stalled_connections_end_and_health_is_answered_meanwhile() -> None:
    answers: list[bytes] = []
    healthy: list[httpx2.Response] = []

    async with served(timeout_s=1) as (host, port), anyio.create_task_group() as tasks:

        async def stall(task_status: Any) -> None:
            async with await anyio.connect_tcp(host, port) as stream:
                await stream.send(HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 50)
                task_status.started()
                answers.append(await rest_of(stream))

        for _ in range(200):
            await tasks.start(lambda *, task_status: stall(task_status))
        async with httpx2.AsyncClient() as client:
            healthy.append(await client.get(f"http://{host}:{port}/healthz"))

    assert healthy[0].json() == {"status": "ok"}
    assert len(answers) == 200
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert json.loads(answers[0].partition(b"\r\n\r\n")[2])["error"] == "request_timeout"


async def test_a_byte_now_and_then_does_not_put_the_end_off() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            yield b"x"

    with anyio.fail_after(10):
        answer = await post(trickle(), timeout_s=0.2, max_bytes=1_000_000_000)

    assert answer.status_code == 408


async def test_a_client_that_leaves_in_the_middle_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served() as (host, port):
        async with await anyio.connect_tcp(host, port) as stream:
            await stream.send(HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 50)
        async with httpx2.AsyncClient() as client:
            answer = await client.post(f"http://{host}:{port}/mcp", content=b"hello")

    assert answer.text == "5 b'hello' False"
    assert caplog.records == []


async def test_the_connection_of_a_body_that_was_read_is_kept() -> None:
    async with served() as (host, port), await anyio.connect_tcp(host, port) as stream:
        for _ in range(2):
            await stream.send(HEAD + b"Content-Length: 5\r\n\r\nhello")
            with anyio.fail_after(5):
                assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")


async def test_what_all_requests_have_sent_so_far_is_bounded_too() -> None:
    bodies = Bodies(told, max_bytes=MEGABYTE, timeout_s=60)
    waiting = anyio.Semaphore(0)
    answers: list[list[Any]] = []
    others: list[httpx2.Response] = []

    async def half(tasks: Any) -> list[Any]:
        """Send a request whose body stops in the middle; returns what is answered."""
        messages = [{"type": "http.request", "body": b"x" * (MEGABYTE - 1), "more_body": True}]
        answered: list[Any] = []

        async def receive() -> Any:
            if messages:
                return messages.pop()
            waiting.release()
            return await anyio.sleep_forever()

        async def send(message: Any) -> None:
            answered.append(message)
            waiting.release()

        scope = {"type": "http", "headers": [], "method": "POST", "path": "/mcp"}
        tasks.start_soon(bodies, scope, receive, send)
        await waiting.acquire()
        return answered

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(18):
                answers.append(await half(tasks))  # noqa: PERF401 - one after the other
            others.append(await post_to(bodies, b"x" * 65_536))
            tasks.cancel_scope.cancel()
        others.append(await post_to(bodies, b"x" * MEGABYTE))

    assert [len(answer) for answer in answers[:17]] == [0] * 17
    assert answers[17][0]["status"] == 503
    assert [answer.status_code for answer in others] == [200, 200]


async def post_to(bodies: Bodies, content: bytes) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=bodies)
    async with httpx2.AsyncClient(transport=transport, base_url="http://mcp") as client:
        return await client.post("/mcp", content=content)
