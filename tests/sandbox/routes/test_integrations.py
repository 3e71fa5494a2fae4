"""Templates of integrations, and the instances made of them."""

from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import (
    STEP,
    TRIGGER,
    Client,
    echo_flow,
    failing_flow,
    problem,
    saved,
)

FOR_ALL = [{"scope": "user", "permissions": ["read"]}]


def with_step(label: str) -> dict[str, Any]:
    """Return the flow of a template: a webhook, and a step with this label."""
    return echo_flow() | {
        STEP: {
            "type": "appmixer.utils.controls.Condition",
            "label": label,
            "source": {"in": {TRIGGER: ["request"]}},
        }
    }


async def template_of(client: Client, descriptor: dict[str, Any], **more: Any) -> str:
    body = {"name": "T", "type": "integration-template", "flow": descriptor, **more}
    return str((await client.post("/flows", json=body)).raise_for_status().json()["flowId"])


async def instance_of(client: Client, template_id: str) -> str:
    answer = await client.post(f"/flows/{template_id}/clone", json={"isTemplateInstance": True})
    return str(answer.raise_for_status().json()["cloneId"])


async def flow(client: Client, flow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/flows/{flow_id}")).raise_for_status().json()
    return found


async def renewed(client: Client, template_id: str, **body: str) -> dict[str, Any]:
    """Update the instances of a template and return the status."""
    answer = await client.post(
        f"/integrations/{template_id}/update-integration-instances", json=body
    )
    ticket = answer.raise_for_status().json()["ticket"]
    status: dict[str, Any] = (await client.get(f"/integrations/status/{ticket}")).json()
    return status


async def test_an_instance_is_a_copy_that_knows_its_template(ann: Client) -> None:
    template_id = await template_of(ann, echo_flow())

    instance = await flow(ann, await instance_of(ann, template_id))

    assert (instance["type"], instance["templateId"]) == ("integration-instance", template_id)
    found = (await ann.get("/flows", params={"filter": f"templateId:{template_id}"})).json()
    assert [one["flowId"] for one in found] == [instance["flowId"]]


async def test_instances_follow_their_template_under_their_own_ids(
    ann: Client, bob: Client
) -> None:
    template_id = await template_of(ann, echo_flow(), sharedWith=FOR_ALL)
    ids = [await instance_of(ann, template_id), await instance_of(bob, template_id)]
    before = [await flow(ann, ids[0]), await flow(bob, ids[1])]
    await ann.put(f"/flows/{template_id}", json={"flow": with_step("New")})

    status = await renewed(ann, template_id)

    after = [await flow(ann, ids[0]), await flow(bob, ids[1])]
    assert (status["status"], status["stepsDone"]) == ("completed", 2)
    for old, new in zip(before, after, strict=True):
        [trigger_id] = old["flow"]
        assert new["componentIdMap"][TRIGGER] == trigger_id
        step = new["flow"][new["componentIdMap"][STEP]]
        assert step["label"] == "New"
        assert step["source"] == {"in": {trigger_id: ["request"]}}


async def test_a_running_instance_goes_on_with_the_new_descriptor(ann: Client) -> None:
    template_id = await template_of(ann, echo_flow())
    instance_id = await instance_of(ann, template_id)
    await ann.put(f"/flows/{instance_id}/start")
    await ann.put(f"/flows/{template_id}", json={"flow": with_step("New")})

    await renewed(ann, template_id)

    instance = await flow(ann, instance_id)
    webhook_id = instance["componentIdMap"][TRIGGER]
    assert instance["stage"] == "running"
    assert len(instance["flow"]) == 2
    assert (await ann.post(f"/flows/{instance_id}/components/{webhook_id}")).status_code == 200


async def test_an_instance_that_could_not_go_on_is_left_and_counted(ann: Client) -> None:
    template_id = await template_of(ann, echo_flow())
    running_id, stopped_id = (
        await instance_of(ann, template_id), await instance_of(ann, template_id)
    )  # fmt: skip
    await ann.put(f"/flows/{running_id}/start")
    broken = {TRIGGER: {"type": "no.such.thing.Here"}}
    await ann.put(f"/flows/{template_id}", json={"flow": broken})

    status = await renewed(ann, template_id)

    assert (status["status"], status["stepsTotal"], status["stepsDone"]) == ("failed", 2, 1)
    assert "1 of 2" in status["error"]
    assert (await flow(ann, running_id))["stage"] == "running"
    assert next(iter((await flow(ann, stopped_id))["flow"].values())) == broken[TRIGGER]


async def test_an_instance_stays_as_it_is_once_its_template_is_no_longer_shared(
    ann: Client, bob: Client
) -> None:
    template_id = await template_of(ann, echo_flow(), sharedWith=FOR_ALL)
    instance_id = await instance_of(bob, template_id)
    before = await flow(bob, instance_id)
    change = {"flow": with_step("New"), "sharedWith": []}
    await ann.put(f"/flows/{template_id}", json=change)

    await renewed(ann, template_id)

    assert await flow(bob, instance_id) == before


@pytest.mark.parametrize(("choice", "left"), [("keep", 1), ("delete", 0)])
async def test_messages_that_failed_are_kept_or_deleted(
    ann: Client, tenant: Tenant, choice: str, left: int
) -> None:
    template_id = await template_of(ann, failing_flow())
    instance_id = await instance_of(ann, template_id)
    await ann.put(f"/flows/{instance_id}/start")
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    await ann.put(f"/flows/{instance_id}/stop")

    await renewed(ann, template_id, inProgressData=choice)

    assert len((await ann.get("/unprocessed-messages")).json()) == left


async def test_a_deleted_integration_takes_its_owners_instances_along(
    ann: Client, bob: Client
) -> None:
    template_id = await template_of(ann, echo_flow(), sharedWith=FOR_ALL)
    await instance_of(ann, template_id)
    bobs_id = await instance_of(bob, template_id)

    ticket = (await ann.delete(f"/integrations/{template_id}")).json()["ticket"]

    assert (await ann.get(f"/integrations/status/{ticket}")).json()["stepsDone"] == 2
    assert (await ann.get("/flows/count")).json() == {"count": 0}
    assert (await flow(bob, bobs_id))["templateId"] == template_id


async def test_a_plain_flow_is_no_integration(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    assert problem(await ann.delete(f"/integrations/{flow_id}"))[0] == 400
    path = f"/integrations/{flow_id}/update-integration-instances"
    assert problem(await ann.post(path, json={}))[0] == 400
    assert (await ann.get(f"/flows/{flow_id}")).status_code == 200


async def test_who_may_only_read_a_template_does_not_push_it(ann: Client, bob: Client) -> None:
    template_id = await template_of(ann, echo_flow(), sharedWith=FOR_ALL)

    path = f"/integrations/{template_id}/update-integration-instances"

    assert problem(await bob.post(path, json={}))[0] == 403
    assert problem(await bob.delete(f"/integrations/{template_id}"))[0] == 403


async def test_a_ticket_is_told_to_who_got_it(ann: Client, bob: Client) -> None:
    template_id = await template_of(ann, echo_flow())
    path = f"/integrations/{template_id}/update-integration-instances"
    ticket = (await ann.post(path)).json()["ticket"]

    assert problem(await bob.get(f"/integrations/status/{ticket}"))[0] == 404


async def test_a_draft_is_published_as_a_command_line_tool_does_it(ann: Client) -> None:
    draft_id = "99999999-9999-4999-8999-999999999999"
    draft = {"name": "D", "type": "integration-draft", "flow": echo_flow(), "sharedWith": []}
    await ann.put(f"/flows/{draft_id}", json=draft)
    search = {"filter": [f"originFlowId:{draft_id}", "type:integration-template"]}
    assert (await ann.get("/flows", params=search)).json() == []
    options = {
        "prefix": "", "projection": "-sharedWith", "setOriginFlowId": True,
        "additional": {"type": "integration-template", "sharedWith": FOR_ALL},
    }  # fmt: skip

    await ann.post(f"/flows/{draft_id}/clone", json=options)

    [template] = (await ann.get("/flows", params=search)).json()
    assert (template["name"], template["sharedWith"]) == ("D", FOR_ALL)
    assert set(template["componentIdMap"]) == {TRIGGER}
