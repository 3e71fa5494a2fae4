"""What a component sees of its state, and of its owner's stores and files, while it works.

What it writes is stored in the transaction that stores the rest of what it brought about, so that
a message that is handled again after a crash has written nothing the first time.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.effects import Write
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.stores import UserStores


class ComponentState:
    """Reads the stored state of a component; what it writes is kept among the effects.

    Args:
        database: Where it is stored.
        flow_id: The flow.
        component_id: The component; empty for what all of the flow share.
        written: Takes what is written.
        empty: Whether what is stored is another run's.
    """

    def __init__(
        self,
        database: Database,
        flow_id: str,
        component_id: str,
        written: dict[str, str | None],
        *,
        empty: bool,
    ) -> None:
        self._database = database
        self._ids = (flow_id, component_id)
        self._written = written
        self._empty = empty

    def get(self, key: str, default: Json = None) -> Json:
        """Return the value of a key, as this call left it."""
        if key in self._written:
            value_json = self._written[key]
        elif self._empty:
            value_json = None
        else:
            row = self._database.row(
                "SELECT value_json FROM state WHERE flow_id = ? AND component_id = ? AND key = ?",
                (*self._ids, key),
            )
            value_json = None if row is None else row["value_json"]
        return default if value_json is None else json.loads(value_json)

    def set(self, key: str, value: Json) -> None:
        """Remember a JSON value."""
        self._written[key] = dumps(value)

    def unset(self, key: str) -> None:
        """Forget a key; a missing one is no error."""
        self._written[key] = None


class ComponentStores:
    """The stores of the owner; see `context.Stores`.

    Args:
        stores: What is stored.
        writes: Takes what is to be changed, in order.
        now: When the call happens.
    """

    def __init__(self, stores: UserStores, writes: list[Write], now: datetime) -> None:
        self._stores = stores
        self._writes = writes
        self._now = iso(to_ms(now))
        self._written: dict[tuple[str, str], Mapping[str, Json] | None] = {}
        self._cleared: set[str] = set()

    def get(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Return a record as this call left it, or None."""
        if (store_id, key) in self._written:
            return self._written[store_id, key]
        record = self._stores.get(store_id, key)
        return None if store_id in self._cleared else record

    def set(self, store_id: str, key: str, value: Json) -> Mapping[str, Json]:
        """Write a record; return it with `oldValue` (None when it is new)."""
        before = self.get(store_id, key)
        record: dict[str, Json] = {
            "key": key,
            "value": value,
            "storeId": store_id,
            "createdAt": self._now if before is None else before["createdAt"],
            "updatedAt": self._now,
        }
        self._written[store_id, key] = record
        self._writes.append(partial(self._stores.set, store_id, key, value))
        return {**record, "oldValue": None if before is None else before["value"]}

    def remove(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Delete a record; return it, or None when there was none."""
        before = self.get(store_id, key)
        self._written[store_id, key] = None
        self._writes.append(partial(self._stores.remove, store_id, key))
        return before

    async def find(self, store_id: str, pattern: str) -> Sequence[Mapping[str, Json]]:
        """Return the stored records whose key or value matches, in key order."""
        return await self._stores.find(store_id, pattern)

    def clear(self, store_id: str) -> int:
        """Delete every record; return how many are stored."""
        count = self._stores.count(store_id)
        self._written = {ids: one for ids, one in self._written.items() if ids[0] != store_id}
        self._cleared.add(store_id)
        self._writes.append(partial(self._stores.clear, store_id))
        return count

    def every(self) -> Sequence[Mapping[str, Json]]:
        """Return all stores, oldest first."""
        return self._stores.every()

    def create(self, name: str) -> str:
        """Make an empty store at once and return its id."""
        return self._stores.create(name)


class ComponentFiles:
    """The files of the owner; see `context.Files`.

    Args:
        files: What is stored.
        writes: Takes what is to be changed, in order.
    """

    def __init__(self, files: UserFiles, writes: list[Write]) -> None:
        self._files = files
        self._writes = writes
        self._replaced: dict[str, bytes] = {}
        self._removed: set[str] = set()

    def create(self, filename: str, content: bytes, content_type: str = "") -> Mapping[str, Json]:
        """Store a file at once; return its metadata."""
        return self._files.create(filename, content, content_type)

    def info(self, file_id: str) -> Mapping[str, Json]:
        """Return a file's metadata."""
        info = self._files.info(file_id)
        if file_id in self._removed:
            raise ComponentFailedError(f"The file {file_id!r} was removed.", retry=False)
        content = self._replaced.get(file_id)
        return info if content is None else {**info, **self._files.measured(content)}

    def read(self, file_id: str) -> bytes:
        """Return a file's whole content."""
        self.info(file_id)
        content = self._replaced.get(file_id)
        return self._files.read(file_id) if content is None else content

    def replace(self, file_id: str, content: bytes) -> Mapping[str, Json]:
        """Give a file another content; return its new metadata."""
        self.info(file_id)
        self._replaced[file_id] = content
        self._writes.append(partial(self._files.replace, file_id, content))
        return self.info(file_id)

    def remove(self, file_id: str) -> Mapping[str, Json]:
        """Delete a file; return what its metadata was."""
        info = self.info(file_id)
        self._removed.add(file_id)
        self._writes.append(partial(self._files.remove, file_id))
        return info
