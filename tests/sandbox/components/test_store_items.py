"""OnItemAdded, OnItemUpdated and OnItemRemoved: changes of a data store begin a flow."""

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.stores import UserStores
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

NOW = "2026-01-31T08:00:00.000Z"


@pytest.fixture
def store_id(sandbox: Sandbox) -> str:
    return UserStores(sandbox.database, sandbox.clock, USER_ID).create("Orders")


async def watch(sandbox: Sandbox, store_id: str) -> Run:
    watched = {"storeId": store_id}
    return await sandbox.run(
        {
            name: entry(f"storage.OnItem{name}", properties=watched)
            for name in ("Added", "Updated", "Removed")
        }
    )


async def change(sandbox: Sandbox, component: str, **fields: Json) -> None:
    await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "change": entry(f"storage.{component}", "start", fields=fields),
        }
    )


async def test_each_change_is_told_by_its_own_trigger(sandbox: Sandbox, store_id: str) -> None:
    run = await watch(sandbox, store_id)

    await change(sandbox, "Set", storeId=store_id, key="a", value="draft")
    await change(sandbox, "Set", storeId=store_id, key="a", value={"total": 17})
    await change(sandbox, "Remove", storeId=store_id, key="a")
    await run.idle()

    record = {"key": "a", "storeId": store_id, "createdAt": NOW, "updatedAt": NOW}
    assert run.sent("Added", "item") == [record | {"value": "draft"}]
    assert run.sent("Updated", "item") == [record | {"value": {"total": 17}, "oldValue": "draft"}]
    assert run.sent("Removed", "item") == [record | {"value": {"total": 17}}]


async def test_changes_of_another_store_are_not_told(sandbox: Sandbox, store_id: str) -> None:
    other_id = UserStores(sandbox.database, sandbox.clock, USER_ID).create("Others")
    run = await watch(sandbox, store_id)

    await change(sandbox, "Set", storeId=other_id, key="a", value=1)
    await run.idle()

    assert run.sent("Added", "item") == []


async def test_a_store_that_is_not_there_keeps_the_flow_from_starting(sandbox: Sandbox) -> None:
    run = sandbox.add({"new": entry("storage.OnItemAdded", properties={"storeId": "nowhere"})})

    with pytest.raises(ComponentFailedError, match="nowhere"):
        await run.start()
