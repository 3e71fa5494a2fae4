"""What several workers of one server share: small values that expire, counters and a bus."""

from collections.abc import Callable
from typing import Protocol

Listener = Callable[[bytes], None]
"""Hears the messages of a channel, on the event loop; must be quick."""


class SharedState(Protocol):
    """Small values with an expiry, counters and a bus; every operation is atomic, also in Redis.

    A key is any text; one that is made of a secret holds its hash instead. Values and counters do
    not see each other, even under one key. What is stored is gone `ttl_s` seconds later, at once
    when that is 0 or less.

    Each operation raises `UnavailableError` while what keeps the state does not answer; an
    operation that was under way then may have happened.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when there is none."""
        ...

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Store a value in place of whatever value was there."""
        ...

    async def put_new(self, key: str, value: bytes, *, ttl_s: float) -> bool:
        """Store a value unless there is one already; return whether it was stored."""
        ...

    async def swap(self, key: str, old: bytes, new: bytes, *, ttl_s: float) -> bool:
        """Store `new` only where the value is still `old`; return whether it was stored."""
        ...

    async def take(self, key: str) -> bytes | None:
        """Return the value and delete it; of many callers one gets it, the others None."""
        ...

    async def delete(self, *keys: str) -> None:
        """Delete values and counters; what is not there is passed over."""
        ...

    async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
        """Add to a counter, which begins at 0, and return the sum.

        Its time begins with the first add and is not prolonged by later ones.
        """
        ...

    async def now(self) -> float:
        """Return seconds on a clock that all workers share; where it begins means nothing."""
        ...

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to everyone who listens now; it is not kept for anyone else."""
        ...

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Let a listener hear a channel from now on.

        Messages are missed, not repeated, while the connection to Redis is lost.

        Returns:
            What ends it; may be called again.
        """
        ...

    async def aclose(self) -> None:
        """Let go of files and connections; may be called again."""
        ...
