"""The file of a tenant when the disk does not play along."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from appmixer_mcp.sandbox.database import Database, DatabaseError


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "tenant.db")
    yield opened
    opened.close()


def add_chart(connection: sqlite3.Connection, chart_id: str, body: str) -> None:
    connection.execute("INSERT INTO chart VALUES (?, 'u', ?, 1)", (chart_id, body))


def add_two_charts(database: Database, told: list[str]) -> None:
    with database.transaction() as connection:
        database.after_commit(lambda: told.append("never"))
        add_chart(connection, "small", "x")
        add_chart(connection, "large", "x" * 1_000_000)


def test_a_full_disk_is_named_and_nothing_is_half_written(database: Database) -> None:
    connection, told = database.connection, list[str]()
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(sqlite3.OperationalError, match="full"):
        add_two_charts(database, told)
    connection.execute("PRAGMA max_page_count = 1000000")
    with database.transaction():
        add_chart(connection, "later", "x")

    assert [row["chart_id"] for row in database.rows("SELECT chart_id FROM chart")] == ["later"]
    assert told == []


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "tenant.db"
    path.write_bytes(b"no database at all " * 1_000)

    with pytest.raises(DatabaseError, match=r"tenant\.db is damaged, or no database"):
        Database(path)
