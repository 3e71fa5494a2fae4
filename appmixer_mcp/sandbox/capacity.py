"""How much of one kind of work may be done at once."""

import anyio
from anyio.lowlevel import RunVar


class Capacity:
    """A limit for a whole module, which each event loop keeps for itself.

    Args:
        name: What is limited.
        most: How many may be at work at once; the others wait.
    """

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar(name)

    def limiter(self) -> anyio.CapacityLimiter:
        """Return the limiter of the running event loop."""
        try:
            return self._limiter.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(self._most)
            self._limiter.set(limiter)
            return limiter
