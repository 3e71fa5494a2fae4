"""The components that read and write the records of a data store."""

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.stores import UserStores
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

NOW = "2026-01-31T08:00:00.000Z"
WRITTEN = {"createdAt": NOW, "updatedAt": NOW}


@pytest.fixture
def stores(sandbox: Sandbox) -> UserStores:
    return UserStores(sandbox.database, sandbox.clock, USER_ID)


@pytest.fixture
def store_id(stores: UserStores) -> str:
    return stores.create("Orders")


async def run_storage(sandbox: Sandbox, name: str, /, **fields: Json) -> Run:
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
        ("GetMany", {"keys": {"AND": [{"key": "a"}]}}),
        ("SetMany", {"keyValuePairs": {"AND": [{"key": "a", "value": 1}]}}),
        ("Clear", {}),
        ("Modify", {"key": "a", "operator": "Add", "value": 1}),
        ("SaveToFile", {}),
    ],
)
async def test_a_store_that_is_not_the_users_is_an_error(
    sandbox: Sandbox, name: str, fields: dict[str, Json]
) -> None:
    theirs = UserStores(sandbox.database, sandbox.clock, "5f0000000000000000000002").create("T")

    run = await run_storage(sandbox, name, storeId=theirs, **fields)

    assert theirs in run.errors("storage")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_get_many_reads_those_records_that_there_are(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "a", 1)
    stores.set(store_id, "c", "x")
    keys = {"AND": [{"key": key} for key in "abc"]}

    some = await run_storage(sandbox, "GetMany", storeId=store_id, keys=keys)
    none = await run_storage(sandbox, "GetMany", storeId=store_id, keys={"AND": [{"key": "z"}]})

    results = some.sent("storage")[0]["results"]
    assert [(one["key"], one["value"]) for one in results] == [("a", 1), ("c", "x")]
    assert none.sent("storage", "notFound") == [{"notFound": ["z"]}]


async def test_set_many_writes_them_all(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "a", "old")
    pairs = {"AND": [{"key": "a", "value": 1}, {"key": "b", "value": {"c": 2}}]}

    run = await run_storage(sandbox, "SetMany", storeId=store_id, keyValuePairs=pairs)

    results = run.sent("storage")[0]["results"]
    assert [(one["key"], one["oldValue"], one["newValue"]) for one in results] == [
        ("a", "old", 1),
        ("b", None, {"c": 2}),
    ]
    assert stores.count(store_id) == 2


async def test_clear_empties_a_store(sandbox: Sandbox, stores: UserStores, store_id: str) -> None:
    stores.set(store_id, "a", 1)
    stores.set(store_id, "b", 2)

    run = await run_storage(sandbox, "Clear", storeId=store_id)

    assert run.sent("storage", "cleared") == [{"deletedCount": 2, "storeId": store_id}]
    assert stores.count(store_id) == 0


@pytest.mark.parametrize(
    ("operator", "old", "value", "new"),
    [
        ("Add", 2, "3", 5),
        ("Add", None, 3, 3),
        ("Subtract", "2", 3, -1),
        ("Multiply", 1.5, 2, 3),
        ("Divide", 1, 4, 0.25),
        ("Append", "tea", " & milk", "tea & milk"),
        ("Append", None, 5, "5"),
        ("Set", 1, {"a": [2]}, {"a": [2]}),
    ],
)
async def test_modify_computes_the_new_value(
    *,
    sandbox: Sandbox,
    stores: UserStores,
    store_id: str,
    operator: str,
    old: Json,
    value: Json,
    new: Json,
) -> None:
    if old is not None:
        stores.set(store_id, "a", old)

    run = await run_storage(
        sandbox, "Modify", storeId=store_id, key="a", operator=operator, value=value
    )

    (told,) = run.sent("storage")
    assert (told["key"], told["oldValue"], told["newValue"]) == ("a", old, new)
    found = stores.get(store_id, "a")
    assert found is not None
    assert found["value"] == new


