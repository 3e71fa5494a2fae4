"""Components that wait for messages at several in ports."""

from dataclasses import replace

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.component import InPort
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context
from tests.sandbox.harness import Library, Run, Sandbox, entry, library_of, open_sandbox, probe

FLOW = {
    "left": entry("test.engine.probe.Source"),
    "right": entry("test.engine.probe.Source"),
    "both": entry("test.engine.probe.Both", ("left", "out", "a"), ("right", "out", "b")),
    "after": entry("test.engine.probe.After", "both", fields={"r": "{{{$.right.out}}}"}),
}


async def sends_both(context: Context) -> None:
    context.send("out", dict(context.messages))


async def passes_fields(context: Context) -> None:
    context.send("out", dict(context.content))


@pytest.fixture
def library() -> Library:
    ports = (InPort(name="a"), InPort(name="b"))
    return library_of(
        probe("Both", sends_both, in_ports=ports, fire_patterns=((1, 1),)),
        probe("After", passes_fields),
    )


@pytest.fixture
async def run(sandbox: Sandbox) -> Run:
    return await sandbox.run(FLOW)


async def test_nothing_is_received_before_every_port_has_a_message(run: Run) -> None:
    await run.call("left", {"n": 1}, enqueue_only=True)

    assert run.sent("both") == []
    assert run.received("both", "a") == [{"n": 1}]


async def test_messages_of_both_ports_are_received_together_first_come_first_served(
    run: Run,
) -> None:
    await run.call("left", {"n": 1}, enqueue_only=True)
    await run.call("left", {"n": 2}, enqueue_only=True)
    await run.call("right", {"n": 3}, enqueue_only=True)
    await run.call("right", {"n": 4}, enqueue_only=True)

    assert run.sent("both") == [{"a": {"n": 1}, "b": {"n": 3}}, {"a": {"n": 2}, "b": {"n": 4}}]


async def test_what_follows_can_refer_to_what_came_before_either_port(run: Run) -> None:
    await run.call("right", {"n": 3}, enqueue_only=True)
    await run.call("left", {"n": 1}, enqueue_only=True)

    assert run.sent("after") == [{"r": {"n": 3}}]


async def test_what_follows_can_refer_to_two_out_ports_of_one_component(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": ["tea"]}),
            "both": entry("test.engine.probe.Both", ("each", "item", "a"), ("each", "done", "b")),
            "after": entry(
                "test.engine.probe.After",
                "both",
                fields={"v": "{{{$.each.item.value}}}", "n": "{{{$.each.done.count}}}"},
            ),
        }
    )

    assert run.sent("after") == [{"v": "tea", "n": 1}]


async def test_a_waiting_message_survives_the_end_of_the_process(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run(FLOW)
        await run.call("left", {"n": 1}, enqueue_only=True)
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = replace(run, sandbox=sandbox)
        await run.call("right", {"n": 2}, enqueue_only=True)

        assert run.sent("both") == [{"a": {"n": 1}, "b": {"n": 2}}]


async def test_a_flow_that_is_started_anew_has_forgotten_what_waited(run: Run) -> None:
    await run.call("left", {"n": 1}, enqueue_only=True)
    await run.stop()
    await run.start()
    await run.call("right", {"n": 2}, enqueue_only=True)

    assert run.sent("both") == []
