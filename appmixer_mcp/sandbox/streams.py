"""What open event streams are told, in memory: who does not listen now has missed it."""

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps

_MOST_READERS = 100  # of one topic
_MOST_WAITING = 100  # events that one reader has not taken yet


class Streams:
    """Hands each event of a topic to those who read the topic."""

    def __init__(self) -> None:
        self._readers: dict[str, set[MemoryObjectSendStream[str]]] = defaultdict(set)

    def publish(self, topic: str, event: Json) -> None:
        """Tell who reads a topic; one that has stopped reading is cut off."""
        text = dumps(event)
        for reader in tuple(self._readers.get(topic, ())):
            try:
                reader.send_nowait(text)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                reader.close()
                self._leave(topic, reader)

    def is_full(self, topic: str) -> bool:
        """Say whether nobody else should read a topic."""
        return len(self._readers.get(topic, ())) >= _MOST_READERS

    @contextmanager
    def read(self, topic: str) -> Generator[MemoryObjectReceiveStream[str]]:
        """Give a stream of the topic's events from now on, each as JSON text."""
        sender, receiver = anyio.create_memory_object_stream[str](_MOST_WAITING)
        self._readers[topic].add(sender)
        try:
            with sender, receiver:
                yield receiver
        finally:
            self._leave(topic, sender)

    def _leave(self, topic: str, reader: MemoryObjectSendStream[str]) -> None:
        self._readers[topic].discard(reader)
        if not self._readers[topic]:
            del self._readers[topic]
