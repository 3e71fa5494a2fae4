"""Which kind of state a server gets, and what a start over stdio loads of it."""

import pytest
from pydantic import SecretStr

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.state import open_state
from tests.redis_server import needs_redis


async def kept(value=b"value", **where):
    """Open a state, store a value unless there is one, and return what is there."""
    async with open_state(**where) as state:
        await state.put_new("key", value, ttl_s=60)
        return await state.get("key")


@needs_redis
async def test_redis_is_used_where_it_is_named_and_a_file_is_not_made(redis_server, tmp_path):
    file = tmp_path / "state.db"
    where = {"redis_url": redis_server.url, "file": file}

    assert await kept(b"first", **where) == b"first"
    assert await kept(b"second", **where) == b"first"
    assert not file.exists()


async def test_without_redis_a_file_keeps_values(tmp_path):
    where = {"redis_url": None, "file": tmp_path / "state.db"}

    assert await kept(b"first", **where) == b"first"
    assert await kept(b"second", **where) == b"first"


async def test_without_both_values_end_with_the_server():
    where = {"redis_url": None, "file": None}

    assert await kept(b"first", **where) == b"first"
    assert await kept(b"second", **where) == b"second"


async def test_what_goes_wrong_inside_comes_out_as_it_was():
    with pytest.raises(UnavailableError):
        await kept(redis_url=SecretStr("redis://127.0.0.1:1/0"), file=None)
