"""Set, Get, Find and Remove: the records of a data store."""

import pytest

from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.stores import UserStores
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

NOW = "2026-01-31T08:00:00.000Z"


@pytest.fixture
def stores(sandbox: Sandbox) -> UserStores:
    return UserStores(sandbox.database, sandbox.clock, USER_ID)


@pytest.fixture
def store_id(stores: UserStores) -> str:
    return stores.create("Orders")


async def run_storage(sandbox: Sandbox, name: str, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "storage": entry(f"storage.{name}", "start", fields=fields),
        }
    )


async def test_set_writes_a_record_over_the_old_one(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "order-1", "draft")

    run = await run_storage(
        sandbox, "Set", storeId=store_id, key="order-1", value={"total": 17, "items": [1]}
    )

    assert run.sent("storage") == [
        {
            "key": "order-1",
            "oldValue": "draft",
            "newValue": {"total": 17, "items": [1]},
            "createdAt": NOW,
            "updatedAt": NOW,
        }
    ]
    found = stores.get(store_id, "order-1")
    assert found is not None
    assert found["value"] == {"total": 17, "items": [1]}


async def test_get_reads_a_record(sandbox: Sandbox, stores: UserStores, store_id: str) -> None:
    stores.set(store_id, "17", {"total": 5})

    run = await run_storage(sandbox, "Get", storeId=store_id, key=17)

    assert run.sent("storage") == [
        {"key": "17", "value": {"total": 5}, "createdAt": NOW, "updatedAt": NOW}
    ]


async def test_get_does_not_find_a_missing_record_nor_one_without_a_value(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "empty", None)

    missing = await run_storage(sandbox, "Get", storeId=store_id, key="missing")
    empty = await run_storage(sandbox, "Get", storeId=store_id, key="empty")

    assert missing.sent("storage", "notFound") == [{"key": "missing"}]
    assert empty.sent("storage", "notFound") == [{"key": "empty"}]


async def test_find_searches_keys_and_values(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "tea", "green")
    stores.set(store_id, "leaf", "tea")
    stores.set(store_id, "bean", "coffee")

    found = await run_storage(sandbox, "Find", storeId=store_id, pattern="tea")
    nothing = await run_storage(sandbox, "Find", storeId=store_id, pattern="milk")

    assert [item["key"] for item in found.sent("storage")[0]["items"]] == ["leaf", "tea"]
    assert nothing.sent("storage", "notFound") == [{"pattern": "milk", "items": []}]


async def test_remove_deletes_a_record_and_tells_what_it_held(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "order-1", "draft")

    first = await run_storage(sandbox, "Remove", storeId=store_id, key="order-1")
    again = await run_storage(sandbox, "Remove", storeId=store_id, key="order-1")

    assert first.sent("storage", "removed") == [{"key": "order-1", "oldValue": "draft"}]
    assert again.sent("storage", "removed") == [{"key": "order-1", "oldValue": None}]
    assert stores.get(store_id, "order-1") is None


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Set", {"key": "a", "value": "b"}),
        ("Get", {"key": "a"}),
        ("Find", {"pattern": "a"}),
        ("Remove", {"key": "a"}),
    ],
)
async def test_a_store_that_is_not_the_users_is_an_error(
    sandbox: Sandbox, name: str, fields: dict[str, Json]
) -> None:
    theirs = UserStores(sandbox.database, sandbox.clock, "5f0000000000000000000002").create("T")

    run = await run_storage(sandbox, name, storeId=theirs, **fields)

    assert theirs in run.errors("storage")[0]["message"]
    assert len(run.unprocessed()) == 1
