"""App events."""

from typing import Any

import anyio
import httpx2
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, problem, saved, started

MOUNT = "/plugins/appmixer/utils/appevents"
PATH = f"{MOUNT}/events"


def listening_flow(event: str = "order") -> dict[str, Any]:
    return {
        TRIGGER: {
            "type": "appmixer.utils.appevents.OnAppEvent",
            "config": {"properties": {"event": event}},
        }
    }


async def test_an_event_reaches_every_flow_of_its_user_that_listens(
    ann: Client, bob: Client, tenant: Tenant
) -> None:
    first, second = await started(ann, listening_flow()), await started(ann, listening_flow())
    await started(ann, listening_flow("other"))
    await started(bob, listening_flow())

    answer = (await ann.post(f"{PATH}/order", json={"id": 7})).json()
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    user_id = (await ann.get("/user")).json()["id"]
    assert {one["flowId"] for one in answer["triggers"]} == {first, second}
    assert {one["userId"] for one in answer["triggers"]} == {user_id}
    assert answer["errors"] == []
    correlation_id = answer["triggers"][0]["correlationId"]
    query = {"query": f"correlationId:{correlation_id} AND portType:out"}
    assert '"id":7' in (await ann.get("/logs", params=query)).json()["hits"][0]["msg"]
    assert (await bob.get("/logs", params={"portType": "out"})).json()["hits"] == []


async def test_an_event_can_be_for_one_flow_alone(ann: Client) -> None:
    await started(ann, listening_flow())
    second = await started(ann, listening_flow())

    answer = (await ann.post(f"{PATH}/order", params={"flowId": second})).json()

    assert [one["flowId"] for one in answer["triggers"]] == [second]


async def test_an_event_that_nobody_listens_to_triggers_nothing(ann: Client) -> None:
    flow_id = await started(ann, listening_flow())
    await ann.put(f"/flows/{flow_id}/stop")

    assert (await ann.post(f"{PATH}/order", json={})).json() == {"triggers": []}


async def subscribe(client: Client, flow_id: str, component_id: str = TRIGGER) -> httpx2.Response:
    body = {"event": "order", "flowId": flow_id, "componentId": component_id}
    return await client.post(f"{MOUNT}/triggers", json=body)


async def test_a_webhook_that_was_subscribed_is_told_of_the_event(
    ann: Client, tenant: Tenant
) -> None:
    flow_id = await started(ann, echo_flow())
    subscribed = (await subscribe(ann, flow_id)).json()

    fired = (await ann.post(f"{PATH}/order", json={"id": 7})).json()
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    told = fired["triggers"]
    query = {"query": f"correlationId:{told[0]['correlationId']} AND portType:out"}
    assert fired["errors"] == []
    assert [{**one, "correlationId": ""} for one in told] == [{**subscribed, "correlationId": ""}]
    assert '"id":7' in (await ann.get("/logs", params=query)).json()["hits"][0]["msg"]


async def test_a_component_that_listens_is_told_once_though_it_is_subscribed_too(
    ann: Client,
) -> None:
    flow_id = await started(ann, listening_flow())
    await subscribe(ann, flow_id)

    assert len((await ann.post(f"{PATH}/order", json={})).json()["triggers"]) == 1


async def test_an_event_component_takes_other_events_that_it_is_subscribed_to(
    ann: Client, tenant: Tenant
) -> None:
    flow_id = await started(ann, listening_flow("other"))
    await subscribe(ann, flow_id)

    fired = (await ann.post(f"{PATH}/order", json={"id": 7})).json()
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    query = {"flowId": flow_id, "portType": "out"}
    assert fired["errors"] == []
    assert (await ann.get("/logs", params=query)).json()["hits"][0]["msg"] == '{"data":{"id":7}}'


async def test_a_subscribed_component_that_does_not_run_is_told_as_a_failure(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())
    await subscribe(ann, flow_id)

    fired = (await ann.post(f"{PATH}/order", json={})).json()

    assert [one["code"] for one in fired["errors"]] == ["TRIGGER_FAILURE"]
    assert fired["errors"][0]["trigger"] == fired["triggers"][0]


async def test_a_subscription_ends_when_it_is_deleted(ann: Client) -> None:
    await subscribe(ann, await started(ann, echo_flow()))

    deleted = await ann.delete(f"{MOUNT}/triggers/{TRIGGER}")

    assert deleted.json() == {}
    assert (await ann.post(f"{PATH}/order", json={})).json() == {"triggers": []}
    assert problem(await ann.delete(f"{MOUNT}/triggers/{TRIGGER}"))[0] == 404


async def test_only_components_of_ones_own_flows_can_be_subscribed(
    ann: Client, bob: Client
) -> None:
    flow_id = await started(ann, echo_flow())
    await subscribe(ann, flow_id)

    assert problem(await subscribe(bob, flow_id))[0] == 404
    assert problem(await subscribe(ann, flow_id, "unknown"))[0] == 404
    assert problem(await bob.delete(f"{MOUNT}/triggers/{TRIGGER}"))[0] == 404
    assert (await bob.post(f"{PATH}/order", json={})).json() == {"triggers": []}


@pytest.mark.parametrize("body", [{}, {"event": "", "flowId": "f", "componentId": "c"}, []])
async def test_a_subscription_that_lacks_something_is_refused(ann: Client, body: Any) -> None:
    assert problem(await ann.post(f"{MOUNT}/triggers", json=body))[0] == 400


async def test_the_sandbox_has_no_public_user_whose_events_visitors_could_fire(
    visitor: Client,
) -> None:
    assert problem(await visitor.post(f"{PATH}/order", json={}))[0] == 401
    assert problem(await visitor.delete(f"{MOUNT}/triggers/{TRIGGER}"))[0] == 401
