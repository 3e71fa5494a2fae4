"""MCP gateways."""

import json
from typing import Any

import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.event_stream import listening
from tests.sandbox.routes.conftest import Client, problem

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
