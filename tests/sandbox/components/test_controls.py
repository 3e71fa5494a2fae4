"""OnStart, SetVariable, StopFlow and OnError."""

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry

FAILING = {"expression": {"AND": [{"OR": [{"input": 1, "operator": "?"}]}]}}


async def test_on_start_tells_when_the_flow_started(sandbox: Sandbox) -> None:
    run = await sandbox.run({"start": entry("controls.OnStart")})

    assert run.sent("start") == [{"started": "2026-01-31T08:00:00.000Z"}]


async def test_on_start_triggers_once_for_each_start(sandbox: Sandbox) -> None:
    run = await sandbox.run({"start": entry("controls.OnStart")})

    await run.start()
    await run.turn(3600)
    await run.stop()
    await run.start()

    assert len(run.sent("start")) == 2


async def run_set_variable(sandbox: Sandbox, variables: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "set": entry("controls.SetVariable", "start", fields={"variables": variables}),
            "use": entry("filters.Equal", "set", fields={"sourceData": "{{{$.set.out.total}}}"}),
        }
    )


async def test_set_variable_names_values_for_the_components_after_it(sandbox: Sandbox) -> None:
    variables = {
        "ADD": [
            {"name": "greeting", "type": "text", "text": "Hello"},
            {"name": "total", "type": "number", "number": 17},
            {"name": "since", "type": "text", "text": "{{{$.start.out.started}}}"},
            {"name": "urgent", "type": "toggle", "toggle": True},
        ]
    }

    run = await run_set_variable(sandbox, variables)

    assert run.sent("set") == [
        {"greeting": "Hello", "total": 17, "since": "2026-01-31T08:00:00.000Z", "urgent": True}
    ]
    assert run.received("use")[0]["sourceData"] == 17


@pytest.mark.parametrize("variables", [{"ADD": [{"type": "text", "text": "a"}]}, "x", ["x"]])
async def test_set_variable_refuses_what_names_no_variable(
    sandbox: Sandbox, variables: Json
) -> None:
    run = await run_set_variable(sandbox, variables)

    assert "'variables'" in run.errors("set")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_stop_flow_stops_the_flow_it_is_in(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "timer": entry("timers.Timer", properties={"interval": 5}),
            "stop": entry("controls.StopFlow", "timer"),
        }
    )

    await run.turn(3600)

    assert run.stage == "stopped"
    assert len(run.sent("timer")) == 1


async def test_on_error_tells_each_error_once(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger"),
            "bad": entry(
                "controls.Condition", ("hook", "request"), fields=FAILING, label="The bad one"
            ),
            "watch": entry("controls.OnError"),
        },
        name="Orders",
    )
    await run.call("hook", "first")
    await run.turn(60)
    await run.call("hook", "second")
    await run.turn(60)
    await run.turn(60)

    told = run.sent("watch")
    assert len(told) == 2
    assert told[0]["componentId"] == "bad"
    assert told[0]["componentLabel"] == "The bad one"
    assert told[0]["flowName"] == "Orders"
    assert "no operator" in told[0]["err"]


async def test_on_error_tells_no_more_than_its_limit_in_one_go(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger"),
            "bad": entry("controls.Condition", ("hook", "request"), fields=FAILING),
            "watch": entry("controls.OnError", properties={"limit": 2}),
        }
    )
    for _ in range(3):
        await run.call("hook", "order")

    await run.turn(60)
    first = len(run.sent("watch"))
    await run.turn(60)

    assert (first, len(run.sent("watch"))) == (2, 3)


@pytest.mark.parametrize("limit", [0, -1, "many"])
async def test_on_error_refuses_a_limit_that_is_none(sandbox: Sandbox, limit: Json) -> None:
    problems = sandbox.engine.validate(
        {"watch": entry("controls.OnError", properties={"limit": limit})}
    )

    assert [problem.component_id for problem in problems] == ["watch"]


async def test_join_sends_on_what_comes_from_any_of_its_sources(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "mod": entry("filters.Modulo", "start", fields={"sourceData": 7, "value": 4}),
            "join": entry("controls.Join", "start", ("mod", "modulo")),
            "set": entry(
                "controls.SetVariable",
                "join",
                fields={"variables": {"ADD": [{"name": "a", "type": "number", "number": 1}]}},
            ),
        }
    )

    assert run.sent("join") == [{"started": "2026-01-31T08:00:00.000Z"}, 3]
    assert len(run.sent("set")) == 2


async def test_mock_value_echoes_its_value(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "mock": entry("controls.MockValue", "start", fields={"value": {"a": [1]}}),
        }
    )

    assert run.sent("mock") == [{"outvalue": {"a": [1]}}]


@pytest.mark.parametrize("module", ["controls", "timers"])
async def test_the_time_zones_are_listed(sandbox: Sandbox, module: str) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "zones": entry(f"{module}.ListTimeZones", "start"),
        }
    )

    (told,) = run.sent("zones")
    assert {"label": "Europe/Prague", "value": "Europe/Prague"} in told["timezones"]
