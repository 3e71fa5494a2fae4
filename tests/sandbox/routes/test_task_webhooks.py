"""Webhooks of people tasks: who is told of a decision, and when again."""

import json
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.egress import Outgoing
from appmixer_mcp.sandbox.task_webhooks import TaskWebhooks
from appmixer_mcp.sandbox.tasks import UserTasks
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, problem, saved, started

ANN, BOB = "ann@example.com", "bob@example.com"
TASK = {"title": "Approve it", "requester": BOB, "approver": ANN}
PATHS = ["/people-task", "/plugins/appmixer/utils/tasks"]
URL = "https://example.com/told"


async def new_task(client: Client, **body: Any) -> str:
    answer = await client.post("/people-task/tasks", json=TASK | body)
    return str(answer.raise_for_status().json()["taskId"])


async def hook(client: Client, task_id: str, url: str = URL) -> Any:
    return await client.post("/people-task/webhooks", json={"url": url, "taskId": task_id})


def receiver(config: TenantConfig, flow_id: str) -> str:
    """Return the URL of a flow's own webhook, which is reached whatever the egress rule."""
    return f"{config.public_url}/flows/{flow_id}/components/{TRIGGER}"


def stored(tenant: Tenant) -> list[dict[str, Any]]:
    rows = tenant.database.rows("SELECT * FROM task_webhook ORDER BY rowid")
    return [dict(row) for row in rows]


async def settled(tenant: Tenant, *statuses: str) -> None:
    """Wait until the webhooks have these statuses."""
    with anyio.fail_after(5):
        while [row["status"] for row in stored(tenant)] != list(statuses):
            await anyio.lowlevel.checkpoint()
        await tenant.engine.wait_idle()


def received(tenant: Tenant, flow_id: str) -> list[Any]:
    """Return the bodies that a flow's webhook was called with, in order."""
    rows = tenant.database.rows(
        "SELECT msg FROM log WHERE flow_id = ? AND port_type = 'out' ORDER BY seq", (flow_id,)
    )
    return [json.loads(row["msg"])["data"] for row in rows]


@pytest.mark.parametrize("path", PATHS)
async def test_a_registered_url_is_pending_until_it_is_forgotten(
    ann: Client, tenant: Tenant, path: str
) -> None:
    task_id = await new_task(ann)

    made = (await ann.post(f"{path}/webhooks", json={"url": URL, "taskId": task_id})).json()
    gone = await ann.delete(f"{path}/webhooks/{made['webhookId']}")

    assert made == {
        "webhookId": made["webhookId"],
        "url": URL,
        "taskId": task_id,
        "status": "pending",
        "created": "2026-01-31T08:00:00.000Z",
        "mtime": "2026-01-31T08:00:00.000Z",
    }
    assert gone.json() == {}
    assert problem(await ann.delete(f"{path}/webhooks/{made['webhookId']}"))[0] == 404
    assert stored(tenant) == []


@pytest.mark.parametrize(
    "url", ["", "example.com", "/told", "ftp://example.com", "http://", "http://[x", "x" * 3000, 5]
)
async def test_what_is_no_web_address_is_refused(ann: Client, url: Any) -> None:
    assert problem(await hook(ann, await new_task(ann), url))[0] == 400


async def test_a_decision_is_told_to_twenty_urls_of_one_user_at_most(ann: Client) -> None:
    task_id = await new_task(ann)

    made = [(await hook(ann, task_id)).status_code for _ in range(21)]

    assert made == [200] * 20 + [400]


async def test_nobody_registers_or_forgets_what_is_not_theirs(
    ann: Client, bob: Client, visitor: Client, tenant: Tenant
) -> None:
    task_id = await new_task(ann, requester="carol@example.com")
    webhook_id = (await hook(ann, task_id)).json()["webhookId"]

    answers = [
        await hook(bob, task_id),
        await hook(bob, "unknown"),
        await hook(visitor, task_id),
        await bob.delete(f"/people-task/webhooks/{webhook_id}"),
    ]

    assert [problem(answer)[0] for answer in answers] == [404, 404, 401, 404]
    assert [row["webhook_id"] for row in stored(tenant)] == [webhook_id]


async def test_a_decision_is_told_once_without_secrets(
    ann: Client, tenant: Tenant, config: TenantConfig
) -> None:
    flow_id, task_id = await started(ann, echo_flow()), await new_task(ann)
    other_id = await new_task(ann)
    for one in (task_id, other_id):
        await hook(ann, one, receiver(config, flow_id))

    await ann.put(f"/people-task/tasks/{task_id}/approve")
    await settled(tenant, "sent", "pending")

    (told,) = received(tenant, flow_id)
    assert (told["taskId"], told["status"]) == (task_id, "approved")
    assert "approverSecret" not in told


async def test_a_task_that_is_due_is_told_and_its_later_decision_is_not(
    ann: Client, tenant: Tenant, config: TenantConfig, clock: ManualClock
) -> None:
    flow_id = await started(ann, echo_flow())
    task_id = await new_task(ann, decisionBy="2026-01-31T08:30:00Z")
    await hook(ann, task_id, receiver(config, flow_id))

    clock.turn(timedelta(minutes=31))
    await settled(tenant, "sent")
    await ann.put(f"/people-task/tasks/{task_id}/approve")
    await anyio.wait_all_tasks_blocked()

    assert [told["status"] for told in received(tenant, flow_id)] == ["due"]


async def test_a_webhook_that_failed_is_called_again_after_ten_minutes(
    ann: Client, tenant: Tenant, config: TenantConfig, clock: ManualClock
) -> None:
    flow_id, task_id = await saved(ann, echo_flow()), await new_task(ann)
    await hook(ann, task_id, receiver(config, flow_id))

    await ann.put(f"/people-task/tasks/{task_id}/reject")
    await settled(tenant, "fail")
    failed = stored(tenant)[0]["error"]
    await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})
    clock.turn(timedelta(minutes=9))
    await anyio.wait_all_tasks_blocked()
    too_early = received(tenant, flow_id)
    clock.turn(timedelta(minutes=1))
    await settled(tenant, "sent")

    assert failed == "The answer had the status 404."
    assert too_early == []
    assert [told["status"] for told in received(tenant, flow_id)] == ["rejected"]


async def test_one_address_that_may_not_be_reached_holds_up_no_other(
    ann: Client, tenant: Tenant, config: TenantConfig
) -> None:
    flow_id, task_id = await started(ann, echo_flow()), await new_task(ann)
    for url in (URL, "http://127.0.0.1:2200/user", receiver(config, flow_id)):
        await hook(ann, task_id, url)

    await ann.put(f"/people-task/tasks/{task_id}/approve")
    await settled(tenant, "fail", "fail", "sent")

    assert "APPMIXER_SANDBOX_EGRESS is off" in stored(tenant)[0]["error"]
    assert len(received(tenant, flow_id)) == 1


async def test_what_was_to_be_told_is_told_after_a_restart(
    config: TenantConfig, clock: ManualClock
) -> None:
    user_id = "5f0000000000000000000001"
    async with Tenant(config, clock) as tenant:
        made_by = UserTasks(tenant.database, clock, user_id, "", b"key")
        task = made_by.create(
            title="T", description="", requester=ANN, approver=BOB, decision_by=None
        )
        hooks = TaskWebhooks(tenant.database, clock, Outgoing("off", config.public_url))
        hooks.add(user_id, task["taskId"], URL)
        with tenant.database.transaction():
            hooks.fire(task["taskId"])

    async with Tenant(config, clock) as tenant:
        await settled(tenant, "fail")

        assert stored(tenant)[0]["attempts"] == 1
