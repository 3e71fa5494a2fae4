"""No accepted message is lost, and none has its effects twice, wherever the process ends."""

import json
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, WebhookCall
from tests.sandbox.harness import Library, Run, Sandbox, entry, library_of, open_sandbox, probe

FLOW = {
    "s": entry("test.engine.probe.Source"),
    "a": entry("test.engine.probe.Step", "s"),
    "b": entry("test.engine.probe.Step", "a", fields={"n": "{{{$.s.out}}}"}),
    "c": entry("test.engine.probe.Sum", "a", "b"),
}


class Crashes:
    """Ends the process, as it were, at chosen calls of a component, before or after its work."""

    def __init__(self, at_calls: list[int]) -> None:
        self._at_calls = set(at_calls)
        self._calls = 0
        self.now = anyio.Event()

    async def step(self, context: Context) -> None:
        await self._maybe(early=True)
        context.send("out", context.original_content)
        context.log({"seen": context.original_content})
        context.set_timeout({"n": context.original_content}, context.now)
        await self._maybe(early=False)

    async def late(self, context: Context) -> None:
        await self._maybe(early=True)
        context.log({"late": context.content["n"]})

    async def sum(self, context: Context) -> None:
        context.state.set("sum", context.state.get("sum", 0) + context.original_content)
        await self._maybe(early=False)

    async def _maybe(self, *, early: bool) -> None:
        self._calls += 1
        if self._calls in self._at_calls:
            self.now.set()
            await anyio.sleep_forever()
        if early:
            await anyio.lowlevel.checkpoint()


async def until_idle_or_crash(sandbox: Sandbox, crashes: Crashes) -> bool:
    """Return whether it became idle."""
    idle = False

    async def wait_idle() -> None:
        nonlocal idle
        await sandbox.engine.wait_idle()
        idle = True
        tasks.cancel_scope.cancel()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_idle)
            await crashes.now.wait()
            tasks.cancel_scope.cancel()
    crashes.now = anyio.Event()
    return idle


async def run_with_crashes(
    config: TenantConfig, clock: ManualClock, messages: int, crashes: Crashes
) -> tuple[Counter[str], int]:
    """Return how often each thing was logged, and the sum that a component counted."""
    library: Library = library_of(
        probe("Step", crashes.step, on_timeout=crashes.late),
        probe("Sum", crashes.sum, serial=True),
    )
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run(FLOW)
        for number in range(messages):
            call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data=number)
            await sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)
        idle = await until_idle_or_crash(sandbox, crashes)
    while not idle:
        async with open_sandbox(config, clock, library=library) as sandbox:
            idle = await until_idle_or_crash(sandbox, crashes)
    async with open_sandbox(config, clock, library=library) as sandbox:
        end = Run(sandbox, run.flow_id)
        assert end.queued() == end.errors() == []
        logged = Counter(
            f"{row['component_id']} {row['port_type']} {json.dumps(json.loads(row['msg']))}"
            for row in end.logs()
            if row["component_id"]
        )
        return logged, end.state("c")["sum"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    messages=st.integers(1, 12),
    at_calls=st.lists(st.integers(1, 100), max_size=6, unique=True),
    concurrency=st.integers(1, 16),
)
def test_messages_are_neither_lost_nor_doubled_wherever_it_crashes(
    messages: int, at_calls: list[int], concurrency: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = TenantConfig(
            data_dir=Path(folder),
            public_url="http://127.0.0.1:2200",
            jwt_key=SecretStr("0123456789abcdef0123456789abcdef"),
            egress="off",
        )
        config = replace(config, concurrency=concurrency, timer_min_s=0.0)
        clock = ManualClock(datetime(2026, 1, 31, 8, 0, tzinfo=UTC))

        logged, total = anyio.run(run_with_crashes, config, clock, messages, Crashes(at_calls))

    expected: Counter[str] = Counter()
    for number in range(messages):
        expected[f"s out {number}"] += 1
        for step in ("a", "b"):
            arrived = number if step == "a" else json.dumps({"n": number})
            expected[f"{step} in {arrived}"] += 1
            expected[f"{step} out {number}"] += 1
            expected[f'{step}  {{"seen": {number}}}'] += 1
            expected[f'{step}  {{"late": {number}}}'] += 1
        expected[f"c in {number}"] += 2
    assert logged == expected
    assert total == 2 * sum(range(messages))
