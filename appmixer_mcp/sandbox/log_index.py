"""What is known of log records beside the table: the words they hold, and how many a day has.

Both are brought up to date behind the messages, in batches; a search waits for it. The mark that a
record is new (`log_new`) goes in the transaction that indexes or removes it, so the end of the
process at any moment leaves the index as complete as its marks say.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator

import anyio.lowlevel

from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.log_words import SCOPES, WORDS, flow_word, indexed, scope_word

DAY_MS = 86_400_000
KINDS = (
    "user_id", "flow_id", "component_id", "component_type", "severity", "port_type", "port",
)  # fmt: skip
"""Columns of `log` by whose values `log_day` counts, beside the day."""

_MOST_RECORDS = 200
_MOST_CHARACTERS = 200_000
"""One batch, with which the event loop is busy for about 10 ms."""

_LOOKED_AT = f"seq, at_ms, {', '.join((*KINDS, *WORDS))}"
_NAMES = f"rowid, scope, {', '.join(WORDS.values())}"
_ADD = f"INSERT INTO log_words ({_NAMES}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - constants only
_TAKE_OUT = (
    f"INSERT INTO log_words (log_words, {_NAMES}) "  # noqa: S608 - constants only
    "VALUES ('delete', ?, ?, ?, ?, ?)"
)
_COUNT = (
    f"INSERT INTO log_day (day, {', '.join(KINDS)}, count) "  # noqa: S608 - constants only
    f"VALUES (?{', ?' * len(KINDS)}, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
)
_ONE_DAY = f"day = ? AND {' AND '.join(f'{column} = ?' for column in KINDS)}"


async def index_all(database: Database) -> None:
    """Index everything that was written so far; others have their turn between batches."""
    while index_some(database):
        await anyio.lowlevel.checkpoint()


def index_some(database: Database) -> bool:
    """Index the oldest records that are not indexed yet; return whether any are left."""
    if not _any_new(database.connection):
        return False
    with database.transaction() as connection:
        rows = connection.execute(
            f"SELECT {_LOOKED_AT} FROM log_new JOIN log USING (seq) ORDER BY seq LIMIT ?",  # noqa: S608 - constants only
            (_MOST_RECORDS,),
        )
        batch = list(_batch(rows))
        connection.executemany(_ADD, map(_words, batch))
        connection.executemany(_COUNT, _counts(batch, 1))
        connection.executemany(
            "DELETE FROM log_new WHERE seq = ?", [(row["seq"],) for row in batch]
        )
        return _any_new(connection)


def forget_flow(database: Database, flow_id: str) -> None:
    """Remove a flow's records, in the caller's transaction.

    Of many, only some are removed at once; the others are never shown again, and `remove_some`
    does the rest.
    """
    if _remove(database.connection, "flow_id = ?", (flow_id,)):
        database.connection.execute(
            "INSERT OR REPLACE INTO log_gone SELECT flow_id, max(seq) FROM log WHERE flow_id = ?",
            (flow_id,),
        )


def remove_some(database: Database, before_seq: int) -> bool:
    """Remove records of deleted flows, and records that are too old; return whether any are left.

    Args:
        database: The tenant's.
        before_seq: Records with a smaller number are too old.
    """
    with database.transaction() as connection:
        gone = database.row("SELECT * FROM log_gone LIMIT 1")
        if gone is None:
            return _remove(connection, "seq < ?", (before_seq,))
        if not _remove(connection, "flow_id = ? AND seq <= ?", tuple(gone)):
            connection.execute("DELETE FROM log_gone WHERE flow_id = ?", (gone["flow_id"],))
    return True


def _remove(connection: sqlite3.Connection, where: str, values: tuple[str | int, ...]) -> bool:
    """Remove one batch of records; return whether there are more."""
    rows = connection.execute(
        f"SELECT {_LOOKED_AT},"  # noqa: S608 - constants only
        " EXISTS (SELECT 1 FROM log_new WHERE log_new.seq = log.seq) AS is_new"
        f" FROM log WHERE {where} ORDER BY seq LIMIT ?",
        (*values, _MOST_RECORDS),
    )
    batch = list(_batch(rows))
    indexed_ones = [row for row in batch if not row["is_new"]]
    connection.executemany(_TAKE_OUT, map(_words, indexed_ones))
    counts = list(_counts(indexed_ones, -1))
    connection.executemany(_COUNT, counts)
    connection.executemany(
        f"DELETE FROM log_day WHERE {_ONE_DAY} AND count <= 0",  # noqa: S608 - constants only
        [count[:-1] for count in counts],
    )
    connection.executemany("DELETE FROM log WHERE seq = ?", [(row["seq"],) for row in batch])
    more = f"SELECT EXISTS (SELECT 1 FROM log WHERE {where})"  # noqa: S608 - constants only
    return bool(connection.execute(more, values).fetchone()[0])


def _any_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM log_new LIMIT 1").fetchone() is not None


def _batch(rows: Iterable[sqlite3.Row]) -> Iterator[sqlite3.Row]:
    characters = 0
    for row in rows:
        yield row
        characters += sum(len(row[column]) for column in WORDS)
        if characters > _MOST_CHARACTERS:
            return


def _words(row: sqlite3.Row) -> tuple[str | int, ...]:
    scopes = [scope_word(column, row[column]) for column in SCOPES]
    scope = " ".join((*scopes, flow_word(row["user_id"], row["flow_id"])))
    return (row["seq"], scope, *(indexed(row[column]) for column in WORDS))


def _counts(rows: Iterable[sqlite3.Row], sign: int) -> Iterator[tuple[str | int, ...]]:
    """Return day, kind and how many records there are of it, times the sign."""
    counted = Counter((row["at_ms"] // DAY_MS, *(row[column] for column in KINDS)) for row in rows)
    for kind, count in counted.items():
        yield *kind, sign * count
