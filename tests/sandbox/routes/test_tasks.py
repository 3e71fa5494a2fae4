"""People tasks."""

from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import (
    STEP,
    TRIGGER,
    Client,
    Connect,
    echo_flow,
    problem,
    started,
)

ANN, BOB = "ann@example.com", "bob@example.com"
PATHS = ["/people-task", "/plugins/appmixer/utils/tasks"]
TASK = {"title": "Approve it", "description": "**Now**", "requester": BOB, "approver": ANN}


async def new_task(client: Client, **body: Any) -> dict[str, Any]:
    answer = await client.post("/people-task/tasks", json=TASK | body)
    task: dict[str, Any] = answer.raise_for_status().json()
    return task


async def titles(client: Client, **query: Any) -> list[str]:
    answer = await client.get("/people-task/tasks", params=query)
    return [task["title"] for task in answer.raise_for_status().json()]


def approval_flow(approver: str = ANN) -> dict[str, Any]:
    fields = {**TASK, "approver": approver, "decisionBy": "2026-02-01T08:00:00Z"}
    return echo_flow() | {
        STEP: {
            "type": "appmixer.utils.tasks.RequestApproval",
            "source": {"task": {TRIGGER: ["request"]}},
            "config": {"transform": {"task": {TRIGGER: {"request": {"lambda": fields}}}}},
        }
    }


async def asked(client: Client, tenant: Tenant) -> str:
    """Have a flow of the client ask for approval and return the task's id."""
    flow_id = await started(client, approval_flow())
    await client.post(f"/flows/{flow_id}/components/{TRIGGER}")
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    tasks = (await client.get("/people-task/tasks")).json()
    return str(next(task["id"] for task in tasks if task["flowId"] == flow_id))


async def sent_from(client: Client, tenant: Tenant) -> list[str]:
    """Return the out ports from which the flow's approval step has sent, in order."""
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    query = {"query": f"componentId:{STEP} AND portType:out", "sort": "gridTimestamp:asc"}
    return [hit["port"] for hit in (await client.get("/logs", params=query)).json()["hits"]]


@pytest.mark.parametrize("path", PATHS)
async def test_only_the_answer_to_its_creation_carries_secrets(ann: Client, path: str) -> None:
    created = (await ann.post(f"{path}/tasks", json=TASK)).json()

    shown = (await ann.get(f"{path}/tasks/{created['taskId']}")).json()

    assert len(created.pop("approverSecret")) == len(created.pop("requesterSecret")) == 64
    assert {**created, "isApprover": True, "role": "approver"} == shown
    assert shown["taskId"] == shown["id"]
    assert shown["status"] == "pending"
    assert (shown["title"], shown["description"]) == ("Approve it", "**Now**")


async def test_a_list_shows_descriptions_as_html_that_runs_nothing(ann: Client) -> None:
    await new_task(ann, description="**Now** <script>x</script> [y](javascript:z)")
    await new_task(ann, title="Long", description="<b>" * 10_000)

    listed = (await ann.get("/people-task/tasks", params={"sort": "title:1"})).json()
    bare = (await ann.get("/people-task/tasks", params={"projection": "-description"})).json()

    assert listed[0]["description"] == (
        "<p><strong>Now</strong> &lt;script&gt;x&lt;/script&gt; [y](javascript:z)</p>\n"
    )
    assert "<b>" not in listed[1]["description"]
    assert "description" not in bare[0]


async def test_a_task_tells_the_role_of_who_looks(
    ann: Client, bob: Client, connect: Connect
) -> None:
    carol = connect("carol@example.com")
    path = f"/people-task/tasks/{(await new_task(carol))['id']}"

    shown = [(await client.get(path)).json() for client in (ann, bob, carol)]

    assert [task.get("role") for task in shown] == ["approver", "requester", None]
    assert [task["isApprover"] for task in shown] == [True, False, False]


async def test_one_person_has_one_secret_in_any_spelling(ann: Client) -> None:
    first = await new_task(ann)
    second = await new_task(ann, approver=BOB, requester=ANN.upper())

    assert first["approverSecret"] == second["requesterSecret"]
    assert first["approverSecret"] != second["approverSecret"]


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": None},
        {"approver": "nobody"},
        {"requester": None},
        {"decisionBy": "soon"},
        {"decisionBy": "9999-12-31T23:59:59-12:00"},
    ],
)
async def test_a_task_that_lacks_something_is_refused(ann: Client, body: dict[str, Any]) -> None:
    status, message = problem(await ann.post("/people-task/tasks", json=TASK | body))

    assert status == 400
    assert next(iter(body)) in message
    assert await titles(ann) == []


