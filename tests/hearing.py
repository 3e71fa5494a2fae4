"""Clients of both eras that listen to resources, and a tenant whose requests a test counts."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.subscriptions import Subscription
from mcp.types import ResourceUpdatedNotification
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.serving import client_of


class Front:
    """Stands before a tenant, and tells who asks it."""

    def __init__(self, app: ASGIApp) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        """Requests by token."""
        self._app = app
        self._changed = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        self.asked[token] += 1
        self._changed.set()
        self._changed = anyio.Event()
        await self._app(scope, receive, send)

    async def hears(self, token: str, more: int) -> None:
        """Wait until so many more requests were made with a token."""
        wanted = self.asked[token] + more
        while self.asked[token] < wanted:
            await self._changed.wait()


@dataclass(frozen=True)
class Ear:
    """A client that listens, and what it has heard and nobody has looked at."""

    client: Client
    heard: MemoryObjectReceiveStream[str]
    subscription: Subscription | None = None

    async def next(self) -> str:
        """Return what is heard next."""
        with anyio.fail_after(10):
            return await self.heard.receive()

    async def hears(self, uri: str) -> list[str]:
        """Wait for an address; returns what was heard before it."""
        before = list[str]()
        while (heard := await self.next()) != uri:
            before.append(heard)
        return before

    async def unsubscribe(self, uri: str) -> None:
        """Hear no more of an address; for an older client."""
        await self.client.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]


@asynccontextmanager
async def ear(url: str, way: str, *uris: str, token: str | None = None) -> AsyncIterator[Ear]:
    """Connect a client that listens to resources from now on.

    Args:
        url: The server's, without a path.
        way: As for `client_of`.
        uris: The resources.
        token: What the client sends with each request.
    """
    said, heard = anyio.create_memory_object_stream[str](1_000)
    async with (
        said,
        heard,
        client_of(url, way, token, message_handler=noting(said)) as client,
        listening(client, *uris) as subscription,
    ):
        yield Ear(client, heard, subscription)


def noting(said: MemoryObjectSendStream[str]) -> MessageHandlerFnT:
    """Return what a client does with a message: send on of which resource it tells."""

    async def note(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            said.send_nowait(message.params.uri)

    return note


@asynccontextmanager
async def listening(client: Client, *uris: str) -> AsyncIterator[Subscription | None]:
    """Have a client listen to resources in the way of its era."""
    if client.session.protocol_version == "2026-07-28":
        async with client.listen(resource_subscriptions=uris) as subscription:
            yield subscription
        return
    for uri in uris:
        await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
    yield None
