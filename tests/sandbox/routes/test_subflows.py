"""One flow calls another, through the plugin's endpoints."""

from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox import base62
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, problem, saved, started

MOUNT = "/plugins/appmixer/utils/subflows"
CALLED, ANSWER = "44444444-4444-4444-8444-444444444444", "55555555-5555-4555-8555-555555555555"
WEBHOOK = "http://127.0.0.1:2200/flows/{}/components/" + TRIGGER


def called_flow() -> dict[str, Any]:
    """Return a flow that can be called with an amount, and gives back its double."""
    total = {"name": "total", "type": "number", "value": f"{{{{{{$.{CALLED}.out.input.amount}}}}}}"}
    return {
        CALLED: {
            "type": "appmixer.utils.subflows.OnFlowCall",
            "config": {"properties": {"input": {"ADD": [{"name": "amount", "type": "number"}]}}},
        },
        ANSWER: {
            "type": "appmixer.utils.subflows.FlowCallOutput",
            "source": {"in": {CALLED: ["out"]}},
            "config": {
                "transform": {
                    "in": {CALLED: {"out": {"lambda": {"output": {"ADD": [total]}}}}},
                }
            },
        },
    }


async def messages(client: Client, flow_id: str, component_id: str) -> list[str]:
    query = {"flowId": flow_id, "query": f"componentId:{component_id} AND portType:out"}
    hits = (await client.get("/logs", params=query)).json()["hits"]
    return [hit["msg"] for hit in hits]


async def idle(tenant: Tenant) -> None:
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()


async def test_what_a_flow_takes_and_gives_back_is_read_in_its_descriptor(ann: Client) -> None:
    flow_id = await saved(ann, called_flow())

    taken = (await ann.get(f"{MOUNT}/input/{flow_id}/{CALLED}")).json()
    given = (await ann.get(f"{MOUNT}/output/{flow_id}")).json()

    assert taken == {"fields": [{"name": "amount", "type": "number"}]}
    assert given == {"fields": [{"name": "total", "type": "number"}]}


async def test_what_was_said_of_a_flow_counts_more(ann: Client) -> None:
    flow_id = await saved(ann, called_flow())
    fields = {"fields": [{"name": "a", "type": "text", "value": 1, "label": "A"}]}

    await ann.post(f"{MOUNT}/input/{flow_id}/{CALLED}", json=fields)
    await ann.post(f"{MOUNT}/output/{flow_id}/{ANSWER}", json=fields)

    assert (await ann.get(f"{MOUNT}/input/{flow_id}/{CALLED}")).json() == fields
    assert (await ann.get(f"{MOUNT}/output/{flow_id}")).json() == fields


async def test_a_call_reaches_the_flow_and_its_result_the_caller(
    ann: Client, tenant: Tenant
) -> None:
    called, caller = await started(ann, called_flow()), await started(ann, echo_flow())
    url = f"{WEBHOOK.format(caller)}?enqueueOnly=true&correlationId=call-1"

    answer = await ann.post(
        f"{MOUNT}/trigger/{called}/{CALLED}",
        json={"callerWebhookUrl": url, "payload": {"amount": 21}},
    )
    await idle(tenant)

    assert answer.json() == {"correlationId": base62.encode(url)}
    assert '"input":{"amount":21}' in (await messages(ann, called, CALLED))[0]
    assert '"name":"total","type":"number","value":21' in (await messages(ann, caller, TRIGGER))[0]


async def test_a_callback_posts_the_result_to_the_callers_webhook(
    ann: Client, tenant: Tenant
) -> None:
    caller = await started(ann, echo_flow())
    url = f"{WEBHOOK.format(caller)}?correlationId=call-1"
    result = {"name": "total", "type": "number", "value": 42}

    answer = await ann.post(
        f"{MOUNT}/callback",
        json={"correlationId": base62.encode(url), "payload": [result]},
    )
    await idle(tenant)

    hits = (await ann.get("/logs", params={"query": "correlationId:call-1"})).json()["hits"]
    assert answer.json() == {}
    assert '"value":42' in hits[0]["msg"]
    assert '"correlationId":"call-1"' in hits[0]["msg"]


@pytest.mark.parametrize(
    "correlation_id",
    [
        "",
        "no base 62",
        "7" * 5_000,
        base62.encode("http://192.0.2.1/flows/f/components/c"),
        base62.encode("http://127.0.0.1:2200.example.com/flows/f/components/c"),
        base62.encode("http://127.0.0.1:2200/user"),
        base62.encode("http://127.0.0.1:2200/flows/f/components/c/../../../user"),
        base62.encode("http://127.0.0.1:2200/flows/f/components/c?" + "a=b&" * 200),
    ],
)
async def test_a_callback_goes_to_no_other_url(ann: Client, correlation_id: str) -> None:
    body = {"correlationId": correlation_id, "payload": []}

    assert problem(await ann.post(f"{MOUNT}/callback", json=body))[0] == 400


async def test_a_flow_that_does_not_run_is_neither_called_nor_answered(ann: Client) -> None:
    flow_id = await saved(ann, called_flow())
    call = {"callerWebhookUrl": WEBHOOK.format(flow_id)}
    callback = {"correlationId": base62.encode(WEBHOOK.format(flow_id)), "payload": []}

    assert problem(await ann.post(f"{MOUNT}/trigger/{flow_id}/{CALLED}", json=call))[0] == 404
    assert problem(await ann.post(f"{MOUNT}/callback", json=callback))[0] == 404


async def test_another_users_flow_is_neither_seen_nor_called_nor_answered(
    ann: Client, bob: Client
) -> None:
    flow_id = await started(ann, called_flow() | echo_flow())
    url = WEBHOOK.format(flow_id)

    answers = [
        await bob.get(f"{MOUNT}/input/{flow_id}/{CALLED}"),
        await bob.post(f"{MOUNT}/input/{flow_id}/{CALLED}", json={"fields": []}),
        await bob.get(f"{MOUNT}/output/{flow_id}"),
        await bob.post(f"{MOUNT}/output/{flow_id}/{ANSWER}", json={"fields": []}),
        await bob.post(f"{MOUNT}/trigger/{flow_id}/{CALLED}", json={"callerWebhookUrl": url}),
        await bob.post(f"{MOUNT}/callback", json={"correlationId": base62.encode(url)}),
    ]

    assert [problem(answer)[0] for answer in answers] == [404] * 6
    assert await messages(ann, flow_id, CALLED) == []


async def test_a_component_that_the_flow_does_not_have_is_not_found(ann: Client) -> None:
    flow_id = await saved(ann, called_flow())

    assert problem(await ann.get(f"{MOUNT}/input/{flow_id}/x"))[0] == 404
    assert problem(await ann.post(f"{MOUNT}/output/{flow_id}/x", json={"fields": []}))[0] == 404


async def test_visitors_are_asked_to_sign_in(visitor: Client) -> None:
    assert problem(await visitor.get(f"{MOUNT}/output/f"))[0] == 401
    assert problem(await visitor.post(f"{MOUNT}/callback", json={"correlationId": "1"}))[0] == 401