@pytest.mark.parametrize("path", PATHS)
async def test_each_person_sees_their_own_tasks_by_role(
    ann: Client, bob: Client, path: str
) -> None:
    await new_task(ann, title="For Ann")
    await new_task(ann, title="For Bob", approver=BOB, requester=ANN)
    await new_task(ann, title="For others", approver="c@example.com", requester="d@example.com")

    assert await titles(ann, sort="title:1") == ["For Ann", "For Bob"]
    assert await titles(bob, role="approver") == ["For Bob"]
    assert await titles(bob, role="requester") == ["For Ann"]
    assert problem(await ann.get(f"{path}/tasks?role=boss"))[0] == 400
    assert (await ann.get(f"{path}/tasks-count")).json() == {"count": 2}
    count = await ann.get(f"{path}/tasks-count", params={"role": "approver"})
    assert count.json() == {"count": 1}


async def test_tasks_are_found_by_pattern_filter_and_page(ann: Client, clock: ManualClock) -> None:
    for title in ("First order", "Second order", "Invoice"):
        await new_task(ann, title=title)
        clock.turn(timedelta(seconds=1))

    assert await titles(ann) == ["Invoice", "Second order", "First order"]
    assert await titles(ann, pattern="ORDER", limit=1, offset=1) == ["First order"]
    assert await titles(ann, filter="title:!Invoice", sort="title:1") == [
        "First order",
        "Second order",
    ]
    shown = (await ann.get("/people-task/tasks", params={"projection": "id,title"})).json()
    assert set(shown[0]) == {"taskId", "id", "title"}


async def test_a_secret_stands_for_its_person(ann: Client, visitor: Client) -> None:
    task = await new_task(ann, title="A")
    await new_task(ann, title="B", approver=BOB, requester=BOB)

    assert await titles(visitor, secret=task["approverSecret"]) == ["A"]
    assert await titles(ann, secret=task["requesterSecret"], sort="title:1") == ["A", "B"]
    shown = await visitor.get(
        f"/people-task/tasks/{task['id']}", params={"secret": task["requesterSecret"]}
    )
    assert (shown.json()["title"], shown.json()["role"]) == ("A", "requester")


async def test_without_token_and_secret_or_with_a_wrong_one_nothing_is_shown(
    ann: Client, visitor: Client
) -> None:
    task_id = (await new_task(ann))["id"]

    for path in ("/people-task/tasks", "/people-task/tasks-count", f"/people-task/tasks/{task_id}"):
        assert problem(await visitor.get(path))[0] == 401
        assert problem(await visitor.get(path, params={"secret": "0" * 64}))[0] == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
async def test_the_approver_decides_once(
    ann: Client, clock: ManualClock, path: str, verb: str, status: str
) -> None:
    task_id = (await new_task(ann))["id"]
    clock.turn(timedelta(hours=1))

    decided = (await ann.put(f"{path}/tasks/{task_id}/{verb}")).json()
    again = await ann.put(f"{path}/tasks/{task_id}/approve")

    assert decided["status"] == status
    assert decided["decisionMade"] == "2026-01-31T09:00:00.000Z"
    assert problem(again) == (400, f"Cannot approve task, already {status}")
    assert (await ann.get(f"{path}/tasks/{task_id}")).json()["status"] == status


@pytest.mark.parametrize("where", ["body", "query"])
async def test_the_approvers_secret_is_enough(ann: Client, visitor: Client, where: str) -> None:
    task = await new_task(ann)
    secret = {"secret": task["approverSecret"]}
    path = f"/people-task/tasks/{task['id']}/approve"

    answer = await (
        visitor.put(path, json=secret) if where == "body" else visitor.put(path, params=secret)
    )

    assert answer.json()["status"] == "approved"
    assert "approverSecret" not in answer.json()


async def test_nobody_else_decides(ann: Client, connect: Connect, visitor: Client) -> None:
    bob, stranger = connect(BOB), connect("eve@example.com")
    task = await new_task(ann, approver="boss@example.com")
    path = f"/people-task/tasks/{task['id']}/approve"

    answers = [
        await ann.put(path),  # made it
        await bob.put(path),  # asked for it
        await visitor.put(path, params={"secret": task["requesterSecret"]}),
        await visitor.put(path, params={"secret": "0" * 64}),
        await stranger.put(path),
        await visitor.put(path),
        await ann.put("/people-task/tasks/unknown/approve"),
    ]

    assert [problem(answer)[0] for answer in answers] == [403, 403, 403, 403, 404, 401, 404]
    assert answers[4].json()["message"] == answers[6].json()["message"] == "Task not found."
    assert (await ann.get(f"/people-task/tasks/{task['id']}")).json()["status"] == "pending"


