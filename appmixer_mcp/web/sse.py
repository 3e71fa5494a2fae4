"""MCP over Server-Sent Events, the transport of older clients: `GET /sse` and `POST /messages/`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.sse import SseServerTransport
from mcp.shared.message import SessionMessage
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from appmixer_mcp.session import Session
from appmixer_mcp.stdio import both_eras
from appmixer_mcp.streams import Between

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.shared._stream_protocols import ReadStream

MESSAGES = "/messages/"


class SseStreams:
    """Serves streams, each a session of its own until the client leaves or stays silent too long.

    Attributes:
        messages: The ASGI application behind `POST /messages/`.
        open_streams: How many there are now.
    """

    def __init__(
        self,
        server: "Server[Any]",
        *,
        new_session: Callable[[], Session] | None,
        most: int,
        idle_s: float,
        max_body_bytes: int,
    ) -> None:
        """Keep what streams need.

        Args:
            server: Answers the messages.
            new_session: Gives each stream a session, closed with it; without it each message says
                itself whose it is.
            most: How many streams may be open at once.
            idle_s: How long a stream lives without a message of its client.
            max_body_bytes: Largest message.
        """
        self._server = server
        self._new_session = new_session
        self._most = most
        self._idle_s = idle_s
        self.open_streams = 0
        # Host and Origin are checked in front of the whole application.
        self._transport = SseServerTransport(MESSAGES, max_request_body_size=max_body_bytes)
        self.messages = self._transport.handle_post_message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until it ends."""
        if self.open_streams >= self._most:
            await _full(scope, receive, send)
            return
        self.open_streams += 1
        session = self._new_session() if self._new_session else None
        try:
            async with self._transport.connect_sse(scope, receive, send) as (read, write):
                with anyio.CancelScope() as idle:
                    watched = _Watched(read, idle, self._idle_s)
                    await both_eras(self._server, watched, write, lifespan_state=session)
        finally:
            self.open_streams -= 1
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


_full = JSONResponse(
    {"error": "too_many_sessions", "error_description": "Too many sessions are open. Try later."},
    HTTPStatus.SERVICE_UNAVAILABLE,
    {"Retry-After": "60"},
)
