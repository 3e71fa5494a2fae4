"""Real-looking exported flows, imported by a client and run to the end that they state themselves.

Each file in `tests/flows` holds a whole flow as a client exports it. Its `customFields.rehearsal`
says what is played and what must have come of it:

- `stores`: store id in the file -> `{name, records}`, made before the flow is imported;
- `steps`, in order, each followed by a wait until nothing is left to do: `turn_s` turns the clock
  by so many seconds; `call` names a component whose webhook is called with `data`, and may expect
  a `status` and an `answer`; `event` with `data` reports an app event; `decide` approves or rejects
  the only task;
- `outputs`: component id -> port -> everything that it has sent there;
- `records`: store id -> key -> value, of the whole store; `keys`: store id -> its keys, sorted;
- `files`: file name -> content; `mails`: subjects, sorted;
- `errors`: how many were logged, 0 when it is not given; `stage`: `running` when it is not given.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.stores import UserStores
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.sandbox.users import Users

FILES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent.parent / "flows").glob("*.json"))
}
PERSON = "ann@example.com"


@dataclass(frozen=True)
class Stage:
    """Where a flow is rehearsed: a tenant, and a client of its user."""

    tenant: Tenant
    clock: ManualClock
    user_id: str
    client: httpx2.AsyncClient

    @property
    def stores(self) -> UserStores:
        return UserStores(self.tenant.database, self.clock, self.user_id)

    async def asked(self, method: str, path: str, body: Json = None) -> Json:
        """Make a call that succeeds and return its answer, once the flow is idle again."""
        answer = await self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        await self.idle()
        return answer.json()

    async def idle(self) -> None:
        with anyio.fail_after(5):
            await self.tenant.engine.wait_idle()

    def rows(self, sql: str, *values: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.tenant.database.rows(sql, values)]


@pytest.fixture
async def stage(config: TenantConfig, clock: ManualClock) -> AsyncIterator[Stage]:
    async with Tenant(config, clock) as tenant:
        users = Users(config, tenant.database, clock)
        user = users.add(PERSON, PERSON, "", {})
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(tenant.app),
            base_url=config.public_url,
            headers={"Authorization": f"Bearer {users.token(user)}"},
        )
        async with client:
            yield Stage(tenant, clock, user.user_id, client)


@pytest.mark.parametrize("name", FILES)
async def test_a_flow_file_runs_to_the_end_that_it_states(stage: Stage, name: str) -> None:
    text = FILES[name]
    store_ids = make_stores(stage, rehearsal_of(text).get("stores", {}))
    for in_file, store_id in store_ids.items():
        text = text.replace(in_file, store_id)
    rehearsal = rehearsal_of(text)

    flow_id = (await stage.asked("POST", "/flows", json.loads(text)))["flowId"]
    assert (await stage.asked("GET", f"/flows/{flow_id}/validate"))["errors"] == []
    await stage.asked("POST", f"/flows/{flow_id}/coordinator", {"command": "start"})
    for step in rehearsal.get("steps", []):
        await play(stage, flow_id, step)

    came_of_it(stage, flow_id, rehearsal)


def test_there_are_twelve_flows_of_five_to_thirty_components() -> None:
    descriptors = [json.loads(text)["flow"] for text in FILES.values()]
    types = {entry["type"] for flow in descriptors for entry in flow.values()}

    assert len(descriptors) >= 12
    assert all(5 <= len(flow) <= 30 for flow in descriptors)
    tested = ("BeforeAll", "Assert", "CallCount", "AfterAll", "ProcessE2EResults")
    assert types >= {f"appmixer.utils.test.{name}" for name in tested}


def rehearsal_of(text: str) -> dict[str, Any]:
    rehearsal: dict[str, Any] = json.loads(text)["customFields"]["rehearsal"]
    return rehearsal


def make_stores(stage: Stage, stores: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the id in the file -> the id of the store that was made for it."""
    made: dict[str, str] = {}
    for in_file, store in stores.items():
        made[in_file] = stage.stores.create(store["name"])
        for key, value in store.get("records", {}).items():
            stage.stores.set(made[in_file], key, value)
    return made


async def play(stage: Stage, flow_id: str, step: dict[str, Json]) -> None:
    if "turn_s" in step:
        stage.clock.turn(timedelta(seconds=step["turn_s"]))
        await stage.idle()
    elif "call" in step:
        url = f"/flows/{flow_id}/components/{step['call']}"
        with anyio.fail_after(5):
            answer = await stage.client.post(url, json=step.get("data"))
        assert answer.status_code == step.get("status", 200), answer.text
        if "answer" in step:
            assert answer.json() == step["answer"]
        await stage.idle()
    elif "event" in step:
        url = f"/plugins/appmixer/utils/appevents/events/{step['event']}"
        await stage.asked("POST", url, step["data"])
    else:
        (task,) = stage.rows("SELECT task_id FROM task")
        await stage.asked("PUT", f"/people-task/tasks/{task['task_id']}/{step['decide']}", {})


def came_of_it(stage: Stage, flow_id: str, rehearsal: dict[str, Any]) -> None:
    """Assert what a rehearsal states about its end."""
    errors = stage.rows(
        "SELECT component_id, err FROM log WHERE flow_id = ? AND severity = 'error'", flow_id
    )
    assert len(errors) == rehearsal.get("errors", 0), errors
    (flow,) = stage.rows("SELECT stage FROM flow WHERE flow_id = ?", flow_id)
    assert flow["stage"] == rehearsal.get("stage", "running")
    for component_id, ports in rehearsal.get("outputs", {}).items():
        assert {port: sent(stage, component_id, port) for port in ports} == ports
    for store_id, records in rehearsal.get("records", {}).items():
        assert records_of(stage, store_id) == records
    for store_id, keys in rehearsal.get("keys", {}).items():
        assert sorted(records_of(stage, store_id)) == keys
    files = UserFiles(stage.tenant.database, stage.clock, stage.user_id)
    for filename, content in rehearsal.get("files", {}).items():
        (file,) = stage.rows("SELECT file_id FROM file WHERE filename = ?", filename)
        assert files.read(file["file_id"]).decode() == content
    mails = stage.rows("SELECT subject FROM outbox ORDER BY subject")
    assert [mail["subject"] for mail in mails] == rehearsal.get("mails", [])


def sent(stage: Stage, component_id: str, port: str) -> list[Json]:
    rows = stage.rows(
        "SELECT msg FROM log WHERE component_id = ? AND port = ? AND port_type = 'out'"
        " ORDER BY seq",
        component_id,
        port,
    )
    return [json.loads(row["msg"]) for row in rows]


def records_of(stage: Stage, store_id: str) -> dict[str, Json]:
    rows = stage.rows("SELECT key, value_json FROM record WHERE store_id = ?", store_id)
    return {row["key"]: json.loads(row["value_json"]) for row in rows}
