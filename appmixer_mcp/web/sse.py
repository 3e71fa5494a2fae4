"""MCP over Server-Sent Events, the transport of older clients: `GET /sse` and `POST /messages/`."""

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.sse import SseServerTransport
from mcp.shared.message import SessionMessage
from starlette.types import Receive, Scope, Send

from appmixer_mcp.session import Session
from appmixer_mcp.stdio import both_eras
from appmixer_mcp.streams import Between
from appmixer_mcp.web.authentication import authenticated_session
from appmixer_mcp.web.http_sessions import RETRY_AFTER_S, too_many_of_one
from appmixer_mcp.web.refusals import refusal

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.shared._stream_protocols import ReadStream

MESSAGES = "/messages/"


class SseStreams:
    """Serves streams, each a session of its own until the client leaves or stays silent too long.

    Attributes:
        messages: The ASGI application behind `POST /messages/`.
    """

    def __init__(
        self,
        server: "Server[Any]",
        *,
        new_session: Callable[[], Session] | None,
        most: int,
        most_of_one: int,
        idle_s: float,
        max_body_bytes: int,
    ) -> None:
        """Keep what streams need.

        Args:
            server: Answers the messages.
            new_session: Gives each stream a session, closed with it; without it each message says
                itself whose it is.
            most: How many streams may be open at once.
            most_of_one: How many of one user, where users say who they are.
            idle_s: How long a stream lives without a message of its client.
            max_body_bytes: Largest message.
        """
        self._server = server
        self._new_session = new_session
        self._most = most
        self._most_of_one = most_of_one
        self._idle_s = idle_s
        self._open: Counter[str] = Counter()
        # Host and Origin are checked in front of the whole application.
        self._transport = SseServerTransport(MESSAGES, max_request_body_size=max_body_bytes)
        self.messages = self._transport.handle_post_message

    def count(self) -> int:
        """Return how many are open."""
        return self._open.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until it ends."""
        session = authenticated_session.get(None)
        principal = session.principal if session else ""
        if self.count() >= self._most:
            await _full(scope, receive, send)
        elif principal and self._open[principal] >= self._most_of_one:
            await too_many_of_one(scope, receive, send)
        else:
            self._open[principal] += 1
            try:
                await self._serve(scope, receive, send)
            finally:
                self._open[principal] -= 1
                self._open += Counter()  # forgets whose count is 0

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._new_session() if self._new_session else None
        try:
            async with self._transport.connect_sse(scope, receive, send) as (read, write):
                with anyio.CancelScope() as idle:
                    watched = _Watched(read, idle, self._idle_s)
                    await both_eras(self._server, watched, write, lifespan_state=session)
        finally:
            if session is not None:
                with anyio.CancelScope(shield=True):
                    await session.aclose()


class _Watched(Between):
    """A stream of messages, each of which puts off the end of the session."""

    def __init__(
        self,
        stream: "ReadStream[SessionMessage | Exception]",
        idle: anyio.CancelScope,
        wait_s: float,
    ) -> None:
        super().__init__(stream)
        self._idle = idle
        self._wait_s = wait_s
        idle.deadline = anyio.current_time() + wait_s

    async def receive(self) -> SessionMessage | Exception:
        message = await self._stream.receive()
        self._idle.deadline = anyio.current_time() + self._wait_s
        return message


_full = refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_sessions",
    "Too many sessions are open. Try again later.",
    retry_after_s=RETRY_AFTER_S,
)
