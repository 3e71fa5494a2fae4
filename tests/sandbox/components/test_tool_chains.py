"""MCPGateway, ToolStart and ToolOutput: a chain of components that is called as a tool."""

import json
from typing import Any

import pytest

from appmixer_mcp.errors import ComponentFailedError, FlowInvalidError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.engine import WebhookAnswer
from appmixer_mcp.sandbox.gateways import UserGateways
from appmixer_mcp.sandbox.streams import Streams
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

START, OUTPUT = "appmixer.ai.agenttools.ToolStart", "appmixer.ai.agenttools.ToolOutput"
PARAMETERS = {
    "ADD": [{"name": "city", "type": "string", "description": "Where"}, {"name": "days"}, {}]
}


def tool(label: str, **properties: Json) -> dict[str, Json]:
    return entry(START, ("gate", "tools"), properties=properties, label=label)


def flow(**more: Json) -> dict[str, Json]:
    return {
        "gate": entry("appmixer.ai.mcptools.MCPGateway"),
        "ask": tool("Weather in…", description="Tells the weather.", parameters=PARAMETERS),
        "answer": entry(OUTPUT, "ask", fields={"output": "Fine in {{{$.ask.out.city}}}"}),
        **more,
    }


def offered(sandbox: Sandbox) -> list[Any]:
    return UserGateways(sandbox.database, Streams(), USER_ID).every()


async def called(run: Run, name: str, arguments: Json = None) -> WebhookAnswer:
    return await run.call("gate", {"function": {"name": name, "arguments": arguments}})


async def test_a_gateway_offers_its_chains_while_the_flow_runs(sandbox: Sandbox) -> None:
    run = await sandbox.run(flow(plain=tool("Plain")))

    [gateway] = offered(sandbox)
    await run.stop()

    assert (gateway["flowId"], gateway["componentId"]) == (run.flow_id, "gate")
    assert [one["function"] for one in gateway["tools"]] == [
        {
            "name": "ask_Weather_in_",
            "description": "Tells the weather.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where"},
                    "days": {"type": "string", "description": ""},
                },
            },
        },
        {"name": "plain_Plain", "description": ""},
    ]
    assert offered(sandbox) == []


async def test_copies_of_a_flow_have_a_gateway_each(sandbox: Sandbox) -> None:
    first, second = [await sandbox.run(flow()) for _ in range(2)]

    both = [one["flowId"] for one in offered(sandbox)]
    await first.stop()

    assert both == [first.flow_id, second.flow_id]
    assert [one["flowId"] for one in offered(sandbox)] == [second.flow_id]


@pytest.mark.parametrize("arguments", [{"city": "Brno"}, '{"city": "Brno"}'])
async def test_a_call_is_answered_with_what_its_own_chain_gives_out(
    sandbox: Sandbox, arguments: Json
) -> None:
    run = await sandbox.run(flow(other=tool("Other"), end=entry(OUTPUT, "other", fields={})))

    answer = await called(run, "ask_Weather_in_", arguments)
    empty = await called(run, "other_Other")

    assert (answer.status, answer.body) == (200, b"Fine in Brno")
    assert (empty.status, empty.body) == (200, b"")
    assert run.sent("ask") == [{"city": "Brno"}]
    assert run.state("") == {}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"function": {"name": "ask_Weather_in_", "arguments": "{"}}, 400),
        ({"function": {"name": "ask_Weather_in_", "arguments": [1]}}, 400),
        ({"function": {"arguments": {}}}, 400),
        (None, 400),
        ({"function": {"name": "ask"}}, 404),
    ],
)
async def test_what_is_no_call_of_a_tool_is_refused(
    sandbox: Sandbox, data: Json, status: int
) -> None:
    run = await sandbox.run(flow())

    answer = await run.call("gate", data)

    assert (answer.status, json.loads(answer.body)["statusCode"]) == (status, status)
    assert run.sent("ask") == []


async def test_an_output_that_no_call_led_to_is_an_error(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"go": entry("controls.OnStart"), "end": entry(OUTPUT, "go", fields={"output": "x"})}
    )

    assert "Tool Start" in run.errors("end")[0]["message"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"direct": entry("filters.Identity", ("gate", "tools"))}, ComponentFailedError),
        ({"server": entry("filters.Identity", ("gate", "mcp"))}, ComponentFailedError),
        ({"odd": tool("Odd", parameters={"ADD": [{"name": "a", "type": "any"}]})}, None),
        ({"odd": tool("Odd", parameters={"ADD": [{"name": "a"}, {"name": "a"}]})}, None),
        ({"odd": tool("Odd", parameters={"ADD": 5})}, None),
    ],
)
async def test_a_gateway_that_could_not_be_called_does_not_start(
    sandbox: Sandbox, more: Json, error: type[Exception] | None
) -> None:
    run = sandbox.add(flow(**more))

    with pytest.raises(error or FlowInvalidError):
        await run.start()

    assert run.stage == "stopped"
    assert offered(sandbox) == []
