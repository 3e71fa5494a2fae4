"""What a fresh tenant shows, as its demo user sees it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant

Client = httpx2.AsyncClient


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, demo=True, local_key=SecretStr("local key"))


@pytest.fixture
async def tenant(config: TenantConfig, clock: ManualClock) -> AsyncIterator[Tenant]:
    async with Tenant(config, clock) as tenant:
        yield tenant


@pytest.fixture
async def client(tenant: Tenant, config: TenantConfig) -> AsyncIterator[Client]:
    """The demo user's client, once the flows have done what they do at their start."""
    transport = httpx2.ASGITransport(tenant.app)
    async with Client(transport=transport, base_url=config.public_url) as client:
        await sign_in(client)
        await idle(tenant)
        yield client


async def sign_in(client: Client) -> None:
    credentials = {"username": LOCAL_USER, "password": "local key"}
    token = (await client.post("/user/auth", json=credentials)).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"


async def idle(tenant: Tenant) -> None:
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()


async def flow(client: Client, name: str) -> dict[str, Any]:
    flows = (await client.get("/flows", params={"pattern": name})).json()
    assert len(flows) == 1
    found: dict[str, Any] = flows[0]
    return found


async def records(client: Client, store: str) -> dict[str, Any]:
    stores = {one["name"]: one["storeId"] for one in (await client.get("/stores")).json()}
    listed = (await client.get("/store", params={"storeId": stores[store]})).json()
    return {record["key"]: record["value"] for record in listed}


async def order(client: Client, body: object) -> httpx2.Response:
    intake = await flow(client, "Order intake")
    trigger = next(
        component_id
        for component_id, entry in intake["flow"].items()
        if entry["type"].endswith("WebhookTrigger")
    )
    return await client.post(f"/flows/{intake['flowId']}/components/{trigger}", json=body)


async def test_there_are_three_running_flows_a_store_a_task_and_a_chart(client: Client) -> None:
    flows = (await client.get("/flows")).json()
    tasks = (await client.get("/people-task/tasks", params={"role": "approver"})).json()
    charts = (await client.get("/charts")).json()

    assert [one["stage"] for one in flows] == ["running"] * 3
    assert all(one["description"] for one in flows)
    assert len(await records(client, "Customers")) >= 3
    assert [one["status"] for one in tasks] == ["pending"]
    intake = await flow(client, "Order intake")
    targets = [trace["source"]["targets"] for trace in charts[0]["traces"].values()]
    assert targets == [{intake["flowId"]: []}]


async def test_every_component_can_be_told_apart_in_a_drawing(client: Client) -> None:
    for one in (await client.get("/flows")).json():
        entries = one["flow"].values()

        assert all(entry["label"] for entry in entries)
        assert len({(entry["x"], entry["y"]) for entry in entries}) == len(entries)


async def test_a_small_order_is_stored_at_once(client: Client) -> None:
    sent = {"id": "A-1", "amount": 1000, "customer": "C-1001"}

    answer = await order(client, sent)

    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert await records(client, "Orders") == {"A-1": {"status": "accepted", "order": sent}}


@pytest.mark.parametrize(("verb", "stored"), [("approve", ["A-2"]), ("reject", [])])
async def test_a_large_order_is_stored_once_it_is_approved(
    client: Client, tenant: Tenant, verb: str, stored: list[str]
) -> None:
    answer = await order(client, {"id": "A-2", "amount": 1000.01})
    before = await records(client, "Orders")

    task = (await client.get(f"/people-task/tasks/{answer.json()['taskId']}")).json()
    await client.put(f"/people-task/tasks/{task['id']}/{verb}")
    await idle(tenant)

    assert answer.status_code == 202
    assert before == {}
    assert "A-2" in task["title"]
    assert task["decisionBy"] == "2026-02-07T08:00:00.000Z"
    assert list(await records(client, "Orders")) == stored


@pytest.mark.parametrize(
    "body", [{}, {"id": "A-3"}, {"amount": 5}, {"id": "A-3", "amount": "much"}, "text", None]
)
async def test_an_order_without_id_or_amount_is_refused(client: Client, body: object) -> None:
    answer = await order(client, body)

    assert (answer.status_code, answer.json()["status"]) == (400, "refused")
    assert await records(client, "Orders") == {}


async def test_the_health_check_stores_what_the_intake_answers_every_five_minutes(
    client: Client, tenant: Tenant, clock: ManualClock
) -> None:
    first = (await records(client, "Health"))["order-intake"]
    clock.turn(timedelta(minutes=5))
    await idle(tenant)
    second = (await records(client, "Health"))["order-intake"]

    assert (first["statusCode"], first["answer"]) == (200, {"status": "ok"})
    assert first["checkedAt"] == "2026-01-31T08:00:00.000Z"
    assert second == {**first, "checkedAt": "2026-01-31T08:05:00.000Z"}
    assert await records(client, "Orders") == {}


async def test_the_broken_flow_leaves_an_error_and_an_unprocessed_message(client: Client) -> None:
    broken = await flow(client, "broken on purpose")

    errors = (await client.get("/logs", params={"query": "severity:error"})).json()["hits"]
    messages = (await client.get("/unprocessed-messages")).json()

    assert [one["flowId"] for one in errors] == [broken["flowId"]]
    assert [one["flowId"] for one in messages] == [broken["flowId"]]
    assert "data store" in errors[0]["err"]


async def test_each_tenant_has_ids_of_its_own(
    client: Client, config: TenantConfig, clock: ManualClock
) -> None:
    ids = {one["flowId"] for one in (await client.get("/flows")).json()}
    other = replace(config, data_dir=config.data_dir.with_name("other"))

    async with Tenant(other, clock) as tenant:
        rows = tenant.database.rows("SELECT flow_id FROM flow")

    assert len(ids | {row["flow_id"] for row in rows}) == 6


async def test_what_the_user_made_of_the_demo_stays(
    config: TenantConfig, clock: ManualClock
) -> None:
    counts: list[int] = []
    for _ in range(2):
        async with Tenant(config, clock) as tenant:
            transport = httpx2.ASGITransport(tenant.app)
            async with Client(transport=transport, base_url=config.public_url) as client:
                await sign_in(client)
                for one in (await client.get("/flows")).json():
                    await client.delete(f"/flows/{one['flowId']}")
                counts.append((await client.get("/flows/count")).json()["count"])
                counts.append(len((await client.get("/stores")).json()))

    assert counts == [0, 3, 0, 3]


async def test_without_a_demo_the_tenant_is_empty(config: TenantConfig, clock: ManualClock) -> None:
    async with Tenant(replace(config, demo=False), clock) as tenant:
        tables = ("user", "flow", "store", "task", "chart")
        counted = [tenant.database.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - names from above

    assert counted == [[]] * 5
