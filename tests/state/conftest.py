"""Every kind of shared state behind one face, so that all are held to the same sentences."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import anyio
import pytest
from redis.asyncio import Redis

from appmixer_mcp.state import MemoryState, SharedState
from appmixer_mcp.state.redis_state import RedisState
from appmixer_mcp.state.sqlite_state import SqliteState
from tests.clock import Clock
from tests.redis_server import RedisServer, needs_redis, running_redis


class Ear:
    """Keeps what it hears and lets a test wait for it."""

    def __init__(self) -> None:
        self.heard = 0
        self._send, self._receive = anyio.create_memory_object_stream[bytes](1_000)

    def listener(self, message: bytes) -> None:
        self.heard += 1
        self._send.send_nowait(message)

    async def next(self) -> bytes:
        with anyio.fail_after(5):
            return await self._receive.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._send.close()
        self._receive.close()


@dataclass
class World:
    """A state as its workers see it, and a way to let time pass."""

    workers: list[SharedState]
    """The state as each worker has it; one where only one process may have it."""
    pass_s: Callable[[float], Awaitable[None]]

    @property
    def state(self) -> SharedState:
        return self.workers[0]


@pytest.fixture
def clock():
    return Clock(time.time())


@pytest.fixture(scope="module")
def redis_server():
    with running_redis() as server:
        yield server


@asynccontextmanager
async def redis_worker(server: RedisServer, **options: Any) -> AsyncIterator[RedisState]:
    """A state as one worker opens it."""
    async with aclosing(RedisState(server.url, **options)) as state:
        await state.open()
        yield state


@asynccontextmanager
async def redis_world(server: RedisServer) -> AsyncIterator[World]:
    """Two workers on one Redis, which is empty and whose keys age when a test says so."""

    async def age(seconds: float) -> None:
        for key in await admin.keys():
            left_ms = await admin.pttl(key)
            assert left_ms > 0, f"{key!r} never expires"
            await admin.pexpire(key, max(0, left_ms - round(seconds * 1000)))

    async with (
        aclosing(Redis.from_url(server.url.get_secret_value())) as admin,
        redis_worker(server) as first,
        redis_worker(server) as second,
    ):
        await admin.flushall()
        yield World([first, second], age)


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=needs_redis)])
async def world(request, tmp_path, clock):
    async def turn(seconds):
        clock.now += seconds

    if request.param == "memory":
        yield World([MemoryState(clock)], turn)
    elif request.param == "sqlite":
        async with aclosing(SqliteState(tmp_path / "state.db", clock)) as state:
            yield World([state], turn)
    else:
        async with redis_world(request.getfixturevalue("redis_server")) as redis:
            yield redis
