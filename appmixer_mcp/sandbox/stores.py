"""The data stores of one user: named sets of records, each a key and a JSON value."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NotRequired

from typing_extensions import TypedDict

from appmixer_mcp.errors import ComponentFailedError, ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.pattern import matcher

_RECORD = "key, value_json, created_ms, updated_ms"

Changed = Callable[[str, Mapping[str, Json]], object]
"""Takes the topic of a store, `store:<store id>`, and what has become of one of its records."""


class Store(TypedDict):
    """A store as the API shows it."""

    storeId: str
    name: str


class Record(TypedDict):
    """A record as the API shows it."""

    key: str
    value: Any
    storeId: str
    userId: str
    createdAt: str
    updatedAt: str
    oldValue: NotRequired[Any]
    """In the answer to a write: the value before; None when the record is new."""


class UserStores:
    """Reads and writes the stores of one user; nobody else's exist for it.

    `get`, `set`, `remove`, `find`, `count` and `clear` are what components use: there an unknown
    store is a failure that trying again does not mend. Callers from the API ask `named` first,
    which says "not found".

    Args:
        database: Where they are kept.
        clock: Dates records.
        user_id: Whose they are.
        changed: Told, in the same transaction, of each record that is written or deleted:
            `{type: insert|update|delete, currentValue: {key, storeId, value, createdAt,
            updatedAt[, oldValue]}}`, as Appmixer's components get it. The end of a whole store
            tells nothing (ours).
    """

    def __init__(
        self, database: Database, clock: Clock, user_id: str, changed: Changed | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id
        self._changed = changed

    def every(self) -> list[Store]:
        """Return all stores as `{storeId, name}`, oldest first; empty when there is none."""
        rows = self._database.rows(
            "SELECT store_id, name FROM store WHERE user_id = ? ORDER BY created_ms, rowid",
            (self._user_id,),
        )
        return [{"storeId": row["store_id"], "name": row["name"]} for row in rows]

    def by_name(self, name: str) -> str | None:
        """Return the id of the oldest store with exactly this name, or None."""
        return next((one["storeId"] for one in self.every() if one["name"] == name), None)

    def named(self, store_id: str) -> Store:
        """Return one store as `{storeId, name}`.

        Raises:
            NotFoundError: This user has no such store.
        """
        row = self._database.row(
            "SELECT name FROM store WHERE store_id = ? AND user_id = ?", (store_id, self._user_id)
        )
        if row is None:
            raise NotFoundError("Store not found.")
        return {"storeId": store_id, "name": row["name"]}

    def create(self, name: str) -> str:
        """Make an empty store and return its id; two stores may have the same name."""
        store_id = secrets.token_hex(12)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO store (store_id, user_id, name, created_ms) VALUES (?, ?, ?, ?)",
                (store_id, self._user_id, name, to_ms(self._clock.now())),
            )
        return store_id

    def rename(self, store_id: str, name: str) -> str:
        """Give a store another name and return the old one.

        Raises:
            NotFoundError: This user has no such store.
        """
        with self._database.transaction() as connection:
            old_name = self.named(store_id)["name"]
            connection.execute("UPDATE store SET name = ? WHERE store_id = ?", (name, store_id))
        return old_name

    def delete(self, store_id: str) -> None:
        """Delete a store with its records.

        Raises:
            NotFoundError: This user has no such store.
        """
        with self._database.transaction() as connection:
            self.named(store_id)
            connection.execute("DELETE FROM record WHERE store_id = ?", (store_id,))
            connection.execute("DELETE FROM store WHERE store_id = ?", (store_id,))

    def get(self, store_id: str, key: str) -> Record | None:
        """Return a record, or None."""
        self._require(store_id)
        row = self._row(store_id, key)
        return None if row is None else self._shown(store_id, row)

    def set(self, store_id: str, key: str, value: Json) -> Record:
        """Write a record; return it with `oldValue`, which is None when it is new."""
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            self._require(store_id)
            before = self._row(store_id, key)
            connection.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?) ON CONFLICT (store_id, key) DO UPDATE "
                "SET value_json = excluded.value_json, updated_ms = excluded.updated_ms",
                (store_id, key, dumps(value), now_ms, now_ms),
            )
            record: Record = {
                "key": key,
                "value": value,
                "storeId": store_id,
                "userId": self._user_id,
                "createdAt": iso(now_ms if before is None else before["created_ms"]),
                "updatedAt": iso(now_ms),
                "oldValue": None if before is None else json.loads(before["value_json"]),
            }
            self._tell("insert" if before is None else "update", record)
        return record

    def remove(self, store_id: str, key: str) -> Record | None:
        """Delete a record; return it, or None when there was none."""
        with self._database.transaction():
            self._require(store_id)
            return self._delete(store_id, key)

    async def find(self, store_id: str, pattern: str) -> list[Record]:
        """Return the records whose key or value matches, in key order; "" gives all.

        Raises:
            DatabaseError: There are so many that it took longer than 3 s.
        """
        self._require(store_id)
        matching = partial(self.matching, store_id=store_id, pattern=pattern)
        return await self._database.read(matching)

    def count(self, store_id: str) -> int:
        """Return how many records a store has."""
        self._require(store_id)
        return self.count_of(self._database.connection, store_id)

    def count_of(self, connection: sqlite3.Connection, store_id: str) -> int:
        """Return how many records one of the user's stores has. For `Database.read`."""
        found: int = connection.execute(
            "SELECT count(*) FROM record WHERE store_id = ?", (store_id,)
        ).fetchone()[0]
        return found

    def clear(self, store_id: str) -> int:
        """Delete every record of a store; return how many there were."""
        with self._database.transaction() as connection:
            self._require(store_id)
            if self._is_listened_to(store_id):
                for record in self.matching(connection, store_id, ""):
                    self._tell("delete", record)
            return connection.execute("DELETE FROM record WHERE store_id = ?", (store_id,)).rowcount

    def change(
        self, store_id: str, key: str, *, new_key: str, change: Mapping[str, Json]
    ) -> Record:
        """Give a record another key, another value, or both, and return it.

        Args:
            store_id: A store of this user.
            key: The record's present key.
            new_key: The same, when it stays.
            change: The new `value`; empty leaves the present one.

        Raises:
            NotFoundError: There is no such record.
            ConflictError: The new key is taken.
        """
        with self._database.transaction() as connection:
            before = self.get(store_id, key)
            if before is None:
                raise NotFoundError("Record not found.")
            if new_key != key and self._row(store_id, new_key) is not None:
                raise ConflictError(f"The store already has a record with the key {new_key!r}.")
            if new_key == key and not change:
                return before
            value: Json = change.get("value", before["value"])
            now_ms = to_ms(self._clock.now())
            connection.execute(
                "UPDATE record SET key = ?, value_json = ?, updated_ms = ?"
                " WHERE store_id = ? AND key = ?",
                (new_key, dumps(value), now_ms, store_id, key),
            )
            after: Record = {**before, "key": new_key, "value": value, "updatedAt": iso(now_ms)}
            if change:
                after["oldValue"] = before["value"]
            self._tell("update", after)
        return after

    def remove_many(self, items: Sequence[tuple[str, str]]) -> int:
        """Delete records named by (store id, key) and return how many there were.

        Unknown keys are skipped.

        Raises:
            NotFoundError: One of the stores is not this user's; then nothing is deleted.
        """
        deleted = 0
        with self._database.transaction():
            for store_id in {store_id for store_id, _ in items}:
                self.named(store_id)
            for store_id, key in items:
                deleted += self._delete(store_id, key) is not None
        return deleted

    def page(
        self,
        connection: sqlite3.Connection,
        store_id: str,
        after: str | None,
        limit: int,
        *,
        offset: int = 0,
    ) -> list[Record]:
        """Return the records that follow a key, in key order; None begins. For `Database.read`."""
        compared = ">=" if after is None else ">"
        rows = connection.execute(
            f"SELECT {_RECORD} FROM record WHERE store_id = ? AND key {compared} ?"  # noqa: S608 - constants
            " ORDER BY key LIMIT ? OFFSET ?",
            (store_id, after or "", limit, offset),
        )
        return [self._shown(store_id, row) for row in rows]

    def matching(self, connection: sqlite3.Connection, store_id: str, pattern: str) -> list[Record]:
        """Return records in key order; an empty pattern gives all. May be slow: for `read`."""
        matches = matcher(pattern)
        rows = connection.execute(
            f"SELECT {_RECORD} FROM record WHERE store_id = ? ORDER BY key",  # noqa: S608 - a constant
            (store_id,),
        )
        return [
            self._shown(store_id, row)
            for row in rows
            if not pattern or matches(row["key"]) or matches(_text(row["value_json"]))
        ]

    def _delete(self, store_id: str, key: str) -> Record | None:
        row = self._row(store_id, key)
        if row is None:
            return None
        self._database.connection.execute(
            "DELETE FROM record WHERE store_id = ? AND key = ?", (store_id, key)
        )
        record = self._shown(store_id, row)
        self._tell("delete", record)
        return record

    def _tell(self, kind: str, record: Record) -> None:
        if self._changed is not None:
            told = {
                name: value
                for name, value in record.items()
                if name != "userId" and (name != "oldValue" or kind == "update")
            }
            self._changed(_topic(record["storeId"]), {"type": kind, "currentValue": told})

    def _is_listened_to(self, store_id: str) -> bool:
        return self._changed is not None and bool(
            self._database.rows("SELECT 1 FROM listener WHERE topic = ?", (_topic(store_id),))
        )

    def _row(self, store_id: str, key: str) -> sqlite3.Row | None:
        return self._database.row(
            f"SELECT {_RECORD} FROM record WHERE store_id = ? AND key = ?",  # noqa: S608 - a constant
            (store_id, key),
        )

    def _shown(self, store_id: str, row: sqlite3.Row) -> Record:
        return {
            "key": row["key"],
            "value": json.loads(row["value_json"]),
            "storeId": store_id,
            "userId": self._user_id,
            "createdAt": iso(row["created_ms"]),
            "updatedAt": iso(row["updated_ms"]),
        }

    def _require(self, store_id: str) -> None:
        try:
            self.named(store_id)
        except NotFoundError as error:
            raise ComponentFailedError(
                f"There is no data store with the id {store_id!r}. Choose one in storeId.",
                retry=False,
                error_code="404",
            ) from error


def _topic(store_id: str) -> str:
    return f"store:{store_id}"


def _text(value_json: str) -> str:
    """Return a value as people read it: text without quotes and escapes, anything else as JSON."""
    value: Json = json.loads(value_json)
    return value if isinstance(value, str) else dumps(value)
