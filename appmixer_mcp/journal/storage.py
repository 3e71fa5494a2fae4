"""The journal's SQLite file."""

import secrets
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row

_BUSY_TIMEOUT_S = 5.0
_ROW_BYTES = 300  # about, of a change beside what it keeps
_MOST_CHECKPOINTED_BYTES = 4_194_304
_SCHEMA = """
CREATE TABLE IF NOT EXISTS change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,         -- a digest of tenant and user
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    name TEXT NOT NULL,
    tool TEXT NOT NULL,
    made_at REAL NOT NULL,       -- seconds since 1970
    undoes TEXT NOT NULL,        -- a change_id, or empty
    digest TEXT NOT NULL,        -- of what the object was then; empty until it is done
    size INTEGER NOT NULL        -- bytes of all that is kept of it
);
CREATE INDEX IF NOT EXISTS change_by_owner ON change (owner, number, size);
CREATE INDEX IF NOT EXISTS change_by_object ON change (owner, object_id, number);
CREATE TABLE IF NOT EXISTS content (
    number INTEGER PRIMARY KEY,
    before BLOB NOT NULL,        -- compressed JSON
    after BLOB                   -- likewise; null until it is done, and where it is too large
);
CREATE TABLE IF NOT EXISTS touched (one INTEGER PRIMARY KEY, times INTEGER NOT NULL);
"""


class Storage:
    """Reads and writes the file; every method may raise `sqlite3.Error`."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Open the file, which is made when it is missing; only its owner may read it.

        Args:
            path: Where it is.
            max_bytes: The oldest changes go so that no more than this is kept.

        Raises:
            OSError: It cannot be made.
        """
        self._max_bytes = max_bytes
        self._connection = _opened(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def touch(self) -> None:
        """Write something, to learn whether that can be done."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO touched VALUES (1, 1) ON CONFLICT DO UPDATE SET times = times + 1"
            )

    def begin(
        self, owner: str, kind: str, object_id: str, name: str, before: bytes, *,
        tool: str, undoes: str, now: float,
    ) -> str:  # fmt: skip
        """Keep a change that begins, and return its id."""
        change_id = f"chg_{secrets.token_hex(5)}"
        size = len(before) + _ROW_BYTES
        with self._transaction() as connection:
            number = connection.execute(
                "INSERT INTO change (change_id, owner, kind, object_id, name, tool, made_at,"
                " undoes, digest, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
                (change_id, owner, kind, object_id, name, tool, now, undoes, size),
            ).lastrowid
            connection.execute("INSERT INTO content VALUES (?, ?, NULL)", (number, before))
            self._make_room(connection, change_id)
        return change_id

    def finish(
        self, change_id: str, object_id: str, after: bytes, digest: str, max_bytes: int
    ) -> None:
        """Note what a change has made; its state only where both states together find room."""
        with self._transaction() as connection:
            row = connection.execute(
                "UPDATE change SET object_id = ?, digest = ? WHERE change_id = ?"
                " RETURNING number, size",
                (object_id, digest, change_id),
            ).fetchone()
            if row is None or row["size"] + len(after) > max_bytes:
                return
            connection.execute(
                "UPDATE content SET after = ? WHERE number = ?", (after, row["number"])
            )
            connection.execute(
                "UPDATE change SET size = size + ? WHERE number = ?", (len(after), row["number"])
            )
            self._make_room(connection, change_id)

    def drop(self, change_id: str) -> None:
        """Forget a change."""
        with self._transaction() as connection:
            _forget(connection, "change_id = ?", change_id)

    def moved(self, owner: str, old_id: str, new_id: str) -> None:
        """Give the object of a user's changes another id."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE change SET object_id = ? WHERE owner = ? AND object_id = ?",
                (new_id, owner, old_id),
            )

    def find(self, owner: str, change_id: str) -> Row | None:
        """Return a change with its contents; None when the user has no such change."""
        row: Row | None = self._connection.execute(
            "SELECT * FROM change JOIN content USING (number) WHERE owner = ? AND change_id = ?",
            (owner, change_id),
        ).fetchone()
        return row

    def page(self, owner: str, object_id: str, limit: int, offset: int) -> tuple[list[Row], int]:
        """Return changes without their contents, the last one first, and how many there are."""
        where = "owner = ? AND (? = '' OR object_id = ?)"
        values = (owner, object_id, object_id)
        rows = self._connection.execute(
            f"SELECT * FROM change WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?",  # noqa: S608 - constants
            (*values, limit, offset),
        ).fetchall()
        counted = self._connection.execute(
            f"SELECT count(*) FROM change WHERE {where}",  # noqa: S608 - likewise
            values,
        ).fetchone()
        return rows, counted[0]

    def later(self, owner: str, object_id: str, change_id: str) -> list[Row]:
        """Return the changes of an object after one of them, the last one first."""
        return self._connection.execute(
            "SELECT * FROM change WHERE owner = ? AND object_id = ?"
            " AND number > (SELECT number FROM change WHERE change_id = ?) ORDER BY number DESC",
            (owner, object_id, change_id),
        ).fetchall()

    def _make_room(self, connection: sqlite3.Connection, newest: str) -> None:
        """Forget the oldest changes of whoever has most in the file, until it is not too much."""
        while (excess := _total(connection) - self._max_bytes) > 0:
            gone = _forget(
                connection,
                "number IN (SELECT number FROM ("
                " SELECT number, sum(size) OVER (ORDER BY number) - size AS older FROM change"
                " WHERE change_id <> ? AND owner = (SELECT owner FROM change"
                "  WHERE change_id <> ? GROUP BY owner ORDER BY sum(size) DESC LIMIT 1)"
                ") WHERE older < ?)",
                newest, newest, excess,
            )  # fmt: skip
            if not gone:  # the newest alone is left, and it was small enough to be taken
                return

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """Write at once or not at all; another process waits for its turn."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _total(connection: sqlite3.Connection) -> int:
    found: Any = connection.execute("SELECT coalesce(sum(size), 0) FROM change").fetchone()[0]
    return int(found)


def _forget(connection: sqlite3.Connection, where: str, *values: str | int) -> bool:
    rows = connection.execute(
        f"DELETE FROM change WHERE {where} RETURNING number",  # noqa: S608 - constants
        values,
    ).fetchall()
    connection.executemany("DELETE FROM content WHERE number = ?", [tuple(row) for row in rows])
    return bool(rows)


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # before SQLite makes it, which others then could read
    path.chmod(0o600)
    # Threads take turns, one lock around them all.
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is nobody's to read
        connection.execute(f"PRAGMA journal_size_limit = {_MOST_CHECKPOINTED_BYTES}")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
