"""Named locks, within the one process that runs a tenant."""

from weakref import WeakValueDictionary

import anyio


class Locks:
    """A set of locks; one that nobody holds or waits for is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, ...], anyio.Lock] = WeakValueDictionary()

    def named(self, *name: str) -> anyio.Lock:
        """Return the lock with this name, of one part or more; hold on to it while it is used."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = anyio.Lock()
        return lock
