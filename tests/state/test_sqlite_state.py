"""What only the state in a file does: outliving the process, staying private and small."""

import os
import sqlite3
import subprocess
import sys
from contextlib import aclosing, closing

import pytest

from appmixer_mcp.errors import ConfigurationError, UnavailableError
from appmixer_mcp.state.sqlite_state import SqliteState

WRITER = """
import asyncio, sys
from pathlib import Path
from appmixer_mcp.state.sqlite_state import SqliteState

async def main():
    state = SqliteState(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    for number in range(300):
        won += await state.put_new(f"new {number}", b"x" * 500, ttl_s=600)
        won += await state.take(f"there {number}") is not None
        await state.put(f"mine {number}", sys.argv[2].encode(), ttl_s=-1)
    await state.aclose()
    print(won)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "state.db"


def rows(file, sql="SELECT key FROM state"):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def writer(file, name):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def both_write(file):
    """Let two processes write at the same moment; return how much each of them won."""
    with writer(file, "first") as first, writer(file, "second") as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [int(process.communicate(timeout=30)[0]) for process in (first, second)]


async def test_a_value_is_there_when_the_server_starts_again(file, clock):
    async with aclosing(SqliteState(file, clock)) as state:
        await state.put("lasting", b"value", ttl_s=600)
        await state.put("short", b"value", ttl_s=60)
    clock.now += 60

    async with aclosing(SqliteState(file, clock)) as state:
        assert await state.get("lasting") == b"value"
        assert await state.get("short") is None
        assert await state.put_new("short", b"again", ttl_s=60)


@pytest.mark.skipif(sys.platform == "win32", reason="has no file modes")
@pytest.mark.parametrize("there_before", [False, True])
async def test_only_the_owner_may_read_what_is_stored(file, there_before):
    if there_before:
        file.parent.mkdir()
        file.touch()
        file.chmod(0o644)
    umask = os.umask(0)
    try:
        async with aclosing(SqliteState(file)) as state:
            await state.put("key", b"value", ttl_s=60)

            modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    finally:
        os.umask(umask)

    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), 0o600)


async def test_what_is_over_leaves_the_file_a_little_with_each_write(file, clock):
    async with aclosing(SqliteState(file, clock)) as state:
        for number in range(100):
            await state.put(f"old {number}", b"value", ttl_s=60)
        clock.now += 60

        await state.put("new", b"value", ttl_s=60)
        after_one = len(rows(file))
        for _ in range(9):
            await state.put_new("new", b"value", ttl_s=60)

        assert 80 < after_one < 100
        assert rows(file) == [(b"new",)]


async def test_two_processes_on_one_file_keep_it_whole(file):
    async with aclosing(SqliteState(file)) as state:
        for number in range(300):
            await state.put(f"there {number}", b"value", ttl_s=600)

    won = both_write(file)

    assert sum(won) == 600
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert rows(file, "SELECT count(*) FROM state WHERE CAST(key AS TEXT) LIKE 'new %'") == [(300,)]


async def test_a_file_that_is_no_database_is_left_alone_and_named(file):
    file.parent.mkdir()
    file.write_text("not a database, but long enough to look at " * 50)
    before = file.read_bytes()

    with pytest.raises(ConfigurationError, match=r"state\.db"):
        SqliteState(file)

    assert file.read_bytes() == before


async def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"state\.db"):
        SqliteState(tmp_path / "file" / "state.db")


async def test_a_file_that_fails_later_says_so_without_what_was_stored(file, caplog):
    async with aclosing(SqliteState(file)) as state:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("DROP TABLE state")

        with pytest.raises(UnavailableError, match="Try again") as caught:
            await state.put("key of somebody", b"value of somebody", ttl_s=60)

    assert "somebody" not in str(caught.value) + caplog.text
    assert "no such table" in caplog.text