async def test_a_task_of_nobody_is_decided_by_nobody(
    ann: Client, visitor: Client, tenant: Tenant
) -> None:
    task_id = (await new_task(ann))["id"]
    tenant.database.connection.execute("UPDATE task SET approver = ''")

    answer = await visitor.put(f"/people-task/tasks/{task_id}/approve", json={"secret": "any"})

    assert problem(answer)[0] == 403


async def test_the_approver_can_change_a_task(ann: Client, bob: Client) -> None:
    task = await new_task(ann)
    path = f"/people-task/tasks/{task['id']}"

    changed = (await ann.put(path, json={"title": "B", "decisionBy": "2026-03-01"})).json()

    assert (changed["title"], changed["decisionBy"]) == ("B", "2026-03-01T00:00:00.000Z")
    assert changed["description"] == "**Now**"
    assert problem(await bob.put(path, json={"title": "C"}))[0] == 403
    assert problem(await ann.put(path, json={"title": ""}))[0] == 400


@pytest.mark.parametrize(("verb", "port"), [("approve", "approved"), ("reject", "rejected")])
async def test_the_flow_that_asked_is_told(
    ann: Client, tenant: Tenant, verb: str, port: str
) -> None:
    task_id = await asked(ann, tenant)

    await ann.put(f"/people-task/tasks/{task_id}/{verb}")

    assert await sent_from(ann, tenant) == ["created", port]


async def test_a_task_that_is_due_is_told_and_can_still_be_approved(
    ann: Client, tenant: Tenant, clock: ManualClock
) -> None:
    task_id = await asked(ann, tenant)

    clock.turn(timedelta(days=1, minutes=1))
    with anyio.fail_after(5):
        while (await ann.get(f"/people-task/tasks/{task_id}")).json()["status"] == "pending":
            await anyio.lowlevel.checkpoint()
    due = (await ann.get(f"/people-task/tasks/{task_id}")).json()["status"]
    ports = await sent_from(ann, tenant)
    approved = (await ann.put(f"/people-task/tasks/{task_id}/approve")).json()["status"]

    assert (due, approved) == ("due", "approved")
    assert ports == ["created", "due"]
    assert await sent_from(ann, tenant) == ["created", "due", "approved"]


@pytest.mark.parametrize(
    ("decision_by", "status"), [("2026-02-01T12:00:00Z", "pending"), ("2026-02-01", "due")]
)
async def test_a_due_task_that_is_given_more_time_is_pending_until_it_is_due_again(
    ann: Client, tenant: Tenant, clock: ManualClock, decision_by: str, status: str
) -> None:
    task = await new_task(ann, decisionBy="2026-02-01T08:00:00Z")
    path = f"/people-task/tasks/{task['id']}"
    clock.turn(timedelta(days=1, minutes=1))
    tasks.mark_due(tenant.database, clock)

    changed = (await ann.put(path, json={"decisionBy": decision_by})).json()
    renamed = (await ann.put(path, json={"title": "B"})).json()
    clock.turn(timedelta(hours=4))
    tasks.mark_due(tenant.database, clock)

    assert [changed["status"], renamed["status"]] == [status, status]
    assert (await ann.get(path)).json()["status"] == "due"


async def test_a_decided_task_stays_decided_whatever_its_time(ann: Client) -> None:
    path = f"/people-task/tasks/{(await new_task(ann))['id']}"
    await ann.put(f"{path}/reject")

    changed = (await ann.put(path, json={"decisionBy": "2026-03-01"})).json()

    assert changed["status"] == "rejected"


async def test_a_round_that_cannot_be_stored_is_made_up_for_by_the_next(
    ann: Client, tenant: Tenant, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    task_id = await asked(ann, tenant)
    connection = tenant.database.connection

    connection.execute("ALTER TABLE task RENAME TO full_disk")
    clock.turn(timedelta(days=1, minutes=1))
    await anyio.wait_all_tasks_blocked()
    connection.execute("ALTER TABLE full_disk RENAME TO task")
    clock.turn(timedelta(minutes=1))
    await anyio.wait_all_tasks_blocked()

    assert "could not be told" in caplog.text
    assert (await ann.get(f"/people-task/tasks/{task_id}")).json()["status"] == "due"


async def test_the_plugin_says_what_it_is_and_that_it_has_no_dashboard(ann: Client) -> None:
    plugin = await ann.get("/plugins/appmixer/utils/tasks/")

    assert plugin.json()["version"]
    assert problem(await ann.get("/plugins/appmixer/utils/tasks/dashboard-url"))[0] == 400
