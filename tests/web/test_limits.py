"""How much is served, and what one caller too many is told."""

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from appmixer_mcp.errors import RateLimitedError, UnavailableError
from appmixer_mcp.state import MemoryState
from appmixer_mcp.web.client_addresses import FORWARDED
from appmixer_mcp.web.limits import CallLimits, RequestsInFlight
from tests.clock import Clock

NOON = 1_700_000_040.0  # a full minute


class LostState(MemoryState):
    """Shared state that can be lost and come back."""

    lost = True

    async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
        if self.lost:
            raise UnavailableError("Redis does not answer.")
        return await super().add(key, amount, ttl_s=ttl_s)


class Slow:
    """An application whose answers stay open until they are let go."""

    def __init__(self) -> None:
        self.let_go = anyio.Event()
        self.entered = anyio.Semaphore(0)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            self.entered.release()
            await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"served"})


async def get(app: Any, path: str, address: str = "203.0.113.9", **extra: Any) -> httpx2.Response:
    async def as_somebody(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": (address, 1), **extra}, receive, send)

    transport = httpx2.ASGITransport(app=as_somebody)
    async with httpx2.AsyncClient(transport=transport, base_url="http://mcp") as client:
        return await client.get(path)


@asynccontextmanager
async def open_requests(app: Any, slow: Slow, *addresses: str) -> AsyncGenerator[None]:
    async with anyio.create_task_group() as tasks:
        for address in addresses:
            tasks.start_soon(get, app, "/slow", address)
        with anyio.fail_after(5):
            for _ in addresses:
                await slow.entered.acquire()
        yield
        slow.let_go.set()


async def test_beyond_what_is_served_at_once_only_health_is_answered() -> None:
    slow = Slow()
    app = RequestsInFlight(slow, most=4)

    async with open_requests(app, slow, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        refused = await get(app, "/mcp")
        healthy = await get(app, "/healthz")
    later = await get(app, "/mcp")

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["connection"] == "close"
    assert healthy.text == later.text == "served"


@pytest.mark.parametrize(
    ("holders", "other"),
    [
        (["203.0.113.9", "203.0.113.9"], "203.0.113.10"),
        (["2001:db8::1", "2001:db8::2"], "2001:db8:0:1::1"),
    ],
)
async def test_one_address_cannot_take_every_place(holders: list[str], other: str) -> None:
    slow = Slow()
    app = RequestsInFlight(slow, most=10, most_per_address=2)

    async with open_requests(app, slow, *holders):
        refused = await get(app, "/mcp", holders[0])
        served = await get(app, "/mcp", other)
    later = await get(app, "/mcp", holders[0])

    assert refused.status_code == 429
    assert served.text == later.text == "served"


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    app = RequestsInFlight(broken, most=1)

    for _ in range(3):
        with pytest.raises(RuntimeError):
            await get(app, "/mcp")


async def test_the_operator_is_told_once_of_a_proxy_that_is_not_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Slow()
    app = RequestsInFlight(slow, most=10, most_per_address=1)

    async with open_requests(app, slow, "10.0.0.1"):
        for _ in range(3):
            await get(app, "/mcp", "10.0.0.1", **{FORWARDED: True})

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "10.0.0.1" in caplog.text
    assert "APPMIXER_TRUSTED_PROXIES" in caplog.text


async def called(limits: CallLimits, principal: str = "ada", times: int = 1) -> None:
    for _ in range(times):
        async with limits.call(principal):
            pass


async def test_too_many_calls_in_a_minute_are_refused_until_the_next_one_begins() -> None:
    clock = Clock(NOON)
    limits = CallLimits(MemoryState(), per_minute=3, at_once=0, clock=clock)
    clock.now += 48
    await called(limits, times=3)

    with pytest.raises(RateLimitedError, match="Wait 12 s") as refused:
        await called(limits)
    await called(limits, "grace")
    clock.now += 12
    await called(limits)

    assert refused.value.retry_after_s == 12


async def test_all_workers_count_together() -> None:
    state = MemoryState()
    one, other = (CallLimits(state, per_minute=3, at_once=0, clock=lambda: NOON) for _ in range(2))
    await called(one, times=2)
    await called(other)

    with pytest.raises(RateLimitedError):
        await called(one)
    with pytest.raises(RateLimitedError):
        await called(other)


async def test_only_so_many_calls_of_one_principal_run_at_once() -> None:
    limits = CallLimits(MemoryState(), per_minute=0, at_once=2)

    async with AsyncExitStack() as running:
        for _ in range(2):
            await running.enter_async_context(limits.call("ada"))
        with pytest.raises(RateLimitedError, match="2 of your calls") as refused:
            await called(limits)
        await called(limits, "grace")
    await called(limits, times=5)

    assert refused.value.retry_after_s == 1


async def test_only_so_many_calls_of_one_principal_wait_for_a_person() -> None:
    limits = CallLimits(MemoryState(), per_minute=0, at_once=1)

    async with limits.call("ada"), limits.asking("ada"):
        await called(limits)
        async with limits.call("ada"):
            with pytest.raises(RateLimitedError, match="1 questions to you"):
                async with limits.asking("ada"):
                    pass
    await called(limits, times=2)


async def test_a_call_that_fails_or_is_refused_gives_its_place_back() -> None:
    clock = Clock(NOON)
    limits = CallLimits(MemoryState(), per_minute=1, at_once=1, clock=clock)

    with pytest.raises(ZeroDivisionError):
        async with limits.call("ada"):
            _ = 1 / 0
    with pytest.raises(RateLimitedError, match="within a minute"):
        await called(limits)
    clock.now += 60

    await called(limits)


async def test_ten_times_as_many_other_requests_are_served() -> None:
    limits = CallLimits(MemoryState(), per_minute=2, at_once=1, clock=lambda: NOON)

    for _ in range(20):
        await limits.request("ada")

    with pytest.raises(RateLimitedError, match="more than 20 requests"):
        await limits.request("ada")
    await limits.request("grace")
    await called(limits, times=2)


async def test_where_nothing_is_limited_nothing_is_counted() -> None:
    state = MemoryState()
    limits = CallLimits(state, per_minute=0, at_once=0)

    await called(limits, times=500)
    await limits.request("ada")

    assert len(state) == 0


async def test_what_is_shared_does_not_hold_the_name_of_anybody() -> None:
    seen: list[str] = []

    class Watched(MemoryState):
        async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
            seen.append(key)
            return await super().add(key, amount, ttl_s=ttl_s)

    await called(CallLimits(Watched(), per_minute=1, at_once=1), "token of ada")

    assert len(seen) == 1
    assert "ada" not in seen[0]


async def test_without_the_shared_state_each_worker_goes_on_counting_alone_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state, clock = LostState(), Clock(NOON)
    limits = CallLimits(state, per_minute=3, at_once=0, clock=clock)

    await called(limits, times=3)
    with pytest.raises(RateLimitedError):
        await called(limits)
    clock.now += 10
    with pytest.raises(RateLimitedError):
        await called(limits)
    state.lost = False
    clock.now += 10
    await called(limits, times=3)
    with pytest.raises(RateLimitedError):
        await called(limits)

    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "Redis does not answer." in caplog.messages[0]
    assert "together again" in caplog.messages[1]


async def test_a_call_does_not_wait_for_a_lost_state_each_time() -> None:
    asked = 0

    class Counted(LostState):
        async def add(self, key: str, amount: int = 1, *, ttl_s: float) -> int:
            nonlocal asked
            asked += 1
            return await super().add(key, amount, ttl_s=ttl_s)

    clock = Clock(NOON)
    limits = CallLimits(Counted(), per_minute=100, at_once=0, clock=clock)

    await called(limits, times=10)
    clock.now += 5
    await called(limits, times=10)

    assert asked == 2
