"""Data stores as components and those who watch them see them."""

from collections.abc import Mapping

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.stores import UserStores
from tests.sandbox.harness import USER_ID, Library, Run, Sandbox, entry, library_of, probe

OTHER_USER_ID = "5f0000000000000000000002"
NOW = "2026-01-31T08:00:00.000Z"


def watcher() -> Component:
    """Return a trigger that listens to the store of its property `storeId`."""

    async def start(context: Context) -> None:
        context.listen(f"store:{context.properties['storeId']}")

    async def on_event(context: Context, payload: Json) -> None:
        context.send("out", payload)

    return probe("Watcher", in_ports=(), start=start, on_event=on_event)


@pytest.fixture
def library() -> Library:
    return library_of(watcher())


def watched(sandbox: Sandbox, user_id: str = USER_ID) -> UserStores:
    """Return stores whose changes are told as the API's are."""

    def tell(topic: str, payload: Mapping[str, Json]) -> None:
        sandbox.engine.publish(topic, payload, user_id=user_id)

    return UserStores(sandbox.database, sandbox.clock, user_id, tell)


async def watch(sandbox: Sandbox, store_id: str) -> Run:
    properties = {"storeId": store_id}
    return await sandbox.run({"w": entry("test.engine.probe.Watcher", properties=properties)})


async def test_who_watches_a_store_is_told_of_each_change(sandbox: Sandbox) -> None:
    stores = watched(sandbox)
    store_id, other_id = stores.create("Orders"), stores.create("Others")
    run = await watch(sandbox, store_id)

    stores.set(store_id, "a", 1)
    stores.set(store_id, "a", 2)
    stores.change(store_id, "a", new_key="b", change={"value": 3})
    stores.remove(store_id, "b")
    stores.remove(store_id, "missing")
    stores.set(other_id, "a", 1)
    await run.idle()

    record = {"storeId": store_id, "createdAt": NOW, "updatedAt": NOW}
    assert run.sent("w") == [
        {"type": "insert", "currentValue": {**record, "key": "a", "value": 1}},
        {"type": "update", "currentValue": {**record, "key": "a", "value": 2, "oldValue": 1}},
        {"type": "update", "currentValue": {**record, "key": "b", "value": 3, "oldValue": 2}},
        {"type": "delete", "currentValue": {**record, "key": "b", "value": 3}},
    ]


async def test_who_watches_a_store_is_told_of_records_deleted_together(sandbox: Sandbox) -> None:
    stores = watched(sandbox)
    store_id = stores.create("Orders")
    for key in "abc":
        stores.set(store_id, key, key)
    run = await watch(sandbox, store_id)

    many = stores.remove_many([(store_id, "a"), (store_id, "missing")])
    rest = stores.clear(store_id)
    await run.idle()

    assert (many, rest, stores.count(store_id)) == (1, 2, 0)
    assert [(one["type"], one["currentValue"]["key"]) for one in run.sent("w")] == [
        ("delete", "a"),
        ("delete", "b"),
        ("delete", "c"),
    ]


async def test_another_users_component_is_told_nothing(sandbox: Sandbox) -> None:
    theirs = watched(sandbox, OTHER_USER_ID)
    store_id = theirs.create("Private")
    run = await watch(sandbox, store_id)

    theirs.set(store_id, "a", "secret")
    await run.idle()

    assert run.sent("w") == []


async def test_a_store_is_found_by_its_exact_name_the_oldest_first(sandbox: Sandbox) -> None:
    stores = watched(sandbox)
    first, _ = stores.create("Orders"), stores.create("Orders")

    assert stores.by_name("Orders") == first
    assert stores.by_name("orders") is None
    assert watched(sandbox, OTHER_USER_ID).by_name("Orders") is None


async def test_a_component_cannot_clear_or_count_what_is_not_the_users(sandbox: Sandbox) -> None:
    theirs = watched(sandbox, OTHER_USER_ID)
    store_id = theirs.create("Private")
    theirs.set(store_id, "a", 1)
    stores = watched(sandbox)

    for use in (stores.clear, stores.count):
        with pytest.raises(ComponentFailedError, match=store_id):
            use(store_id)
    with pytest.raises(ComponentFailedError, match=store_id):
        await stores.find(store_id, "")
    assert theirs.count(store_id) == 1
