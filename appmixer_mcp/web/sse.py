"""MCP over Server-Sent Events, the transport of older clients: `GET /sse` and `POST /messages/`."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.sse import SseServerTransport
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from starlette.types import Message, Receive, Scope, Send

from appmixer_mcp.session import Session
from appmixer_mcp.stdio import both_eras
from appmixer_mcp.streams import Between, Closing
from appmixer_mcp.surface import Selection
from appmixer_mcp.web.authentication import authenticated_session
from appmixer_mcp.web.http_sessions import RETRY_AFTER_S, too_many_of_one
from appmixer_mcp.web.narrowing import asked_by, keep_within
from appmixer_mcp.web.refusals import refusal

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.shared._stream_protocols import ReadStream, WriteStream

MESSAGES = "/messages/"

_MOST_UNREAD = 128
_PATIENCE_S = 30.0


class SseStreams:
    """Serves streams, each a session of its own until its client leaves or is silent too long."""

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

    async def messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a message of a client: the ASGI application behind `POST /messages/`."""
        # It is answered by then; that its stream ends at the same moment is no error of ours.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._transport.handle_post_message(scope, receive, send)

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
            idle = anyio.CancelScope()
            read_in_time = _ReadInTime(send, idle)
            async with self._transport.connect_sse(scope, receive, read_in_time) as (read, write):
                with idle:
                    watched = _Watched(read, idle, self._idle_s, asked_by(scope))
                    answers = _Answers(write, idle)
                    await both_eras(self._server, watched, answers, lifespan_state=session)
        finally:
            if session is not None:
                with anyio.CancelScope(shield=True):
                    await session.aclose()


class _ReadInTime:
    """What a client is sent; when it does not take it in time, its session ends."""

    def __init__(self, send: Send, session: anyio.CancelScope) -> None:
        self._send = send
        self._session = session
        self._is_over = False

    async def __call__(self, message: Message) -> None:
        if self._is_over:
            return
        with anyio.move_on_after(_PATIENCE_S) as patience:
            await self._send(message)
        if patience.cancelled_caught:
            self._is_over = True
            self._session.cancel()


class _Answers(Closing["WriteStream[SessionMessage]"]):
    """What is sent to a client, whose session ends when it asks on and reads no answers."""

    def __init__(self, stream: "WriteStream[SessionMessage]", session: anyio.CancelScope) -> None:
        super().__init__(stream)
        self._session = session
        self._waiting = 0

    async def send(self, item: SessionMessage, /) -> None:
        if self._waiting >= _MOST_UNREAD:
            self._session.cancel()
        self._waiting += 1
        try:
            await self._stream.send(item)
        finally:
            self._waiting -= 1


class _Watched(Between):
    """A stream of messages, each of which puts off the end of the session.

    None asks for more than the stream was opened with.
    """

    def __init__(
        self,
        stream: "ReadStream[SessionMessage | Exception]",
        idle: anyio.CancelScope,
        wait_s: float,
        asked: Selection,
    ) -> None:
        super().__init__(stream)
        self._asked = asked
        self._idle = idle
        self._wait_s = wait_s
        idle.deadline = anyio.current_time() + wait_s

    async def receive(self) -> SessionMessage | Exception:
        message = await self._stream.receive()
        self._idle.deadline = anyio.current_time() + self._wait_s
        if isinstance(message, SessionMessage):
            metadata = cast("ServerMessageMetadata", message.metadata)
            keep_within(metadata.request_context.scope, self._asked)
        return message


_full = refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_sessions",
    "Too many sessions are open. Try again later.",
    retry_after_s=RETRY_AFTER_S,
)
