"""A user is deleted with everything of theirs.

Which tables hold something of a user is read from the database, so that none is forgotten: those
with a column `user_id`, and those with a column that is the id of one of these, as `record` has the
`store_id` of `store`. Only the log sees to itself: what a deleted flow has written is taken out of
its index too, in the background.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import anyio

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.engine import Engine
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.user_flows import UserFlows

_AT_ONCE = 1_000
"""Rows that are deleted before anybody else has a turn."""


@dataclass(frozen=True)
class _Table:
    name: str
    columns: frozenset[str]
    own_id: str
    """The primary key, where that is one column which others may refer to; else empty."""
    has_rowid: bool


async def remove_user(database: Database, engine: Engine, clock: Clock, user_id: str) -> None:
    """Stop and delete everything of a user, and at last the user.

    From the beginning nobody can act as the user. One who is left half removed by the end of the
    process is still listed, and is removed by another call.
    """
    with database.transaction() as connection:
        connection.execute("UPDATE user SET is_active = 0 WHERE user_id = ?", (user_id,))
    flows = UserFlows(database, clock, user_id)
    for row in database.rows("SELECT flow_id FROM flow WHERE user_id = ?", (user_id,)):
        with suppress(NotFoundError):  # another call deleted it meanwhile
            await engine.stop_flow(row["flow_id"])
            with database.transaction():
                engine.delete_flow_data(row["flow_id"])
                flows.delete(row["flow_id"])
    files = UserFiles(database, clock, user_id)
    await files.remove_many([one["fileId"] for one in await database.read(files.every)])
    for table, condition in _selections(_tables(database)):
        await _delete(database, table, condition, user_id)
    with database.transaction() as connection:
        connection.execute("DELETE FROM user WHERE user_id = ?", (user_id,))


def _tables(database: Database) -> list[_Table]:
    found: list[_Table] = []
    for row in database.rows(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL TABLE%' AND name NOT GLOB 'log*'"
    ):
        columns = database.rows("SELECT name, pk FROM pragma_table_info(?)", (row["name"],))
        keys = [column["name"] for column in columns if column["pk"]]
        is_id = len(keys) == 1 and keys[0].endswith("_id") and keys[0] != "user_id"
        found.append(
            _Table(
                row["name"],
                frozenset(column["name"] for column in columns),
                keys[0] if is_id else "",
                not row["sql"].upper().rstrip().endswith("WITHOUT ROWID"),
            )
        )
    return found


def _selections(tables: list[_Table]) -> Iterator[tuple[_Table, str]]:
    """Yield each table with what tells a user's rows; what hangs on other rows comes first."""
    owned = [table for table in tables if "user_id" in table.columns and table.name != "user"]
    for parent in owned:
        theirs = f"SELECT {parent.own_id} FROM {parent.name} WHERE user_id = ?"  # noqa: S608 - names of the schema
        for table in tables:
            if table != parent and parent.own_id in table.columns:
                yield table, f"{parent.own_id} IN ({theirs})"
    for table in owned:
        yield table, "user_id = ?"


async def _delete(database: Database, table: _Table, condition: str, user_id: str) -> None:
    """Delete a user's rows of a table, some at a time where that can be done."""
    statement = f"DELETE FROM {table.name} WHERE {condition}"  # noqa: S608 - names of the schema
    if table.has_rowid:
        some = f"SELECT rowid FROM {table.name} WHERE {condition} LIMIT {_AT_ONCE}"  # noqa: S608 - likewise
        statement = f"DELETE FROM {table.name} WHERE rowid IN ({some})"  # noqa: S608 - likewise
    deleted = _AT_ONCE
    while deleted >= _AT_ONCE:
        with database.transaction() as connection:
            deleted = connection.execute(statement, (user_id,)).rowcount
        await anyio.lowlevel.checkpoint()
