"""Test runs of flows whose components wait, for others or for a time."""

import anyio

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry


async def sent_in_a_test_run(
    sandbox: Sandbox, flow: dict[str, Json], component_id: str
) -> list[tuple[str, Json]]:
    """Test a flow from `start` on; return what a component sends: (out port, content)."""
    sent: list[tuple[str, Json]] = []

    async def emit(event: str, data: dict[str, Json]) -> None:
        assert event != "component:error", data
        if event == "component:output" and data["componentId"] == component_id:
            sent.append((data["port"], data["data"]))

    trial, problems = sandbox.engine.trial(sandbox.add(flow).flow_id, "start")
    assert problems == []
    with anyio.fail_after(5):
        await trial.run("start", {}, None, emit)
    return sent


async def test_a_time_out_waits_until_nothing_else_is_left(sandbox: Sandbox) -> None:
    sent = await sent_in_a_test_run(
        sandbox,
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": ["tea", "ink"]}),
            "first": entry("controls.Join", ("each", "item")),
            "second": entry("controls.Join", "first"),
            "join": entry("controls.JoinEach", "second", ("each", "done", "count")),
        },
        "join",
    )

    assert [(port, len(content["items"])) for port, content in sent] == [("out", 2)]


async def test_a_time_out_comes_when_what_was_waited_for_does_not(sandbox: Sandbox) -> None:
    sent = await sent_in_a_test_run(
        sandbox,
        {
            "start": entry("controls.OnStart"),
            "join": entry("controls.JoinEach", ("start", "out", "count"), fields={"count": 1}),
        },
        "join",
    )

    assert [port for port, _ in sent] == ["timeout"]


async def test_a_component_that_waits_for_two_messages_gets_both(sandbox: Sandbox) -> None:
    sent = await sent_in_a_test_run(
        sandbox,
        {
            "start": entry("controls.OnStart"),
            "value": entry("controls.MockValue", "start", fields={"value": "tea"}),
            "both": entry("test.Join", ("value", "out", "join"), ("start", "out", "in")),
        },
        "both",
    )

    assert [content["join"] for _, content in sent] == [{"outvalue": "tea"}]


async def test_a_counter_begins_with_its_property(sandbox: Sandbox) -> None:
    sent = await sent_in_a_test_run(
        sandbox,
        {
            "start": entry("controls.OnStart"),
            "counter": entry(
                "controls.Counter", ("start", "out", "item"), properties={"count": 41}
            ),
        },
        "counter",
    )

    assert sent == [("count", {"count": 42})]
