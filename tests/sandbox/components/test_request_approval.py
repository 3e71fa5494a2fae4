"""RequestApproval: a task is made, and its outcome goes on."""

import pytest

from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry

FIELDS: dict[str, Json] = {
    "title": "Approve order {{{$.start.out.started}}}",
    "description": "It is **large**.",
    "requester": "ann@example.com",
    "approver": "Bob@example.com",
    "decisionBy": "2026-01-31T09:00:00Z",
}


async def run_approval(sandbox: Sandbox, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "ask": entry(
                "tasks.RequestApproval", ("start", "out", "task"), fields={**FIELDS, **fields}
            ),
            "after": entry(
                "filters.Equal", ("ask", "approved"), fields={"sourceData": "{{{$.start.out}}}"}
            ),
        }
    )


async def decide(run: Run, decision: tasks.Decision) -> None:
    task_id = run.sent("ask", "created")[0]["id"]
    sandbox = run.sandbox
    task = tasks.decide(sandbox.database, sandbox.clock, task_id, decision, allowed=True)
    sandbox.engine.publish(f"task:{task_id}", task)
    await run.idle()


async def test_the_task_is_made_and_told_with_its_secrets(sandbox: Sandbox) -> None:
    run = await run_approval(sandbox)

    (created,) = run.sent("ask", "created")
    assert created["title"] == "Approve order 2026-01-31T08:00:00.000Z"
    assert (created["status"], created["decisionMade"]) == ("pending", None)
    assert created["decisionBy"] == "2026-01-31T09:00:00.000Z"
    assert created["approverSecret"] != created["requesterSecret"]
    assert "taskId" not in created
    assert tasks.find(sandbox.database, created["id"])["flow_id"] == run.flow_id


@pytest.mark.parametrize("decision", ["approved", "rejected"])
async def test_a_decision_goes_on_from_its_port(sandbox: Sandbox, decision: tasks.Decision) -> None:
    run = await run_approval(sandbox)

    await decide(run, decision)

    (told,) = run.sent("ask", decision)
    assert set(told) == {
        "id", "title", "description", "status", "approver", "requester", "decisionBy",
        "decisionMade",
    }  # fmt: skip
    assert (told["status"], told["decisionMade"]) == (decision, "2026-01-31T08:00:00.000Z")
    assert run.topics() == []


async def test_variables_from_before_the_decision_can_be_used_after_it(sandbox: Sandbox) -> None:
    run = await run_approval(sandbox)

    await decide(run, "approved")

    assert run.received("after") == [{"sourceData": {"started": "2026-01-31T08:00:00.000Z"}}]


async def test_an_overdue_task_is_told_and_can_still_be_decided(sandbox: Sandbox) -> None:
    run = await run_approval(sandbox)
    await run.turn(3601)

    for task in tasks.mark_due(sandbox.database, sandbox.clock):
        sandbox.engine.publish(f"task:{task['taskId']}", task)
    await run.idle()
    await decide(run, "rejected")

    assert [told["status"] for told in run.sent("ask", "due")] == ["due"]
    assert [told["status"] for told in run.sent("ask", "rejected")] == ["rejected"]


@pytest.mark.parametrize("field", ["approver", "requester"])
@pytest.mark.parametrize("address", ["{{{$.start.out.nobody}}} ", "Bob", 5])
async def test_a_person_without_an_address_makes_no_task(
    sandbox: Sandbox, field: str, address: Json
) -> None:
    run = await run_approval(sandbox, **{field: address})

    assert f"'{field}' must be an e-mail address" in run.errors("ask")[0]["message"]
    assert sandbox.rows("SELECT 1 FROM task") == []


async def test_a_date_that_is_none_makes_no_task(sandbox: Sandbox) -> None:
    run = await run_approval(sandbox, decisionBy="soon")

    assert "'decisionBy'" in run.errors("ask")[0]["message"]
    assert sandbox.rows("SELECT * FROM task") == []
