# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""The journal as tools use it: opened by the first call, never on the event loop."""

import hashlib
import json
import logging
import threading
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio.to_thread

from appmixer_mcp.errors import NotFoundError, UnavailableError

from .states import State, digest_of

if TYPE_CHECKING:
    from .storage import Row, Storage

T = TypeVar("T")
Kind = Literal["flow", "store", "records"]
"""`records` are some records of a store."""

UNWRITABLE = "the journal of changes cannot be written; its disk may be full or read-only"
USUAL_MAX_BYTES = 67_108_864
_MOST_OWNERS = 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One write to one object."""

    change_id: str
    kind: Kind
    object_id: str
    """Of the flow or store."""
    name: str
    """What people call the object."""
    tool: str
    made_at: datetime
    is_done: bool
    """False while it is being made, and for good when that was interrupted."""
    undoes: str
    """The change that it takes back; empty if none."""
    digest: str
    """Of what the object was then; empty unless it is done."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a change made of an object."""

    before: State
    after: State
    knows_after: bool
    """Whether `after` was kept: not while it is not done, and not what is too large."""


class Journal:
    """Changes of one data directory, which several processes may write at once.

    Each belongs to one user of one tenant, who alone sees it. When it is full, the oldest changes
    of whoever has most in it go first.

    Attributes:
        max_bytes: How much is kept in all, and the largest state that is kept; 0 keeps nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = USUAL_MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open nothing yet.

        Args:
            path: The file; made when it is missing, for its owner alone.
            max_bytes: See the attribute.
            clock: Says when a change is made, in seconds since 1970.
        """
        self.max_bytes = max_bytes
        self._path = path
        self._clock = clock
        self._storage: Storage | None = None
        self._alone = threading.Lock()
        self._owners: dict[str, str] = {}
        self._refused = False

    async def owner(self, principal: str, base_url: str, user_id: Callable[[], Any]) -> str:
        """Return under what the changes of a user are kept.

        Args:
            principal: Who calls, as the session says it; asked about once. Empty to ask each time.
            base_url: The user's tenant.
            user_id: Asks the tenant who is signed in.
        """
        if principal and principal in self._owners:
            return self._owners[principal]
        named = f"{base_url.rstrip('/')}\n{await user_id()}"
        owner = hashlib.sha256(named.encode()).hexdigest()[:32]
        if len(self._owners) >= _MOST_OWNERS:
            self._owners.clear()
        if principal:
            self._owners[principal] = owner
        return owner

    @asynccontextmanager
    async def alone(self, object_id: str) -> AsyncGenerator[None]:
        """Keep other processes on this data directory from changing an object meanwhile.

        Where no lock can be made, because the disk is read-only for one, there is none.

        Raises:
            ConflictError: Another process does not end its change.
        """
        from .locks import alone

        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(alone(self._path.with_name("locks"), object_id))
            except OSError as error:
                logger.warning("Changes are not kept apart from other processes': %s", error)
            yield

    async def trouble(self, size_bytes: int) -> str:
        """Return why a state of this size cannot be kept; empty when it can."""
        if self.max_bytes == 0:
            return "the journal of changes is switched off"
        if size_bytes > self.max_bytes:
            return (
                f"its present state has {size_bytes:,} bytes, and the journal of changes keeps at "
                f"most {self.max_bytes:,}"
            )
        try:
            await self._run(lambda storage: storage.touch())
        except UnavailableError:
            return UNWRITABLE
        if self._refused:
            return "the journal of changes could not be written last time"
        return ""

    async def begin(
        self, owner: str, kind: Kind, object_id: str, name: str, before: State, *,
        tool: str, undoes: str = "",
    ) -> str:  # fmt: skip
        """Keep what an object is before it is written to, and return the id of the change.

        Raises:
            UnavailableError: It cannot be kept.
        """
        packed = _packed(before)
        now = self._clock()
        try:
            change_id = await self._run(
                lambda storage: storage.begin(
                    owner, kind, object_id, name, packed, tool=tool, undoes=undoes, now=now
                )
            )
        except UnavailableError:
            self._refused = True
            raise
        self._refused = False
        return change_id

    async def finish(self, change_id: str, object_id: str, after: State) -> None:
        """Note what a change has made of the object.

        Args:
            change_id: Which change.
            object_id: The object's id from now on.
            after: What it is now.

        Raises:
            UnavailableError: It cannot be noted; the change then stays one that was interrupted.
        """
        packed, digest = _packed(after), digest_of(after)
        await self._run(
            lambda storage: storage.finish(change_id, object_id, packed, digest, self.max_bytes)
        )

    async def drop(self, change_id: str) -> None:
        """Forget a change that was refused."""
        await self._run(lambda storage: storage.drop(change_id))

    async def moved(self, owner: str, old_id: str, new_id: str) -> None:
        """Have the changes of an object that came back under another id be changes of that."""
        await self._run(lambda storage: storage.moved(owner, old_id, new_id))

    async def find(self, owner: str, change_id: str) -> tuple[Change, Contents]:
        """Return a change with what it made of what.

        Raises:
            NotFoundError: This user has no such change, or it is forgotten.
        """
        row = await self._run(lambda storage: storage.find(owner, change_id))
        if row is None:
            raise NotFoundError(
                "There is no such change of this user on this tenant, or it is so old that the "
                "journal has dropped it. list_changes lists those there are; a copy to another "
                "tenant is undone with that profile signed in."
            )
        after = row["after"]
        contents = Contents(
            before=_unpacked(row["before"]),
            after=None if after is None else _unpacked(after),
            knows_after=after is not None,
        )
        return _change(row), contents

    async def page(
        self, owner: str, *, object_id: str = "", limit: int, offset: int
    ) -> tuple[list[Change], int]:
        """Return a user's changes, the last one first, and how many there are in all.

        Args:
            owner: Whose.
            object_id: Only those of this object, if it is not empty.
            limit: At most so many.
            offset: How many to pass over.
        """
        rows, total = await self._run(lambda storage: storage.page(owner, object_id, limit, offset))
        return [_change(row) for row in rows], total

    async def later(self, owner: str, change: Change) -> list[Change]:
        """Return what the user did to the object of a change after it, the last one first."""
        rows = await self._run(
            lambda storage: storage.later(owner, change.object_id, change.change_id)
        )
        return [_change(row) for row in rows]

    async def aclose(self) -> None:
        """Close the file, if it was opened."""
        await anyio.to_thread.run_sync(self._close)

    def _close(self) -> None:
        with self._alone:
            if self._storage is not None:
                self._storage.close()
                self._storage = None

    async def _run(self, work: "Callable[[Storage], T]") -> T:
        return await anyio.to_thread.run_sync(partial(self._worked, work))

    def _worked(self, work: "Callable[[Storage], T]") -> T:
        import sqlite3

        from .storage import Storage

        with self._alone:
            try:
                if self._storage is None:
                    self._storage = Storage(self._path, self.max_bytes)
                return work(self._storage)
            except (OSError, sqlite3.Error) as error:
                logger.warning("The journal %s failed: %s", self._path, error)
                raise UnavailableError(
                    "The journal of changes cannot be read or written just now; its disk may be "
                    "full or read-only. Tell whoever runs the server."
                ) from error


def _change(row: "Row") -> Change:
    return Change(
        change_id=row["change_id"],
        kind=row["kind"],
        object_id=row["object_id"],
        name=row["name"],
        tool=row["tool"],
        made_at=datetime.fromtimestamp(row["made_at"], UTC),
        is_done=bool(row["digest"]),
        undoes=row["undoes"],
        digest=row["digest"],
    )


def _packed(state: State) -> bytes:
    # In the order in which it came, so that what is put back is what was there.
    return zlib.compress(json.dumps(state, separators=(",", ":")).encode())


def _unpacked(packed: bytes) -> State:
    state: State = json.loads(zlib.decompress(packed))
    return state
