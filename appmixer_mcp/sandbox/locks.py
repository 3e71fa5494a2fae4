"""Named locks that the components of one owner share, within the one process that runs them."""

from weakref import WeakValueDictionary

import anyio


class Locks:
    """The locks of a tenant; one that nobody holds or waits for is forgotten."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], anyio.Lock] = WeakValueDictionary()

    def named(self, user_id: str, name: str) -> anyio.Lock:
        """Return the lock of a user with this name; hold on to it while it is used."""
        lock = self._locks.get((user_id, name))
        if lock is None:
            lock = self._locks[user_id, name] = anyio.Lock()
        return lock
