"""A tenant that answers as a test says: in memory, or over a real loopback socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream

from appmixer_mcp.api import AppmixerClient

Responder = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Backend:
    """An API in memory that gives the answers it was told, one after the other, the last for ever.

    An answer is a response, a function that makes one, or an exception to raise.
    """

    answers: list[httpx2.Response | Responder | Exception] = field(
        default_factory=list[httpx2.Response | Responder | Exception]
    )
    requests: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    waits_s: list[float] = field(default_factory=list[float])

    def will(self, *answers: httpx2.Response | Responder | Exception) -> None:
        self.answers.extend(answers)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx2.Response):
            return answer
        return answer(request)

    async def sleep(self, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        await anyio.lowlevel.checkpoint()

    def client(self, **options: Any) -> AppmixerClient:
        options = {"access_token": "first-token", **options}
        return AppmixerClient(
            "http://tenant.test",
            transport=httpx2.MockTransport(self.answer),
            sleep=self.sleep,
            **options,
        )

    @property
    def sent(self) -> list[str]:
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.requests]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(one.content) if one.content else None for one in self.requests]


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def client(backend: Backend) -> AppmixerClient:
    return backend.client()


Handler = Callable[[SocketStream, bytes], Awaitable[None]]
Serve = Callable[[Handler], Awaitable[str]]


async def _receive_request(stream: SocketStream) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        body += await stream.receive()
    return head + b"\r\n\r\n" + body


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Give a function that serves a handler on a free loopback port and returns its base URL.

    The handler is called once for each request, and its connection closed after it.
    """
    async with AsyncExitStack() as listeners, anyio.create_task_group() as group:

        async def start(handler: Handler) -> str:
            async def connected(stream: SocketStream) -> None:
                # A client that hangs up is part of many of these tests.
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    async with stream:
                        await handler(stream, await _receive_request(stream))

            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
            await listeners.enter_async_context(listener)
            group.start_soon(listener.serve, connected)
            port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django
            return f"http://127.0.0.1:{port}"

        yield start
        group.cancel_scope.cancel()
