"""Streams of a client's messages that stand between a transport and the SDK's loop."""

from abc import ABC, abstractmethod
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import anyio
from mcp.shared.message import SessionMessage

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import ReadStream, WriteStream


StreamT = TypeVar("StreamT", bound="ReadStream[Any] | WriteStream[Any]")


class Closing(Generic[StreamT]):
    """Stands before a stream, which is closed with it."""

    def __init__(self, stream: StreamT) -> None:
        self._stream = stream

    async def aclose(self) -> None:
        """Close the stream behind."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


class Between(Closing["ReadStream[SessionMessage | Exception]"], ABC):
    """Has everything of the stream behind it but how a message is received."""

    @property
    def last_context(self) -> Context | None:
        """The context in which the last message was sent, where the stream knows it."""
        return getattr(self._stream, "last_context", None)

    @abstractmethod
    async def receive(self) -> SessionMessage | Exception:
        """Return the next message, or why it is none.

        Raises:
            EndOfStream: Of anyio; there is no more.
        """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
