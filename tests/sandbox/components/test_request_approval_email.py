"""RequestApprovalEmail: both persons get a mail, and the outcome goes on."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.config import TenantConfig
from tests.sandbox.harness import Run, Sandbox, entry


@pytest.fixture
def config(config: TenantConfig, request: pytest.FixtureRequest) -> TenantConfig:
    return replace(config, dashboard_url=getattr(request, "param", "https://tasks.example/list"))


async def ask(sandbox: Sandbox) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "ask": entry(
                "tasks.RequestApprovalEmail",
                ("start", "out", "task"),
                fields={
                    "title": "Approve order",
                    "description": "It is **large**.",
                    "requester": "ann@example.com",
                    "approver": "bob@example.com",
                    "decisionBy": "2026-01-31T09:00:00Z",
                },
            ),
        }
    )


async def test_approver_and_requester_get_links_to_their_tasks(sandbox: Sandbox) -> None:
    await ask(sandbox)

    (task,) = sandbox.rows("SELECT * FROM task")
    approver, requester = sandbox.rows("SELECT * FROM outbox ORDER BY rowid")
    assert json.loads(approver["to_json"]) == ["bob@example.com"]
    assert json.loads(requester["to_json"]) == ["ann@example.com"]
    approve, reject, every = links(approver["text"])
    assert (approve["taskId"], approve["action"]) == (task["task_id"], "approve")
    assert (reject["taskId"], reject["action"]) == (task["task_id"], "reject")
    assert (every["role"], every["secret"]) == ("approver", approve["secret"])
    (requests,) = links(requester["text"])
    assert requests["role"] == "requester"
    assert requests["secret"] != approve["secret"]


def links(text: str) -> list[dict[str, str]]:
    urls = [word for word in text.split() if word.startswith("https://tasks.example/list?")]
    return [{name: one[0] for name, one in parse_qs(urlsplit(url).query).items()} for url in urls]


async def test_the_decision_goes_on_as_the_task_is(sandbox: Sandbox) -> None:
    run = await ask(sandbox)
    task_id = sandbox.rows("SELECT task_id FROM task")[0]["task_id"]

    task = tasks.decide(sandbox.database, sandbox.clock, task_id, "approved", allowed=True)
    sandbox.engine.publish(f"task:{task_id}", task)
    await run.idle()

    (told,) = run.sent("ask", "approved")
    assert (told["taskId"], told["status"]) == (task_id, "approved")
    assert "approverSecret" not in told
    assert run.topics() == []


@pytest.mark.parametrize("config", [""], indirect=True)
async def test_without_a_dashboard_no_task_is_made(sandbox: Sandbox) -> None:
    run = await ask(sandbox)

    assert "dashboard" in run.errors("ask")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert sandbox.rows("SELECT 1 FROM task") == []
