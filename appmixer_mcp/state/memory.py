"""Shared state of a server that is one process: kept in memory, gone when the process ends."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from appmixer_mcp.state.bus import Bus
from appmixer_mcp.state.protocol import Listener

_FEWEST_WRITES_BETWEEN_SWEEPS = 1_000

T = TypeVar("T")


class _Entries(Generic[T]):
    """A dict whose entries expire; at the cap, those that were written longest ago go."""

    def __init__(self, clock: Callable[[], float], most: int) -> None:
        self._clock = clock
        self._most = most
        self._entries: dict[str, tuple[T, float]] = {}
        self._writes_until_sweep = _FEWEST_WRITES_BETWEEN_SWEEPS

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> tuple[T, float] | None:
        """Return value and end of an entry that has not expired."""
        found = self._entries.get(key)
        return found if found is not None and found[1] > self._clock() else None

    def get(self, key: str) -> T | None:
        found = self.find(key)
        return None if found is None else found[0]

    def pop(self, key: str) -> T | None:
        value = self.get(key)
        self._entries.pop(key, None)
        return value

    def put(self, key: str, value: T, expires_at: float) -> None:
        self._entries.pop(key, None)  # so that it becomes the newest
        self._sweep()
        self._entries[key] = (value, expires_at)
        if len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]

    def _sweep(self) -> None:
        """Drop what has expired, so seldom that a write stays cheap however many entries live."""
        self._writes_until_sweep -= 1
        if self._writes_until_sweep > 0:
            return
        now = self._clock()
        self._entries = {key: one for key, one in self._entries.items() if one[1] > now}
        self._writes_until_sweep = max(_FEWEST_WRITES_BETWEEN_SWEEPS, len(self._entries))


class MemoryState:
    """SharedState within one process; nothing in it ever waits."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_entries: int = 100_000
    ) -> None:
        """Begin empty.

        Args:
            clock: Seconds, never going back.
            max_entries: Most values, and most counters; beyond, those written longest ago go.
        """
        self._clock = clock
        self._values = _Entries[bytes](clock, max_entries)
        self._counters = _Entries[int](clock, max_entries)
        self._bus = Bus()

    def __len__(self) -> int:
        return len(self._values) + len(self._counters)

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when there is none."""
        return self._values.get(key)

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Store a value in place of whatever value was there."""
        self._values.put(key, value, self._clock() + ttl_s)

    async def put_new(self, key: str, value: bytes, *, ttl_s: float) -> bool:
        """Store a value unless there is one already; return whether it was stored."""
        if self._values.get(key) is not None:
            return False
        await self.put(key, value, ttl_s=ttl_s)
        return True

    async def swap(self, key: str, old: bytes, new: bytes, *, ttl_s: float) -> bool:
        """Store `new` only where the value is still `old`; return whether it was stored."""
        if self._values.get(key) != old:
            return False
        await self.put(key, new, ttl_s=ttl_s)
        return True

    async def take(self, key: str) -> bytes | None:
        """Return the value and delete it."""
        return self._values.pop(key)

    async def delete(self, *keys: str) -> None:
        """Delete values and counters; what is not there is passed over."""
        for key in keys:
            self._values.pop(key)
            self._counters.pop(key)

    async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
        """Add to a counter, which begins at 0, and return the sum."""
        count, expires_at = self._counters.find(key) or (0, self._clock() + ttl_s)
        self._counters.put(key, count + amount, expires_at)
        return count + amount

    async def now(self) -> float:
        """Return the seconds of the clock that was handed in."""
        return self._clock()

    async def publish(self, channel: str, message: bytes) -> None:
        """Call everyone who listens now, before it returns."""
        self._bus.deliver(channel, message)

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Let a listener hear a channel from now on; returns what ends it."""
        return self._bus.subscribe(channel, listener)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""
