"""The index of the log: complete after a crash, and rid of what is removed."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from starlette.datastructures import QueryParams

from appmixer_mcp.sandbox import database as database_module
from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.log_conditions import Reach
from appmixer_mcp.sandbox.log_index import forget_flow, index_all, index_some
from appmixer_mcp.sandbox.log_query import log_search
from appmixer_mcp.sandbox.log_upkeep import keep_logs, remove_all
from appmixer_mcp.sandbox.logs import LogRecord

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
DAY_S = 24 * 3600


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "tenant.db")
    yield database
    database.close()


def write(database: Database, count: int = 1, *, flow_id: str = "f1", days_ago: int = 0) -> None:
    record = LogRecord(
        user_id="ann",
        flow_id=flow_id,
        at_ms=to_ms(NOW - timedelta(days=days_ago)),
        msg='{"text":"some words"}',
    )
    with database.transaction():
        for _ in range(count):
            logs.write(database, record)


def found(database: Database, query: str = "words") -> tuple[int, int]:
    """Return how many records are found, and how many are counted."""
    asked = log_search(QueryParams({"query": query, "size": "1000"}), Reach("ann"), NOW)
    answer = asked.run(database.connection)
    return len(answer["hits"]), sum(bucket["doc_count"] for bucket in answer["buckets"])


async def test_every_record_is_indexed_once_in_many_batches(database: Database) -> None:
    write(database, 450)

    await index_all(database)
    await index_all(database)

    assert found(database) == (450, 450)
    assert found(database, "") == (450, 450)


async def test_what_was_not_indexed_before_a_crash_is_indexed_afterwards(
    database: Database, tmp_path: Path
) -> None:
    write(database, 300)
    index_some(database)
    database.close()

    reopened = Database(tmp_path / "tenant.db")
    await index_all(reopened)

    assert found(reopened) == (300, 300)
    reopened.close()


async def test_a_batch_that_fails_leaves_nothing_half_indexed(database: Database) -> None:
    write(database, 3)
    database.connection.execute(
        "CREATE TEMP TRIGGER full BEFORE DELETE ON log_new BEGIN SELECT raise(ABORT, 'full'); END"
    )

    with pytest.raises(Exception, match="full"):
        index_some(database)
    database.connection.execute("DROP TRIGGER full")
    await index_all(database)

    assert found(database) == (3, 3)


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_a_deleted_flow_is_gone_at_once_and_the_rest_stays(
    database: Database, *, is_indexed: bool
) -> None:
    write(database, 900, flow_id="gone")
    write(database, 2)
    if is_indexed:
        await index_all(database)

    with database.transaction():
        forget_flow(database, "gone")
    await index_all(database)

    for query in ("words", "", "flowId:gone", "NOT other"):
        expected = 0 if query == "flowId:gone" else 2
        assert found(database, query) == (expected, expected)


async def test_what_is_written_after_a_flow_was_deleted_is_kept(database: Database) -> None:
    write(database, 900, flow_id="again")
    with database.transaction():
        forget_flow(database, "again")
    write(database, 1, flow_id="again")

    await remove_all(database, ManualClock(NOW), retention_s=0)
    await index_all(database)

    assert found(database) == found(database, "") == (1, 1)
    assert database.rows("SELECT * FROM log_gone") == []


async def test_records_older_than_the_retention_are_removed(database: Database) -> None:
    for days_ago in (40, 31, 30, 1):
        write(database, 250, days_ago=days_ago)
    await index_all(database)

    await remove_all(database, ManualClock(NOW), retention_s=30 * DAY_S)

    assert found(database) == found(database, "") == (500, 500)


async def test_without_a_retention_nothing_is_removed(database: Database) -> None:
    write(database, days_ago=10_000)

    await remove_all(database, ManualClock(NOW), retention_s=0)

    assert found(database, "") == (1, 0)
    await index_all(database)
    assert found(database) == (1, 1)


async def test_what_is_removed_leaves_no_trace_in_the_index(database: Database) -> None:
    write(database, 500)
    await index_all(database)

    with database.transaction():
        forget_flow(database, "f1")
    await remove_all(database, ManualClock(NOW), retention_s=0)

    matched = database.rows("SELECT rowid FROM log_words WHERE log_words MATCH 'words'")
    assert matched == database.rows("SELECT * FROM log_day") == []


async def test_the_log_is_looked_after_while_time_goes_by(database: Database) -> None:
    clock = ManualClock(NOW)
    write(database, 5)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_logs, database, clock, DAY_S)
            await anyio.wait_all_tasks_blocked()
            assert found(database) == (5, 5)
            clock.turn(timedelta(days=2))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    assert found(database, "") == (0, 0)


@pytest.mark.parametrize(
    ("text", "query", "is_found"),
    [
        (r'{"a":"first\nsecond"}', "second", True),
        (r'{"a":"first\nsecond"}', "nsecond", False),
        (r'{"a":"caf\u00e9"}', "café", True),
        (r'{"a":"C:\\new"}', "new", True),
        ('{"a":"東京都に行く"}', "東京", True),
        ('{"a":"東京都に行く"}', "京東", False),
        ('{"a":"Größe"}', "GRÖSSE OR größe", True),
        ('{"a":"Größe"}', "grosse", False),
        ('{"id":"8a3f-77-b2"}', "8a3f-77-b2", True),
        ('{"id":"8a3f-77-b2"}', "8a3f-b2", False),
        ('{"mail":"ada@example.com"}', "ada@example.com", True),
        ('{"a":"🎉"}', "🎉", True),
        ('{"a":"🎉"}', "🚀", False),
        ('{"a_b":1}', "b", False),
    ],
)
async def test_words_are_found_as_elasticsearch_finds_them(
    database: Database, text: str, query: str, *, is_found: bool
) -> None:
    with database.transaction():
        logs.write(database, LogRecord(user_id="ann", flow_id="f1", at_ms=to_ms(NOW), msg=text))
    await index_all(database)

    assert found(database, query.replace(":", r"\:")) == (is_found, is_found)


async def test_records_of_the_first_version_are_kept_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    schema = Path(database_module.__file__).with_name("schema")
    old = sqlite3.connect(path)
    old.executescript((schema / "001_tenant.sql").read_text(encoding="utf-8"))
    for number in range(3):
        old.execute(
            "INSERT INTO log (log_id, user_id, flow_id, severity, at_ms, msg)"
            " VALUES (?, 'ann', 'f1', 'error', ?, ?)",
            (f"id {number}", to_ms(NOW), f"words {number}"),
        )
    old.execute("INSERT INTO state VALUES ('f1', 'c1', 'cursor', '2')")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()

    database = Database(path)
    await index_all(database)

    asked = log_search(QueryParams({"query": "words"}), Reach("ann"), NOW)
    assert [hit.get("msg") for hit in asked.hits(database.connection)] == [
        "words 2", "words 1", "words 0",
    ]  # fmt: skip
    told = database.rows("SELECT value_json FROM state")[0]["value_json"]
    untold = database.rows("SELECT msg FROM log WHERE seq > ?", (int(told),))
    assert [row["msg"] for row in untold] == ["words 2"]
    database.close()
