"""MCP gateways."""

import json
from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.event_stream import listening
from tests.sandbox.harness import entry
from tests.sandbox.routes.conftest import Client, problem, saved, started

MOUNT = "/plugins/appmixer/ai/mcptools"
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}


def token_of(client: Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


async def test_an_announced_gateway_is_listed_until_it_is_retracted(ann: Client) -> None:
    body = {"flowId": "f", "componentId": "c", "tools": [TOOL]}

    announced = (await ann.post(f"{MOUNT}/gateways", json=body)).json()
    again = (await ann.post(f"{MOUNT}/gateways", json={**body, "tools": []})).json()
    listed = (await ann.get(f"{MOUNT}/gateways")).json()
    retracted = await ann.delete(f"{MOUNT}/gateways/{announced['gatewayId']}")

    webhook = "http://127.0.0.1:2200/flows/f/components/c"
    assert announced == {**body, "gatewayId": "c", "webhook": webhook}
    assert listed == [again]
    assert retracted.json() == {}
    assert (await ann.get(f"{MOUNT}/gateways")).json() == []
    assert problem(await ann.delete(f"{MOUNT}/gateways/c"))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"webhook": "javascript:alert(1)"},
        {"webhook": "no url"},
        {"tools": [{"function": {}}]},
        {"tools": {}},
        {"flowId": 5},
        [],
    ],
)
async def test_what_is_no_gateway_is_refused(ann: Client, body: Any) -> None:
    assert problem(await ann.post(f"{MOUNT}/gateways", json=body))[0] == 400
    assert (await ann.get(f"{MOUNT}/gateways")).json() == []


async def test_gateways_are_each_users_own(ann: Client, bob: Client) -> None:
    await ann.post(f"{MOUNT}/gateways", json={"gatewayId": "g"})

    assert (await bob.get(f"{MOUNT}/gateways")).json() == []
    assert problem(await bob.delete(f"{MOUNT}/gateways/g"))[0] == 404
    assert len((await ann.get(f"{MOUNT}/gateways")).json()) == 1


async def test_whoever_listens_is_told_of_each_change(
    ann: Client, bob: Client, tenant: Tenant
) -> None:
    async with listening(tenant.app, f"{MOUNT}/events?token={token_of(ann)}") as events:
        begun = await events.next()
        await bob.post(f"{MOUNT}/gateways", json={"gatewayId": "theirs"})
        await ann.post(f"{MOUNT}/gateways", json={"gatewayId": "g"})
        await ann.delete(f"{MOUNT}/gateways/g")
        heard = [await events.next(), await events.next()]

    told = [json.loads(one.removeprefix("data: ")) for one in heard]
    assert begun == ": init"
    assert told[0] == {"type": "gateway-add", "data": {"gatewayId": "g", "tools": []}}
    assert told[1] == {"type": "gateway-delete", "data": {"gatewayId": "g"}}


@pytest.mark.parametrize("query", ["", "?token=", "?token=made.up.token"])
async def test_the_events_need_a_valid_token(visitor: Client, query: str) -> None:
    assert problem(await visitor.get(f"{MOUNT}/events{query}"))[0] == 401


@pytest.mark.parametrize("way", ["itself", "past another flow"])
async def test_a_tool_that_calls_its_own_gateway_ends_with_an_error(
    ann: Client, tenant: Tenant, way: str
) -> None:
    flow_id = await saved(ann, {})
    url = f"http://127.0.0.1:2200/flows/{flow_id}/components/gate"
    body = {"function": {"name": "loop_Loop"}}
    post = {"url": url, "body": json.dumps(body)}
    if way == "itself":
        step = entry("http.Post", "loop", fields=post)
    else:
        begin, call = entry("subflows.OnFlowCall"), entry("http.Post", "begin", fields=post)
        between = await started(ann, {"begin": begin, "post": call})
        fields = {"flowId": between, "componentId": "begin"}
        step = entry("subflows.CallFlow", "loop", fields=fields)
    tool = entry("appmixer.ai.agenttools.ToolStart", ("gate", "tools"), label="Loop")
    gate = entry("appmixer.ai.mcptools.MCPGateway")
    descriptor = {"gate": gate, "loop": tool, "step": step}
    await ann.put(f"/flows/{flow_id}", json={"flow": descriptor})
    await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})

    await ann.post(f"{url}?enqueueOnly=true", json=body)
    with anyio.fail_after(10):
        await tenant.engine.wait_idle()
    logged = (await ann.get("/logs?query=severity:error")).json()["hits"]
    begun = (await ann.get(f"/logs?flowId={flow_id}&query=componentId:loop&portType=out")).json()

    assert ["called the gateway itself" in one["err"] for one in logged] == [True]
    assert len(begun["hits"]) == 1
