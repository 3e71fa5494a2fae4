"""What several workers of one server share; Redis, a SQLite file or memory keeps it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from appmixer_mcp.state.memory import MemoryState
from appmixer_mcp.state.protocol import Listener, SharedState

__all__ = ["Listener", "MemoryState", "SharedState", "open_state"]


@asynccontextmanager
async def open_state(
    *, redis_url: SecretStr | None, file: Path | None
) -> AsyncGenerator[SharedState]:
    """Open the state in Redis if there is a URL, else in the file if one is named, else in memory.

    A Redis that does not answer yet is no error: operations fail until it does.

    Raises:
        ConfigurationError: The URL is none of Redis, or the file cannot be used.
    """
    # Imported only here: neither a start over stdio nor the other kinds need them.
    if redis_url is not None:
        from appmixer_mcp.state.redis_state import RedisState  # noqa: PLC0415 - see above

        async with aclosing(RedisState(redis_url)) as redis_state:
            await redis_state.open()
            yield redis_state
    elif file is not None:
        from appmixer_mcp.state.sqlite_state import SqliteState  # noqa: PLC0415 - see above

        async with aclosing(SqliteState(file)) as sqlite_state:
            yield sqlite_state
    else:
        yield MemoryState()
