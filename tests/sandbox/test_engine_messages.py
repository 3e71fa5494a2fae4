"""What becomes of messages on their way through a flow."""

import json
from dataclasses import replace
from uuid import UUID

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from tests.sandbox.harness import (
    Library,
    Sandbox,
    entry,
    library_of,
    open_sandbox,
    passes,
    probe,
)

SOURCE = "test.engine.probe.Source"
PASS = "test.engine.probe.Pass"
PART = "test.engine.probe.Part"
NEVER_ENDS = "test.engine.probe.NeverEnds"
DOWN = "test.engine.probe.Down"


async def sends_a_part(context: Context) -> None:
    context.send("out", {"part": context.content.get("part")})


async def counts_down(context: Context) -> None:
    if context.original_content > 0:
        context.send("out", context.original_content - 1)


@pytest.fixture
def library() -> Library:
    return library_of(
        probe("Pass", passes), probe("Part", sends_a_part), probe("Down", counts_down)
    )


def _call(data: Json) -> WebhookCall:
    return WebhookCall(method="POST", hostname="127.0.0.1", headers={}, query={}, data=data)


def chain(length: int, fields: dict[str, Json]) -> dict[str, Json]:
    """Return s -> c1 -> … -> c<length>; all but the last drop what they get, it has the fields."""
    flow = {"s": entry(SOURCE)}
    for index in range(1, length + 1):
        before = "s" if index == 1 else f"c{index - 1}"
        flow[f"c{index}"] = entry(PART, before, fields=fields if index == length else {})
    return flow


async def test_a_message_goes_to_every_linked_component(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(PASS, "s"), "b": entry(PASS, "s")})

    await run.call("s", {"n": 1}, enqueue_only=True)

    assert run.received("a") == run.received("b") == [{"n": 1}]
    assert run.sent("s") == run.sent("a") == run.sent("b") == [{"n": 1}]
    assert run.queued() == []


async def test_the_messages_of_one_firing_share_a_correlation_id(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(PASS, "s"), "b": entry(PASS, "a")})

    await run.call("s", 1, enqueue_only=True)
    await run.call("s", 2, enqueue_only=True)

    by_firing = {row["correlation_id"] for row in run.logs(component_id="s")}
    assert len(by_firing) == 2
    assert {row["correlation_id"] for row in run.logs(component_id="b")} == by_firing
    assert all(UUID(correlation_id).version == 4 for correlation_id in by_firing)


async def test_a_later_component_reads_what_any_earlier_one_sent(sandbox: Sandbox) -> None:
    run = await sandbox.run(chain(4, {"part": "{{{$.s.out.deep.value}}}"}))

    await run.call("s", {"deep": {"value": [1, 2]}}, enqueue_only=True)

    assert run.sent("c1") == [{"part": None}]
    assert run.sent("c4") == [{"part": [1, 2]}]


async def test_messages_carry_only_what_is_still_referred_to(sandbox: Sandbox) -> None:
    flow = chain(6, {"part": "{{{$.s.out.n}}}"})
    flow["w"] = entry("timers.Wait", "c6", fields={"interval": "5m"})
    run = await sandbox.run(flow)

    await run.call("s", {"n": 1}, enqueue_only=True)

    assert [json.loads(row["scope_json"]) for row in run.queued()] == [{}]
    assert run.sent("c6") == [{"part": 1}]


async def test_a_cycle_goes_round_until_nothing_is_sent_any_more(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "d": entry(DOWN, "s", "d")})

    await run.call("s", 3, enqueue_only=True)

    assert run.sent("d") == [2, 1, 0]


async def test_a_transform_is_logged_as_it_arrived_and_the_original_passes(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(
        {"s": entry(SOURCE), "a": entry(PASS, "s", fields={"twice": "{{{$.s.out}}}{{{$.s.out}}}"})}
    )

    await run.call("s", 7, enqueue_only=True)

    assert run.received("a") == [{"twice": "77"}]
    assert run.sent("a") == [7]
    row = run.logs(component_id="a", port_type="in")[0]
    assert (row["sender_id"], row["sender_type"], row["sender_port"]) == ("s", SOURCE, "out")


async def test_content_that_is_too_long_for_the_log_still_arrives(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(PART, "s")})

    await run.call("s", {"part": "x" * 300_000}, enqueue_only=True)

    logged = run.sent("a")[0]
    assert isinstance(logged, str)
    assert logged.endswith("… (cut: 300,011 characters in all)")
    assert len(logged) < 101_000


