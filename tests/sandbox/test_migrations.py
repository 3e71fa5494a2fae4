"""A tenant's file of the first version, opened by this one."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from appmixer_mcp.sandbox import database as database_module
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.messages import Message
from appmixer_mcp.sandbox.passwords import Passwords
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.harness import entry

NOW_MS = to_ms(datetime(2026, 1, 31, 8, 0, tzinfo=UTC))
FLOW = "f0000000-0000-4000-8000-000000000001"
DESCRIPTOR = {
    "event": entry("appevents.OnAppEvent", properties={"event": "hello"}),
    "step": entry(
        "storage.Set",
        "event",
        fields={"storeId": "s1", "key": "{{{$.event.out.data}}}", "value": "new"},
    ),
}


def message(message_id: str, key: str) -> Message:
    """Return a message that has the step write a record with this key."""
    return Message(
        message_id=message_id,
        flow_id=FLOW,
        run_id=1,
        component_id="step",
        kind="message",
        in_port="in",
        sender_id="event",
        sender_type="appmixer.utils.appevents.OnAppEvent",
        sender_port="out",
        correlation_id="c1",
        content_json=json.dumps({"data": key}),
        due_ms=NOW_MS,
        created_ms=NOW_MS,
    )


def rows(password_hash: str) -> dict[str, Mapping[str, Any]]:
    """Return a row for each table of the first version."""
    mine, flow = {"user_id": "u1"}, {"flow_id": FLOW}
    return {
        "user": {
            **mine, "username": "ann@example.com", "email": "ann@example.com",
            "password_hash": password_hash, "scope_json": '["user"]', "created_ms": 1,
        },
        "flow": {
            **mine, **flow, "name": "Old", "descriptor_json": json.dumps(DESCRIPTOR),
            "stage": "running", "run_id": 1, "btime_ms": 1, "mtime_ms": 1,
            "extra_json": '{"description": "kept", "sharedWith": [{"email": "eve@example.com"}]}',
        },
        "message": asdict(message("m1", "queued")),
        "unprocessed": {
            **mine, **flow, "message_id": "m2", "run_id": 1, "component_id": "step",
            "correlation_id": "c1", "message_json": json.dumps(asdict(message("m2", "failed"))),
            "messages_json": '{"in": []}', "error_json": "{}", "created_ms": 1,
        },
        "state": {**flow, "component_id": "step", "key": "k", "value_json": '"remembered"'},
        "listener": {
            **mine, **flow, "component_id": "event", "topic": "event:hello", "created_ms": 1
        },
        "log": {
            **mine, **flow, "log_id": "l1", "severity": "info", "at_ms": NOW_MS, "msg": "old words"
        },
        "store": {**mine, "store_id": "s1", "name": "Old store", "created_ms": 1},
        "record": {
            "store_id": "s1", "key": "old", "value_json": '"value"', "created_ms": 1,
            "updated_ms": 1,
        },
        "task": {
            **mine, "task_id": "t1", "title": "Old task", "status": "pending",
            "approver": "ann@example.com", "requester": "ann@example.com", "created_ms": 1,
            "mtime_ms": 1,
        },
        "account": {
            **mine, "account_id": "a1", "service": "appmixer:slack", "name": "Old account",
            "created_ms": 1,
        },
        "account_binding": {**mine, "component_id": "step", "account_id": "a1"},
        "chart": {**mine, "chart_id": "ch1", "body_json": '{"name": "Old chart"}', "mtime_ms": 1},
    }  # fmt: skip


@pytest.fixture
async def config(config: TenantConfig) -> TenantConfig:
    """A data directory with a file of the first version."""
    (config.data_dir / "tenant.db").unlink()  # one of today
    schema = Path(database_module.__file__).with_name("schema")
    old = sqlite3.connect(config.data_dir / "tenant.db")
    old.executescript((schema / "001_tenant.sql").read_text(encoding="utf-8"))
    filled = rows(await Passwords().hashed("a password"))
    for table, row in filled.items():
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - from above
        old.execute(statement, tuple(row.values()))
    tables = old.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert {name for (name,) in tables} == set(filled)
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    return config


async def test_a_tenant_of_the_first_version_goes_on_with_all_that_it_had(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with (
        Tenant(config, clock) as tenant,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(tenant.app), base_url=config.public_url
        ) as client,
    ):
        credentials = {"username": "ann@example.com", "password": "a password"}
        signed_in = (await client.post("/user/auth", json=credentials)).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {signed_in['token']}"
        told = await client.post("/plugins/appmixer/utils/appevents/events/hello", json="told")
        await client.post("/unprocessed-messages/m2")
        with anyio.fail_after(5):
            await tenant.engine.wait_idle()

        async def shown(path: str) -> Any:
            return (await client.get(path)).raise_for_status().json()

        flow = await shown(f"/flows/{FLOW}")
        assert (flow["name"], flow["stage"], flow["description"]) == ("Old", "running", "kept")
        assert (flow["flow"], flow["sharedWith"]) == (DESCRIPTOR, [])
        assert [one["componentId"] for one in told.json()["triggers"]] == ["event"]
        records = {one["key"]: one["value"] for one in await shown("/store?storeId=s1")}
        assert records == {"old": "value", "queued": "new", "failed": "new", "told": "new"}
        assert await shown("/unprocessed-messages") == []
        assert [hit["msg"] for hit in (await shown("/logs?query=old+words"))["hits"]] == [
            "old words"
        ]
        assert (await shown("/stores/s1"))["name"] == "Old store"
        assert [one["title"] for one in await shown("/people-task/tasks")] == ["Old task"]
        assert (await shown("/accounts/a1"))["name"] == "Old account"
        assert [one["componentIds"] for one in await shown(f"/accounts/flow/{FLOW}")] == [["step"]]
        assert (await shown("/charts/ch1"))["name"] == "Old chart"
        remembered = tenant.database.rows("SELECT value_json FROM state WHERE key = 'k'")
        assert [row["value_json"] for row in remembered] == ['"remembered"']