@pytest.mark.parametrize(
    ("operator", "value", "says"),
    [
        ("Add", "many", "must be a number"),
        ("Divide", 0, "must not be 0"),
        ("Multiply", 1e308, "too large"),
        ("Power", 2, "must be one of"),
    ],
)
async def test_modify_refuses_what_cannot_be_computed(
    *, sandbox: Sandbox, stores: UserStores, store_id: str, operator: str, value: Json, says: str
) -> None:
    stores.set(store_id, "a", 1e308)

    run = await run_storage(
        sandbox, "Modify", storeId=store_id, key="a", operator=operator, value=value
    )

    assert says in run.errors("storage")[0]["message"]
    found = stores.get(store_id, "a")
    assert found is not None
    assert found["value"] == 1e308


async def test_two_that_add_at_once_both_count(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    one = {"storeId": store_id, "key": "a", "operator": "Add", "value": 1}

    await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            **{f"add{index}": entry("storage.Modify", "start", fields=one) for index in range(20)},
        }
    )

    found = stores.get(store_id, "a")
    assert found is not None
    assert found["value"] == 20


async def test_create_store_makes_one_store_of_a_name(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    stores.set(store_id, "a", 1)

    again = await run_storage(sandbox, "CreateStore", name="Orders")
    kept = stores.count(store_id)
    await run_storage(sandbox, "CreateStore", name="Orders", clear=True)
    new = await run_storage(sandbox, "CreateStore", name="Invoices")

    assert again.sent("storage") == [{"storeId": store_id}]
    assert (kept, stores.count(store_id)) == (1, 0)
    assert {"storeId": new.sent("storage")[0]["storeId"], "name": "Invoices"} in stores.every()


@pytest.mark.parametrize(
    ("fields", "filename", "content"),
    [
        (
            {},
            "new File.csv",
            '"key","value.total","value.by.name","value"\n"a","17","Ann",""\n"b","","","text"\n',
        ),
        (
            {"flattenValue": False, "fileName": "all.csv"},
            "all.csv",
            '"key","value"\n"a","{""total"":17,""by"":{""name"":""Ann""}}"\n"b","text"\n',
        ),
        (
            {"fileType": "json", "fileName": "all"},
            "all.json",
            dumps(
                [
                    {"key": "a", "value": {"total": 17, "by": {"name": "Ann"}}, **WRITTEN},
                    {"key": "b", "value": "text", **WRITTEN},
                ]
            ),
        ),
    ],
)
async def test_save_to_file_writes_every_record(
    *,
    sandbox: Sandbox,
    stores: UserStores,
    store_id: str,
    fields: dict[str, Json],
    filename: str,
    content: str,
) -> None:
    stores.set(store_id, "b", "text")
    stores.set(store_id, "a", {"total": 17, "by": {"name": "Ann"}})

    run = await run_storage(sandbox, "SaveToFile", storeId=store_id, **fields)

    (told,) = run.sent("storage")
    files = UserFiles(sandbox.database, sandbox.clock, USER_ID)
    assert told["nRecords"] == 2
    assert files.info(told["fileId"])["filename"] == filename
    assert files.read(told["fileId"]).decode() == content


async def test_list_stores_tells_the_users_own(
    sandbox: Sandbox, stores: UserStores, store_id: str
) -> None:
    UserStores(sandbox.database, sandbox.clock, "5f0000000000000000000002").create("Theirs")

    run = await run_storage(sandbox, "ListStores")

    assert run.sent("storage") == [[{"Name": "Orders", "Id": store_id, "is default?": True}]]


async def test_the_legacy_store_knows_what_it_has_seen(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger"),
            "store": entry(
                "storage.Store",
                ("hook", "request", "add"),
                fields={"key": "{{{$.hook.request.data}}}"},
            ),
        }
    )

    for key in ("a", "b", "a"):
        await run.call("hook", key)

    assert [one["data"] for one in run.sent("store", "new")] == ["a", "b"]
    assert [one["data"] for one in run.sent("store", "updated")] == ["a"]
