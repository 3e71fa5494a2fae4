"""The tools of the group messages: what flows gave up on."""

import json

import httpx2
import pytest

from .conftest import FAILING, between, session_on, tenant_in, tools_on

GROUPS = ("messages", "flows", "stores")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


@pytest.fixture
async def tools(tenant):
    async with tools_on(tenant, *GROUPS) as tools:
        yield tools


@pytest.fixture
def stuck(tools, tenant):
    """What starts a flow that gives up on one message; returns the ids of both."""

    async def stuck(name="Broken", content="v", store="no-such-store"):
        descriptor = json.loads(json.dumps(FAILING))
        link = descriptor["save"]["config"]["transform"]["in"]["start"]["out"]
        link["lambda"] |= {"value": content, "storeId": store}
        made = await tools("create_flow", name=name, descriptor=descriptor)
        await tools("start_flow", flow_id=made["flow_id"])
        await tenant.engine.wait_idle()
        (found,) = (await tools("list_unprocessed", flow_id=made["flow_id"]))["items"]
        return made["flow_id"], found["message_id"]

    return stuck


async def test_a_message_says_where_and_why_it_stuck_and_what_had_come_in(tools, stuck):
    flow_id, message_id = await stuck(content="an order")
    await stuck(name="Other")

    (shown,) = (await tools("list_unprocessed", flow_id=flow_id))["items"]

    assert shown["message_id"] == message_id
    assert (shown["flow_name"], shown["component"]) == ("Broken", "Save")
    assert "no-such-store" in shown["error"]
    assert json.loads(shown["received"])["in"]["value"] == "an order"
    assert shown["at"] > "2026"
    assert shown["correlation_id"]
    names = [one["flow_name"] for one in (await tools("list_unprocessed"))["items"]]
    assert sorted(names) == ["Broken", "Other"]


async def test_what_came_in_is_shortened_and_holds_no_secret(tools, stuck):
    long = "x" * 5_000
    await stuck(content={"password": "hunter2-the-first", "note": TOKEN, "list": [long] * 50})
    await stuck(content=long * 50)

    page = await tools("list_unprocessed")

    assert "hunter2" not in json.dumps(page)
    assert TOKEN not in json.dumps(page)
    assert all(len(one["received"]) < 600 for one in page["items"])


async def test_a_retried_message_is_worked_on_once_its_flow_runs(tools, stuck, tenant):
    store = (await tools("create_store", name="Stock"))["store_id"]
    flow_id, message_id = await stuck(store=store + "-wrong")
    await tools("stop_flow", flow_id=flow_id)

    said = await tools.refused("retry_unprocessed", message_ids=[message_id])
    assert "is stopped" in said
    assert "start_flow" in said
    assert len((await tools("list_unprocessed"))["items"]) == 1

    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()
    retried = await tools("retry_unprocessed", message_ids=[message_id, "ghost"])

    assert retried["retried_count"] == 1
    assert [one["message_id"] for one in retried["refused"]] == ["ghost"]
    await tenant.engine.wait_idle()
    logged = await tools("list_unprocessed", flow_id=flow_id)
    assert len(logged["items"]) == 2  # it failed again, and so did the new start


async def test_retrying_ends_when_the_tenant_does_not_answer(tenant, stuck):
    _, first = await stuck()
    _, second = await stuck()
    sent = []

    def losing_the_second(request):
        if request.method == "POST" and "unprocessed" in request.url.path:
            sent.append(request.url.path)
            if len(sent) == 2:
                raise httpx2.ReadError("gone")

    way = between(tenant, losing_the_second)
    async with tools_on(tenant, *GROUPS, transport=way) as tools:
        ids = [first, second, "third"]

        retried = await tools("retry_unprocessed", message_ids=ids)

        assert retried["retried_count"] == 1
        assert [one["message_id"] for one in retried["refused"]] == [second, "third"]
        assert "may have happened" in retried["refused"][0]["problem"]


async def test_deleting_shows_which_messages_and_asks(tools, stuck):
    _, message_id = await stuck()

    preview = await tools("delete_unprocessed", message_ids=[message_id])
    done = await tools("delete_unprocessed", message_ids=[message_id], confirm=True)

    assert preview["message"] == "Delete 1 unprocessed message?"
    assert "'Save' of the flow 'Broken'" in preview["impact"][1]
    assert done["deleted_count"] == 1
    assert (await tools("list_unprocessed"))["items"] == []
    assert "'ghost'" in await tools.refused("delete_unprocessed", message_ids=["ghost"])


async def test_a_tenant_of_the_smaller_dialect_lists_and_retries(tmp_path):
    async with tenant_in(tmp_path, dialect="openapi") as tenant:
        session = session_on(tenant, dialect="openapi")
        async with tools_on(tenant, *GROUPS, session=session) as tools:
            made = await tools("create_flow", name="Broken", descriptor=FAILING)
            await tools("start_flow", flow_id=made["flow_id"])
            await tenant.engine.wait_idle()

            (shown,) = (await tools("list_unprocessed", flow_id=made["flow_id"]))["items"]
            retried = await tools("retry_unprocessed", message_ids=[shown["message_id"]])

            assert json.loads(shown["received"])["in"]["key"] == "k"
            assert retried["retried_count"] == 1
