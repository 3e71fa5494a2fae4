"""What a tenant knows after it was closed and opened again."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import httpx2
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.database import DatabaseError
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, saved, started
from tests.sandbox.routes.test_events import PATH, listening_flow

ANN = {"username": "ann@example.com", "password": "secret"}


@asynccontextmanager
async def serving(config: TenantConfig, clock: ManualClock) -> AsyncIterator[Client]:
    """Open the tenant and sign in, or sign up the first time."""
    async with Tenant(config, clock) as tenant:
        transport = httpx2.ASGITransport(tenant.app)
        async with Client(transport=transport, base_url=config.public_url) as client:
            answer = await client.post("/user/auth", json=ANN)
            if answer.status_code == 403:
                answer = await client.post("/user", json=ANN)
            client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield client


async def test_everything_is_still_there_after_a_restart(
    config: TenantConfig, clock: ManualClock
) -> None:
    paths = ["/user", "/flows", "/stores", "/accounts", "/charts", "/people-task/tasks"]
    async with serving(config, clock) as client:
        await saved(client, echo_flow())
        store_id = (await client.post("/stores", json={"name": "S"})).json()["storeId"]
        await client.post(f"/store/{store_id}/k", json={"a": 1})
        await client.post("/accounts", json={"service": "a:b", "token": {}})
        await client.post("/charts", json={"name": "C"})
        task = {"title": "T", "requester": "a@example.com", "approver": "ann@example.com"}
        await client.post("/people-task/tasks", json=task)
        paths.append(f"/store?storeId={store_id}")
        before = [(await client.get(path)).json() for path in paths]

    async with serving(config, clock) as client:
        after = [(await client.get(path)).json() for path in paths]

    assert after == before
    assert all(after)


async def test_running_flows_go_on_and_still_listen(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with serving(config, clock) as client:
        webhook = await started(client, echo_flow())
        listening = await started(client, listening_flow())

    async with serving(config, clock) as client:
        answer = await client.post(f"/flows/{webhook}/components/{TRIGGER}")
        triggers = (await client.post(f"{PATH}/order")).json()["triggers"]
        stages = [flow["stage"] for flow in (await client.get("/flows")).json()]

    assert answer.status_code == 200
    assert [one["flowId"] for one in triggers] == [listening]
    assert stages == ["running", "running"]


async def test_a_webhook_call_that_was_accepted_is_worked_on_after_the_restart(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with serving(config, clock) as client:
        flow_id = await started(client, echo_flow())
        path = f"/flows/{flow_id}/components/{TRIGGER}?enqueueOnly=true"
        statuses = [(await client.post(path, json=number)).status_code for number in range(20)]

    async with Tenant(config, clock) as tenant:
        with anyio.fail_after(5):
            await tenant.engine.wait_idle()
        sent = tenant.database.rows("SELECT msg FROM log WHERE port_type = 'out'")

    assert statuses == [202] * 20
    assert len(sent) == 20


async def test_a_task_that_fell_due_while_nobody_served_is_due_at_once(
    config: TenantConfig, clock: ManualClock
) -> None:
    task = {"title": "T", "requester": "a@example.com", "approver": "ann@example.com"}
    async with serving(config, clock) as client:
        await client.post("/people-task/tasks", json={**task, "decisionBy": "2026-02-01"})

    clock.turn(timedelta(days=2))
    async with serving(config, clock) as client:
        statuses = [one["status"] for one in (await client.get("/people-task/tasks")).json()]

    assert statuses == ["due"]


async def test_a_token_outlives_a_restart(config: TenantConfig, clock: ManualClock) -> None:
    async with serving(config, clock) as client:
        token = client.headers["Authorization"]

    async with serving(config, clock) as client:
        answer = await client.get("/user", headers={"Authorization": token})

    assert answer.status_code == 200


async def test_the_data_directory_is_for_its_owner_alone(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with Tenant(config, clock):
        mode = stat.S_IMODE(config.data_dir.stat().st_mode)

    assert mode == 0o700


async def test_a_file_of_a_newer_version_is_not_touched(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with Tenant(config, clock) as tenant:
        tenant.database.connection.execute("PRAGMA user_version = 99")

    with pytest.raises(DatabaseError, match="newer version"):
        async with Tenant(config, clock):
            pass
