"""Listens to server-sent events of an application, without a socket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class EventStream:
    """An answer that goes on."""

    status: int
    content_type: str
    _parts: MemoryObjectReceiveStream[bytes]

    async def next(self) -> str:
        """Return the next part, such as `: init` or `data: {…}`."""
        with anyio.fail_after(5):
            return (await self._parts.receive()).decode().strip()


@asynccontextmanager
async def listening(app: ASGIApp, url: str, token: str = "") -> AsyncGenerator[EventStream]:
    """Open a stream; leaving is what a client does that goes away."""
    target, gone = urlsplit(url), anyio.Event()
    send_parts, parts = anyio.create_memory_object_stream[bytes](100)
    send_head, head = anyio.create_memory_object_stream[Message](1)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": target.path,
        "raw_path": target.path.encode(),
        "query_string": target.query.encode(),
        "headers": [
            (b"host", b"127.0.0.1:2200"),
            *([(b"authorization", f"Bearer {token}".encode())] if token else []),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2200),
    }
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send_head.send(message)
        elif message.get("body"):
            await send_parts.send(message["body"])

    async def answer() -> None:
        await app(scope, receive, send)

    with send_parts, parts, send_head, head:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer)
            with anyio.fail_after(5):
                start = await head.receive()
            headers = dict(start["headers"])
            yield EventStream(start["status"], headers[b"content-type"].decode(), parts)
            gone.set()
