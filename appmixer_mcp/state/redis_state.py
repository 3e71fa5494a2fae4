"""Shared state of a server with many workers: kept in Redis, version 6.2 or newer."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
from pydantic import SecretStr
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from appmixer_mcp.errors import ConfigurationError, UnavailableError
from appmixer_mcp.state.bus import Bus
from appmixer_mcp.state.protocol import Listener

_MOST_CONNECTIONS = 32
_SHORTEST_TTL_S = 0.001  # what Redis can count
_LONGEST_TTL_S = 10 * 366 * 86_400.0
_PATIENCE_S = 0.1
_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_SWAP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_ADD = """
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum
"""

logger = logging.getLogger(__name__)


class RedisState:
    """SharedState of every worker that names the same Redis.

    While Redis is lost, operations fail and messages are missed; when it is back, both work again
    by themselves. No operation is tried twice: the first try may have happened.
    """

    def __init__(
        self, url: SecretStr, prefix: str = "appmixer-mcp:", *, timeout_s: float = 2.0
    ) -> None:
        """Keep where Redis is; nothing is connected yet.

        Args:
            url: `redis://`, `rediss://` or `unix://`, with user name and password if there are.
            prefix: Begins every key and channel.
            timeout_s: Longest wait of an operation.

        Raises:
            ConfigurationError: The URL is none of Redis.
        """
        pool = _pool(url, timeout_s)
        self._redis: Any = Redis.from_pool(pool)  # Any: half of the library has no types
        self._prefix = prefix
        # Redis does not part channels by database, as it does keys.
        self._channels: str = f"{prefix}bus:{pool.connection_kwargs.get('db', 0)}:"
        self._timeout_s = timeout_s
        self._bus = Bus()
        self._reader: asyncio.Task[None] | None = None
        self._answering = True

    async def open(self) -> None:
        """Begin to hear messages; returns when Redis has agreed, or has not answered in time."""
        tried = anyio.Event()
        self._reader = asyncio.create_task(self._hear(tried))
        with anyio.move_on_after(self._timeout_s):
            await tried.wait()

    async def aclose(self) -> None:
        """Let go of every connection; may be called again."""
        with anyio.CancelScope(shield=True):
            reader, self._reader = self._reader, None
            while reader is not None and not reader.done():
                reader.cancel()  # more than once: wait_for of Python 3.11 may swallow it
                await asyncio.wait({reader}, timeout=_PATIENCE_S)
            with suppress(RedisError, OSError):  # TLS says good-bye, and nobody may be there
                await self._redis.aclose()

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None when there is none."""
        found: bytes | None = await self._run("GET", self._value(key))
        return found

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Store a value in place of whatever value was there."""
        await self._run("SET", self._value(key), value, "PX", _ms(ttl_s))

    async def put_new(self, key: str, value: bytes, *, ttl_s: float) -> bool:
        """Store a value unless there is one already; return whether it was stored."""
        return bool(await self._run("SET", self._value(key), value, "NX", "PX", _ms(ttl_s)))

    async def swap(self, key: str, old: bytes, new: bytes, *, ttl_s: float) -> bool:
        """Store `new` only where the value is still `old`; return whether it was stored."""
        return bool(await self._run("EVAL", _SWAP, 1, self._value(key), old, new, _ms(ttl_s)))

    async def take(self, key: str) -> bytes | None:
        """Return the value and delete it; of many callers one gets it, the others None."""
        taken: bytes | None = await self._run("GETDEL", self._value(key))
        return taken

    async def delete(self, *keys: str) -> None:
        """Delete values and counters; what is not there is passed over."""
        if keys:
            names = [name for key in keys for name in (self._value(key), self._counter(key))]
            await self._run("DEL", *names)

    async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
        """Add to a counter, which begins at 0, and return the sum."""
        total: int = await self._run("EVAL", _ADD, 1, self._counter(key), amount, _ms(ttl_s))
        return total

    async def now(self) -> float:
        """Return the seconds of Redis' own clock."""
        seconds, microseconds = await self._run("TIME")
        return float(seconds) + float(microseconds) / 1e6

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to everyone who listens now, in any worker, this one included."""
        await self._run("PUBLISH", _encoded(self._channels + channel), message)

    def subscribe(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Let a listener hear a channel from now on; returns what ends it."""
        return self._bus.subscribe(_encoded(self._channels + channel), listener)

    async def _run(self, *command: str | bytes | int) -> Any:
        """Run one command, which is atomic."""
        answer: Any = None
        try:
            with anyio.fail_after(self._timeout_s):
                answer = await self._redis.execute_command(*command)
        except (RedisError, OSError) as error:
            self._note_lost(error)
            raise UnavailableError(
                "The server cannot reach what its workers share just now. Try again in a "
                "moment; if it goes on, tell whoever runs the server."
            ) from error
        self._note_answer()
        return answer

    async def _hear(self, tried: anyio.Event) -> None:
        """Hand every message to its listeners, through any number of lost connections."""
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                async with self._redis.pubsub() as connection:
                    await connection.psubscribe(_pattern(self._channels))
                    async for message in connection.listen():
                        if message["type"] == "pmessage":
                            self._bus.deliver(message["channel"], message["data"])
                        else:  # Redis has agreed to the subscription
                            self._note_answer()
                            tried.set()
                            pause_s = _SHORTEST_PAUSE_S
            except (RedisError, OSError) as error:
                self._note_lost(error)
            tried.set()
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _note_lost(self, error: Exception) -> None:
        if self._answering:  # once, not with every call until it is back
            self._answering = False
            logger.warning("Redis does not answer as it should: %s", error)

    def _note_answer(self) -> None:
        if not self._answering:
            self._answering = True
            logger.info("Redis answers again.")

    def _value(self, key: str) -> bytes:
        return _encoded(f"{self._prefix}value:{key}")

    def _counter(self, key: str) -> bytes:
        return _encoded(f"{self._prefix}count:{key}")


def _pool(url: SecretStr, timeout_s: float) -> Any:
    kind: Any = BlockingConnectionPool  # Any: as above
    try:
        pool = kind.from_url(url.get_secret_value(), max_connections=_MOST_CONNECTIONS, protocol=2)
        # What we rely on stands, whatever the URL's query says.
        pool.connection_kwargs.update(
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        pool.make_connection()  # connects nothing, but refuses what the query should not hold
    except (TypeError, ValueError, RedisError):  # its text may hold the password
        raise ConfigurationError(
            "APPMIXER_REDIS_URL cannot be used. Write it as redis://user:password@host:6379/0, "
            "rediss:// with TLS, or unix:///path/to/socket; percent-encode what is special in the "
            "password."
        ) from None
    return pool


def _ms(ttl_s: float) -> int:
    return round(min(max(ttl_s, _SHORTEST_TTL_S), _LONGEST_TTL_S) * 1000)


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")  # any text can be a key


def _pattern(start: str) -> bytes:
    """Return the pattern of every channel that begins so."""
    escaped = "".join(f"\\{char}" if char in r"\*?[]^" else char for char in start)
    return _encoded(f"{escaped}*")
