"""Keeps processes on one data directory from changing the same object at the same moment."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from filelock import FileLock, Timeout

from appmixer_mcp.errors import ConflictError

_BETWEEN_TRIES_S = 0.02
_LONGEST_WAIT_S = 60.0  # a running flow that is changed has to be stopped and started meanwhile
_FILES = 256


@asynccontextmanager
async def alone(directory: Path, object_id: str) -> AsyncGenerator[None]:
    """Wait until no other process changes the object, and keep it so.

    Args:
        directory: Where the files of the locks are, which is made when it is missing.
        object_id: Of a flow; a few may share a lock.

    Raises:
        ConflictError: Another process has not ended its change after a minute.
        OSError: No lock can be made there.
    """
    await anyio.Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
    number = int(hashlib.sha256(object_id.encode()).hexdigest(), 16) % _FILES
    lock = FileLock(directory / f"{number:02x}.lock", mode=0o600, thread_local=False)
    with anyio.move_on_after(_LONGEST_WAIT_S):
        while not lock.is_locked:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                await anyio.sleep(_BETWEEN_TRIES_S)
    if not lock.is_locked:
        raise ConflictError(
            "Another process on this machine is changing the same object, and does not end. "
            "Nothing was changed; look at it, and call again."
        )
    try:
        yield
    finally:
        lock.release()
