"""Answers that go on for as long as somebody listens: server-sent events."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from appmixer_mcp.errors import ConflictError
from appmixer_mcp.sandbox.streams import Streams

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sse_starlette import ServerSentEvent

_PING_S = 15


def event_stream(streams: Streams, topic: str) -> Response:
    """Return a stream of a topic's events.

    It begins with the comment `init`, sends the comment `ping` when nothing happens for a while,
    and each event as JSON.

    Raises:
        ConflictError: Too many listen already.

    Source: documented for the chat.
    """
    if streams.is_full(topic):
        raise ConflictError("Too many streams of these events are open; close one.")
    from sse_starlette import EventSourceResponse, ServerSentEvent  # noqa: PLC0415 - few need it

    async def events() -> "AsyncGenerator[ServerSentEvent]":
        with streams.read(topic) as told:
            yield ServerSentEvent(comment="init")
            async for text in told:
                yield ServerSentEvent(text)

    return EventSourceResponse(
        events(), ping=_PING_S, ping_message_factory=lambda: ServerSentEvent(comment="ping")
    )
