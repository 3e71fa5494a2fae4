"""The one SQLite file of a tenant: opened, migrated, written in transactions, read in bounds."""

import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from appmixer_mcp.errors import AppmixerError

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_STEPS_BETWEEN_LOOKS = 20_000  # SQLite instructions between two looks at the clock

T = TypeVar("T")
Value = str | int | float | bytes | None


class DatabaseError(AppmixerError):
    """The file cannot be opened, was made by a newer version, or a query took too long."""


class Database:
    """Owns the file. All writes happen on the event loop's thread, in `transaction()`.

    Committed means on its way to the disk through the write-ahead log: it survives the end of the
    process at any moment. `synchronous=NORMAL` leaves the last instants before a power cut open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._depth = 0
        self._after_commit: list[Callable[[], None]] = []
        self.connection = self._connect()
        with ExitStack() as closed_on_failure:
            closed_on_failure.callback(self.connection.close)
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                self.connection.execute("PRAGMA synchronous = NORMAL")
                self._migrate()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in _DAMAGED:
                    raise
                raise DatabaseError(
                    f"{path} is damaged, or no database. Restore it, or move it away: the sandbox "
                    "then starts afresh."
                ) from error
            closed_on_failure.pop_all()

    def close(self) -> None:
        """Close the file; what was not committed is rolled back."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Run the block in one transaction: all of it is stored, or nothing when it raises.

        Never await inside: the connection is shared, so another task's statements would join in.
        A transaction inside another one is part of it.
        """
        if self._depth == 0:
            self.connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield self.connection
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._after_commit.clear()
                self._roll_back()
            raise
        self._depth -= 1
        if self._depth == 0:
            self._commit()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Call something that never raises once the present transaction is stored.

        It is forgotten when the transaction rolls back.
        """
        self._after_commit.append(action)

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[sqlite3.Row]:
        """Return every row of a quick query; empty when there is none."""
        return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Row | None:
        """Return the first row of a quick query, or None."""
        found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        return found

    async def read(self, query: Callable[[sqlite3.Connection], T], *, within_s: float = 3.0) -> T:
        """Run a query that may be slow in a worker thread, on a connection that cannot write.

        Raises:
            DatabaseError: It was still running after `within_s` seconds and was ended.
        """
        return await anyio.to_thread.run_sync(self._read, query, within_s)

    def _commit(self) -> None:
        actions, self._after_commit = self._after_commit, []
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise
        for action in actions:
            action()

    def _roll_back(self) -> None:
        # A full disk ends the transaction in a statement, but leaves it open in a COMMIT.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _read(self, query: Callable[[sqlite3.Connection], T], within_s: float) -> T:
        connection = self._connect()
        deadline = time.monotonic() + within_s
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        try:
            connection.execute("PRAGMA query_only = ON")
            return query(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise DatabaseError(
                    f"The query took longer than {within_s:g} s. Narrow it to one flow or one day."
                ) from error
            raise
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=5.0)
        connection.row_factory = sqlite3.Row
        return connection

    def _migrate(self) -> None:
        version: int = self.connection.execute("PRAGMA user_version").fetchone()[0]
        steps = sorted(Path(__file__).with_name("schema").glob("[0-9]*.sql"))
        if version > len(steps):
            raise DatabaseError(
                f"{self._path} was made by a newer version of appmixer-mcp. Update, or choose "
                "another data directory."
            )
        scripts = [step.read_text(encoding="utf-8") for step in steps[version:]]
        if scripts:
            self.connection.executescript(
                "\n".join(("BEGIN;", *scripts, f"PRAGMA user_version = {len(steps)};", "COMMIT;"))
            )
