"""Every endpoint that names an object, called by a user whose it is not."""

import re
from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.app import endpoints
from appmixer_mcp.sandbox.routes.endpoint import Endpoint
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import STEP, Client, failing_flow, started

MARKER = "only-ann-knows"
CHAT = "/plugins/appmixer/utils/chat"
PARAMETER = re.compile(r"\{(\w+)\}")
# Anything that any endpoint needs, so that none stops at the body.
BODY = {
    "name": "stolen", "displayName": "stolen", "title": "stolen", "command": "stop",
    "key": "k", "value": "stolen", "componentId": STEP, "content": "stolen",
    "role": "user", "callerWebhookUrl": "http://127.0.0.1:2200/flows/f/components/c", "fields": [],
}  # fmt: skip
NO_OBJECTS = {
    "componentType", "vendor", "service", "module", "component", "event", "selector", "filename",
    "asset",
}  # fmt: skip
LISTS = [
    "/flows", "/stores", "/accounts", "/charts", "/files", "/logs", "/unprocessed-messages",
    "/people-task/tasks", f"{CHAT}/agents", "/plugins/appmixer/ai/mcptools/gateways", "/outbox",
]  # fmt: skip


async def made(client: Client, path: str, body: Any, name: str) -> str:
    """Make an object and return its id, which the answer has under this name."""
    answer = await client.post(path, json=body)
    return str(answer.raise_for_status().json()[name])


@pytest.fixture
async def ids(ann: Client, tenant: Tenant) -> dict[str, str]:
    """One object of each kind, all of them Ann's, by the parameter that names it in a path."""
    flow_id = await started(ann, failing_flow())
    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"description": MARKER})
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    store_id = await made(ann, "/stores", {"name": MARKER}, "storeId")
    await ann.post(f"/store/{store_id}/k", json=MARKER)
    account = {"service": "appmixer:slack", "displayName": MARKER, "token": {"accessToken": "x"}}
    account_id = await made(ann, "/accounts", account, "accountId")
    await ann.put(f"/auth/component/{STEP}/{account_id}")
    email = (await ann.get("/user")).json()["email"]
    task = {"title": MARKER, "requester": email, "approver": email}
    task_id = await made(ann, "/people-task/tasks", task, "taskId")
    webhook = {"url": f"http://127.0.0.1:2200/{MARKER}", "taskId": task_id}
    file = await ann.post("/files", files={"file": (f"{MARKER}.txt", MARKER.encode())})
    agent_id = await made(ann, f"{CHAT}/agents", {"name": MARKER}, "id")
    session_id = await made(ann, f"{CHAT}/sessions", {}, "id")
    thread = {"agentId": agent_id, "sessionId": session_id, "theme": MARKER}
    return {
        "flowId": flow_id,
        "componentId": STEP,
        "versionId": await made(ann, f"/flows/{flow_id}/versions", {"type": "manual"}, "versionId"),
        "storeId": store_id,
        "key": "k",
        "accountId": account_id,
        "chartId": await made(ann, "/charts", {"name": MARKER}, "chartId"),
        "logIndex": "any",
        "logId": (await ann.get("/logs")).json()["hits"][0]["_id"],
        "messageId": (await ann.get("/unprocessed-messages")).json()[0]["messageId"],
        "taskId": task_id,
        "webhookId": await made(ann, "/people-task/webhooks", webhook, "webhookId"),
        "fileId": file.raise_for_status().json()["fileId"],
        "agentId": agent_id,
        "sessionId": session_id,
        "threadId": await made(ann, f"{CHAT}/threads", thread, "id"),
        "gatewayId": await made(
            ann, "/plugins/appmixer/ai/mcptools/gateways", {"gatewayId": MARKER}, "gatewayId"
        ),
        "ticket": await made(ann, "/auth/ticket", {}, "ticket"),
        "componentType": "appmixer.utils.http.Get",
        "userId": (await ann.get("/user")).json()["id"],
    }


def of_one_object() -> list[Endpoint]:
    """Return the endpoints that name an object of somebody, but for those open to anybody."""
    return [
        endpoint
        for _, endpoint in endpoints()
        if endpoint.auth != "none" and set(PARAMETER.findall(endpoint.path)) - NO_OBJECTS
    ]


async def everything(client: Client) -> list[str]:
    return [(await client.get(path)).text for path in LISTS]


async def test_no_endpoint_gives_or_takes_what_is_another_users(
    ann: Client, bob: Client, ids: dict[str, str]
) -> None:
    before = await everything(ann)
    answers: dict[str, tuple[int, str]] = {}

    for endpoint in of_one_object():
        path = endpoint.path.format(**ids)
        body = {**BODY, "type": "manual"} if "versions" in path else BODY
        with anyio.fail_after(5):
            answer = await bob.request(endpoint.method, path, json=body)
        answers[f"{endpoint.method} {endpoint.path}"] = (answer.status_code, answer.text)

    assert len(answers) > 80
    assert {call: told for call, told in answers.items() if told[0] not in (403, 404)} == {}
    assert [call for call, told in answers.items() if MARKER in told[1]] == []
    assert await everything(ann) == before
