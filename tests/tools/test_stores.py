"""The tools of the group stores."""

import anyio
import pytest
from mcp import Client

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server

from .conftest import Tools, session_on

ERAS = ("auto",)  # the other one shows the same of what is tested here
TOOLSETS = ("sdk", "stores")


@pytest.fixture
async def store(tools):
    return (await tools("create_store", name="Orders"))["store_id"]


async def test_a_store_can_be_created_listed_renamed_and_shown(tools, store):
    await tools("rename_store", store_id=store, name="Old orders")

    assert await tools("get_store", store_id=store) == {"store_id": store, "name": "Old orders"}
    assert (await tools("list_stores"))["items"] == [{"store_id": store, "name": "Old orders"}]


async def test_text_stays_text_and_json_stays_json(tools, store):
    await tools("create_store_item", store_id=store, key="text", value='{"a": 1}')
    await tools("create_store_item", store_id=store, key="number", value="5", value_is_json=True)

    page = await tools("list_store_records", store_id=store, sort="key:1")

    shown = [(one["key"], one["value"], one["value_is_json"]) for one in page["items"]]
    assert shown == [("number", "5", True), ("text", '{"a": 1}', False)]


async def test_a_key_with_slashes_and_spaces_is_one_key(tools, store):
    key = "a/b c?d#e%2f.."
    await tools("create_store_item", store_id=store, key=key, value="v")

    page = await tools("list_store_records", store_id=store)

    assert [one["key"] for one in page["items"]] == [key]


async def test_an_existing_key_is_refused_without_overwrite(tools, store):
    await tools("create_store_item", store_id=store, key="k", value="old")

    said = await tools.refused("create_store_item", store_id=store, key="k", value="new")

    assert "overwrite=true" in said
    assert (await tools("list_store_records", store_id=store))["items"][0]["value"] == "old"


async def test_overwriting_shows_the_present_value_and_asks(tools, store):
    await tools("create_store_item", store_id=store, key="k", value="old")
    new = {"store_id": store, "key": "k", "value": "new", "overwrite": True}

    preview = await tools("create_store_item", **new)
    written = await tools("create_store_item", **new, confirm=True)

    assert preview["impact"] == ["Its present value: 'old'"]
    assert written["record"]["value"] == "new"
    assert (await tools("count_store_records", store_id=store))["count"] == 1


async def test_records_can_be_counted_and_searched_in_keys_and_values(tools, store):
    await tools("create_store_item", store_id=store, key="apple", value="red")
    await tools("create_store_item", store_id=store, key="pear", value="green apple")
    await tools("create_store_item", store_id=store, key="plum", value="blue")

    assert await tools("count_store_records", store_id=store, pattern="apple") == {"count": 2}
    page = await tools("list_store_records", store_id=store, pattern="blue")
    assert [one["key"] for one in page["items"]] == ["plum"]


async def test_deleting_records_names_them_and_asks(tools, store):
    for key in ("a", "b", "c"):
        await tools("create_store_item", store_id=store, key=key, value="v")

    preview = await tools("delete_store_items", store_id=store, keys=["a", "b", "ghost"])
    deleted = await tools(
        "delete_store_items", store_id=store, keys=["a", "b", "ghost"], confirm=True
    )

    assert "'a', 'b', 'ghost'" in preview["impact"][0]
    assert deleted["deleted_count"] == 2
    assert (await tools("count_store_records", store_id=store))["count"] == 1


async def test_deleting_a_store_counts_its_records_and_asks(tools, store):
    await tools("create_store_item", store_id=store, key="k", value="v")

    preview = await tools("delete_store", store_id=store)
    assert "'Orders' with 1 record" in preview["message"]
    await tools("delete_store", store_id=store, confirm=True)

    assert (await tools("list_stores"))["items"] == []


async def test_a_value_that_is_not_json_is_refused_before_it_is_written(tools, store):
    said = await tools.refused(
        "create_store_item", store_id=store, key="k", value="{", value_is_json=True
    )

    assert "not JSON" in said
    assert (await tools("count_store_records", store_id=store))["count"] == 0


async def test_another_users_store_is_unknown(tools, other_tools, store):
    await tools("create_store_item", store_id=store, key="k", value="v")

    for name, more in (
        ("get_store", {}),
        ("list_store_records", {}),
        ("count_store_records", {}),
        ("rename_store", {"name": "mine"}),
        ("delete_store", {}),
        ("create_store_item", {"key": "x", "value": "y"}),
        ("delete_store_items", {"keys": ["k"]}),
    ):
        assert "list_stores" in await other_tools.refused(name, store_id=store, **more), name
    assert (await tools("count_store_records", store_id=store))["count"] == 1


async def test_all_of_many_stores_can_be_reached(tenant):
    session = session_on(tenant)
    options = ServerOptions(session=session, max_result_bytes=2_000)
    async with Client(build_server(options)) as client:
        tools = Tools(client)
        made = {(await tools("create_store", name=f"Store {n}"))["store_id"] for n in range(60)}

        page = await tools("list_stores")
        seen = [store["store_id"] for store in page["items"]]
        while "next_offset" in page:
            page = await tools("list_stores", offset=page["next_offset"])
            seen += [store["store_id"] for store in page["items"]]
    await session.aclose()

    assert page["total"] == 60
    assert len(seen) == 60
    assert set(seen) == made


async def test_of_many_writes_of_one_new_key_at_once_only_one_succeeds(tools, store):
    answers = []

    async def write(value):
        answers.append(
            await tools.client.call_tool(
                "create_store_item", {"store_id": store, "key": "k", "value": value}
            )
        )

    with anyio.fail_after(5):
        async with anyio.create_task_group() as at_once:
            for number in range(8):
                at_once.start_soon(write, str(number))

    assert sum(not answer.is_error for answer in answers) == 1
