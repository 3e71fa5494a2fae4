"""The data stores of one user: named sets of records, each a key and a JSON value."""

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence

from appmixer_mcp.errors import ComponentFailedError, ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.pattern import matcher

_RECORD = "key, value_json, created_ms, updated_ms"


class UserStores:
    """Reads and writes the stores of one user; nobody else's exist for it.

    `get`, `set`, `remove` and `find` are what components use: there an unknown store is a failure
    that trying again does not mend. Callers from the API ask `named` first, which says "not found".
    """

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def every(self) -> list[dict[str, Json]]:
        """Return all stores as `{storeId, name}`, oldest first; empty when there is none."""
        rows = self._database.rows(
            "SELECT store_id, name FROM store WHERE user_id = ? ORDER BY created_ms, rowid",
            (self._user_id,),
        )
        return [{"storeId": row["store_id"], "name": row["name"]} for row in rows]

    def named(self, store_id: str) -> dict[str, Json]:
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
            old_name: str = self.named(store_id)["name"]
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

    def get(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Return the record `{key, value, storeId, userId, createdAt, updatedAt}`, or None."""
        self._require(store_id)
        row = self._row(store_id, key)
        return None if row is None else self._shown(store_id, row)

    def set(self, store_id: str, key: str, value: Json) -> Mapping[str, Json]:
        """Write a record; return it with `oldValue`, which is None when it is new."""
        self._require(store_id)
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            before = self._row(store_id, key)
            connection.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?) ON CONFLICT (store_id, key) DO UPDATE "
                "SET value_json = excluded.value_json, updated_ms = excluded.updated_ms",
                (store_id, key, dumps(value), now_ms, now_ms),
            )
        return {
            "key": key,
            "value": value,
            "storeId": store_id,
            "userId": self._user_id,
            "createdAt": iso(now_ms if before is None else before["created_ms"]),
            "updatedAt": iso(now_ms),
            "oldValue": None if before is None else json.loads(before["value_json"]),
        }

    def remove(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Delete a record; return it, or None when there was none."""
        self._require(store_id)
        with self._database.transaction() as connection:
            row = self._row(store_id, key)
            connection.execute("DELETE FROM record WHERE store_id = ? AND key = ?", (store_id, key))
        return None if row is None else self._shown(store_id, row)

    def find(self, store_id: str, pattern: str) -> list[Mapping[str, Json]]:
        """Return the records whose key or value matches, in key order."""
        self._require(store_id)
        return self.matching(self._database.connection, store_id, pattern)

    def rename_key(self, store_id: str, key: str, new_key: str) -> None:
        """Move a record to another key of the same store.

        Raises:
            NotFoundError: There is no such record.
            ConflictError: The new key is taken.
        """
        with self._database.transaction() as connection:
            if self._row(store_id, key) is None:
                raise NotFoundError("Record not found.")
            if new_key != key and self._row(store_id, new_key) is not None:
                raise ConflictError(f"The store already has a record with the key {new_key!r}.")
            connection.execute(
                "UPDATE record SET key = ?, updated_ms = ? WHERE store_id = ? AND key = ?",
                (new_key, to_ms(self._clock.now()), store_id, key),
            )

    def remove_many(self, items: Sequence[tuple[str, str]]) -> int:
        """Delete records named by (store id, key) and return how many there were.

        Unknown keys are skipped.

        Raises:
            NotFoundError: One of the stores is not this user's; then nothing is deleted.
        """
        deleted = 0
        with self._database.transaction() as connection:
            for store_id in {store_id for store_id, _ in items}:
                self.named(store_id)
            for item in items:
                statement = "DELETE FROM record WHERE store_id = ? AND key = ?"
                deleted += connection.execute(statement, item).rowcount
        return deleted

    def matching(
        self, connection: sqlite3.Connection, store_id: str, pattern: str
    ) -> list[Mapping[str, Json]]:
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

    def _row(self, store_id: str, key: str) -> sqlite3.Row | None:
        return self._database.row(
            f"SELECT {_RECORD} FROM record WHERE store_id = ? AND key = ?",  # noqa: S608 - a constant
            (store_id, key),
        )

    def _shown(self, store_id: str, row: sqlite3.Row) -> dict[str, Json]:
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


def _text(value_json: str) -> str:
    """Return a value as people read it: text without quotes and escapes, anything else as JSON."""
    value: Json = json.loads(value_json)
    return value if isinstance(value, str) else dumps(value)