async def test_odd_values_are_stored_as_json_that_anybody_can_read(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(PASS, "s")})

    await run.call("s", {"nan": float("nan"), "half": "\ud83d", "é": "\x00"}, enqueue_only=True)

    assert run.sent("a") == [{"nan": None, "half": "\ud83d", "é": "\x00"}]
    assert run.errors() == []


async def test_messages_of_a_component_are_handled_in_the_order_they_came(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(PASS, "s"), "b": entry(PASS, "a")})

    for number in range(200):
        await run.call("s", number, enqueue_only=True)

    assert run.sent("b") == list(range(200))


async def test_a_flow_with_many_messages_does_not_keep_others_waiting(
    config: TenantConfig, clock: ManualClock
) -> None:
    order: list[Json] = []

    async def notes(context: Context) -> None:
        order.append(context.original_content)

    flow = {"s": entry(SOURCE), "n": entry("test.engine.probe.Notes", "s")}
    gate = anyio.Event()

    async def waits(context: Context) -> None:
        await gate.wait()
        context.send("out", context.webhook.data if context.webhook else None)

    library = library_of(
        probe("Notes", notes), probe("Source", in_ports=(), webhook=True, on_webhook=waits)
    )
    few_at_once = replace(config, concurrency=2)
    async with open_sandbox(few_at_once, clock, library=library) as sandbox:
        busy, quick = await sandbox.run(flow), await sandbox.run(flow)
        for number in range(1_000):
            await sandbox.engine.call_webhook(busy.flow_id, "s", _call(number), enqueue_only=True)

        await sandbox.engine.call_webhook(quick.flow_id, "s", _call("quick"), enqueue_only=True)
        gate.set()
        await quick.idle()

    assert sorted(one for one in order if isinstance(one, int)) == list(range(1_000))
    assert order.index("quick") < 20


async def test_a_flow_of_slow_calls_leaves_workers_to_others(
    config: TenantConfig, clock: ManualClock
) -> None:
    async def never_ends(_context: Context) -> None:
        await anyio.sleep_forever()

    library = library_of(probe("NeverEnds", never_ends), probe("Pass", passes))
    async with open_sandbox(config, clock, library=library) as sandbox:
        slow = await sandbox.run({"s": entry(SOURCE), "n": entry(NEVER_ENDS, "s")})
        quick = await sandbox.run({"s": entry(SOURCE), "p": entry(PASS, "s")})
        with anyio.fail_after(5):
            for number in range(100):
                await sandbox.engine.call_webhook(
                    slow.flow_id, "s", _call(number), enqueue_only=True
                )
            await anyio.wait_all_tasks_blocked()

            await sandbox.engine.call_webhook(quick.flow_id, "s", _call("!"), enqueue_only=True)
            await anyio.wait_all_tasks_blocked()

        assert quick.sent("p") == ["!"]


async def test_a_serial_component_gets_one_message_at_a_time(
    config: TenantConfig, clock: ManualClock
) -> None:
    async def counts(context: Context) -> None:
        before = context.state.get("count", 0)
        await anyio.lowlevel.checkpoint()
        context.state.set("count", before + 1)

    library = library_of(probe("Counts", counts, serial=True))
    flow = {"s": entry(SOURCE), "c": entry("test.engine.probe.Counts", "s")}
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run(flow)
        for number in range(150):
            await sandbox.engine.call_webhook(run.flow_id, "s", _call(number), enqueue_only=True)
        await run.idle()

        assert run.state("c") == {"count": 150}


async def test_a_flows_thumbnail_is_left_alone_until_its_custom_fields_are_asked_for(
    sandbox: Sandbox,
) -> None:
    asks = entry(PART, "p", fields={"part": "{{{team}}}"})
    asks["config"]["transform"]["in"]["p"]["out"]["modifiers"] = {
        "part": {"team": {"functions": [{"name": "g_customFields"}]}}
    }
    run = sandbox.add({"s": entry(SOURCE), "p": entry(PASS, "s"), "asks": asks})
    sandbox.database.connection.execute(
        "UPDATE flow SET extra_json = ?",
        (json.dumps({"thumbnail": "data:,x", "customFields": {"team": "sales"}}),),
    )
    statements: list[str] = []

    await run.start()
    sandbox.database.connection.set_trace_callback(statements.append)
    await run.call("s", 1, enqueue_only=True)

    assert run.sent("asks") == [{"part": {"team": "sales"}}]
    assert len([one for one in statements if "extra_json" in one]) == 1


async def test_a_flow_of_two_thousand_components_runs(sandbox: Sandbox) -> None:
    run = await sandbox.run(chain(2_000, {"part": "{{{$.s.out}}}"}))

    await run.call("s", "far", enqueue_only=True)

    assert run.sent("c2000") == [{"part": "far"}]
    assert run.errors() == []
