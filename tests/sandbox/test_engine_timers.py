"""What happens later: timers, ticks, and what components listen to."""

from contextlib import suppress
from datetime import timedelta

import pytest

from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, Json
from tests.sandbox.harness import (
    USER_ID,
    Library,
    Sandbox,
    entry,
    library_of,
    open_sandbox,
    passes,
    probe,
)

SOURCE = "test.engine.probe.Source"
LATER = "test.engine.probe.Later"
TICKS = "test.engine.probe.Ticks"
HEARS = "test.engine.probe.Hears"
HEARD = {"s": entry(SOURCE), "h": entry(HEARS, "s")}


async def sets_a_timer(context: Context) -> None:
    wanted = context.original_content
    timer_id = context.set_timeout({"late": wanted}, context.now + timedelta(seconds=wanted["in"]))
    if wanted.get("clear") == "now":
        context.clear_timeout(timer_id)
    elif wanted.get("clear") == "last":
        context.clear_timeout(context.state.get("timer"))
    context.state.set("timer", timer_id)


async def sends_late(context: Context) -> None:
    context.send("out", context.content["late"]["in"])


async def ticks(context: Context) -> None:
    count = context.state.get("count", 0) + 1
    context.state.set("count", count)
    context.send("out", count)
    if count == 2:
        raise ValueError("every second tick fails once")


async def hears(context: Context) -> None:
    context.listen(context.original_content["topic"])
    if context.original_content.get("stop"):
        context.unlisten(context.original_content["topic"])


async def tells(context: Context, payload: Json) -> None:
    context.send("out", payload)


@pytest.fixture
def library() -> Library:
    return library_of(
        probe("Later", sets_a_timer, on_timeout=sends_late),
        probe("Ticks", in_ports=(), on_tick=ticks),
        probe("Hears", hears, on_event=tells),
        probe("Pass", passes),
    )


async def test_a_short_timer_is_rounded_up_to_the_minimum(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "t": entry(LATER, "s")})

    await run.call("s", {"in": 5}, enqueue_only=True)
    await run.turn(59.9)
    before = run.sent("t")
    await run.turn(0.1)

    assert before == []
    assert run.sent("t") == [5]


async def test_timers_fire_in_the_order_they_fall_due(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "t": entry(LATER, "s")})

    for seconds in (300, 100, 200):
        await run.call("s", {"in": seconds}, enqueue_only=True)
    await run.turn(1_000)

    assert run.sent("t") == [100, 200, 300]


@pytest.mark.parametrize("clear", ["now", "last"])
async def test_a_cleared_timer_does_not_fire(sandbox: Sandbox, clear: str) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "t": entry(LATER, "s")})

    await run.call("s", {"in": 100}, enqueue_only=True)
    await run.call("s", {"in": 200, "clear": clear}, enqueue_only=True)
    await run.turn(1_000)

    assert run.sent("t") == [100 if clear == "now" else 200]


async def test_what_a_timer_sends_still_sees_earlier_components(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "s": entry(SOURCE),
            "t": entry(LATER, "s"),
            "p": entry("test.engine.probe.Pass", "t", fields={"from": "{{{$.s.out.name}}}"}),
        }
    )

    await run.call("s", {"in": 100, "name": "Ada"}, enqueue_only=True)
    await run.turn(100)

    assert run.received("p") == [{"from": "Ada"}]
    assert len({row["correlation_id"] for row in run.logs() if row["component_id"]}) == 1


async def test_timers_survive_a_restart_and_fire_late_if_they_must(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run({"s": entry(SOURCE), "t": entry(LATER, "s")})
        await run.call("s", {"in": 100}, enqueue_only=True)
        await run.call("s", {"in": 10_000}, enqueue_only=True)
    clock.turn(timedelta(seconds=5_000))

    async with open_sandbox(config, clock, library=library) as reopened:
        again = type(run)(reopened, run.flow_id)
        await again.idle()
        overdue = again.sent("t")
        await again.turn(5_000)

        assert overdue == [100]
        assert again.sent("t") == [100, 10_000]


async def test_ticks_come_every_interval_and_an_error_in_one_ends_nothing(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run({"t": entry(TICKS)})

    for _ in range(4):
        await run.turn(60)

    assert run.sent("t") == [1]
    assert len(run.errors("t")) == 3
    assert run.unprocessed() == []
    assert len(run.queued()) == 1


async def test_missed_ticks_are_not_made_up_for(sandbox: Sandbox) -> None:
    run = await sandbox.run({"t": entry(TICKS)})

    await run.turn(3_600)

    assert run.sent("t") == [1]
    assert [row["due_ms"] for row in run.queued()] == [to_ms(sandbox.clock.now()) + 60_000]


async def test_a_listener_is_told_once_for_each_event(sandbox: Sandbox) -> None:
    run = await sandbox.run(HEARD)
    await run.call("s", {"topic": "event:order"}, enqueue_only=True)

    told = sandbox.engine.publish("event:order", {"n": 1}, user_id=USER_ID)
    sandbox.engine.publish("event:order", {"n": 2}, user_id=USER_ID)
    await run.idle()

    assert [(one.flow_id, one.component_id) for one in told] == [(run.flow_id, "h")]
    assert run.sent("h") == [{"n": 1}, {"n": 2}]


async def test_an_event_reaches_its_own_user_and_flow_only(sandbox: Sandbox) -> None:
    run = await sandbox.run(HEARD)
    await run.call("s", {"topic": "event:order"}, enqueue_only=True)

    others = sandbox.engine.publish("event:order", 1, user_id="5f0000000000000000000002")
    elsewhere = sandbox.engine.publish("event:order", 2, user_id=USER_ID, flow_id="another flow")
    unheard = sandbox.engine.publish("event:parcel", 3, user_id=USER_ID)

    assert others == elsewhere == unheard == []
    with pytest.raises(ValueError, match="user_id"):
        sandbox.engine.publish("event:order", 4)


async def test_what_is_published_in_a_failed_transaction_was_never_said(sandbox: Sandbox) -> None:
    run = await sandbox.run(HEARD)
    await run.call("s", {"topic": "task:1"}, enqueue_only=True)

    with suppress(RuntimeError), sandbox.database.transaction():
        sandbox.engine.publish("task:1", "undone")
        raise RuntimeError
    sandbox.engine.publish("task:1", "done")
    await run.idle()

    assert run.sent("h") == ["done"]


async def test_a_component_can_stop_listening(sandbox: Sandbox) -> None:
    run = await sandbox.run(HEARD)

    await run.call("s", {"topic": "task:1", "stop": True}, enqueue_only=True)

    assert run.topics() == []
    assert sandbox.engine.publish("task:1", "?") == []


async def test_nobody_listens_for_a_stopped_flow(sandbox: Sandbox) -> None:
    run = await sandbox.run(HEARD)
    await run.call("s", {"topic": "task:1"}, enqueue_only=True)

    await run.stop()

    assert sandbox.engine.publish("task:1", "?") == []
