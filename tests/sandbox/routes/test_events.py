"""App events."""

from typing import Any

import anyio

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, started

PATH = "/plugins/appmixer/utils/appevents/events"


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
