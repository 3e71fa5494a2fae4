"""What has no room in a result can still be had."""

import json

import pytest
from mcp import Client
from mcp.types import ResourceLink

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.results import Dump
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.server import build_server
from appmixer_mcp.surface import load_toolsets
from appmixer_mcp.wire import as_mcp_result

from .conftest import FAILING, as_user, session_on

ERAS = ("auto",)  # the other one shows the same of what is tested here
TOOLSETS = ("sdk", "stores")
PLAIN = {"type": "appmixer.utils.controls.OnStart", "label": "x" * 100, "source": {}}
MANY = {f"c{number}": PLAIN for number in range(60)}


@pytest.fixture(params=["auto", "legacy"])
async def client(tenant, request):
    session = session_on(tenant)
    server = build_server(ServerOptions(session=session, max_result_bytes=2_000))
    async with Client(server, mode=request.param) as client:
        yield client
    await session.aclose()


@pytest.fixture
async def flow_id(client):
    made = await client.call_tool("create_flow", {"name": "Large", "descriptor": MANY})
    return made.structured_content["flow_id"]


@pytest.mark.parametrize("detail", ["components", "descriptor"])
async def test_a_flow_that_was_cut_is_whole_in_a_resource(client, flow_id, detail):
    answer = await client.call_tool("get_flow", {"flow_id": flow_id, "detail": detail})

    text, link = answer.content
    assert isinstance(link, ResourceLink)
    assert f"The resource {link.uri} is not cut." in answer.structured_content["left_out"]
    assert link.uri in text.text
    whole = json.loads((await client.read_resource(link.uri)).contents[0].text)
    assert "left_out" not in whole
    assert len(whole.get(detail, whole)) == len(MANY)


async def test_a_long_record_log_or_task_that_was_cut_is_whole_in_a_resource(client, tenant):
    async def call(name, /, **arguments):
        return await client.call_tool(name, arguments)

    long = "A long text. " * 500
    store_id = (await call("create_store", name="s")).structured_content["store_id"]
    await call("create_store_item", store_id=store_id, key="k", value=long)
    failing = json.loads(json.dumps(FAILING).replace("no-such-store", long))
    made = await call("create_flow", name="f", descriptor=failing)
    flow_id = made.structured_content["flow_id"]
    await call("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()
    task = {"title": "t", "description": long, "requester": "ann@example.com"}
    task |= {"approver": LOCAL_USER, "decisionBy": "2099-01-01T00:00:00Z"}
    task_id = (await as_user(tenant, "POST", "/people-task/tasks", task))["taskId"]

    for answer in (
        await call("list_store_records", store_id=store_id),
        await call("query_logs", flow_id=flow_id),
        await call("get_task", task_id=task_id),
    ):
        text, link = answer.content
        assert long not in text.text
        assert long in (await client.read_resource(link.uri)).contents[0].text


async def test_a_stranger_cannot_make_the_logs_of_a_flow_so_long_that_all_others_wait(
    client, tenant
):
    failing = json.loads(json.dumps(FAILING).replace("no-such-store", "://" * 20_000))
    made = await client.call_tool("create_flow", {"name": "f", "descriptor": failing})
    flow_id = made.structured_content["flow_id"]
    await client.call_tool("start_flow", {"flow_id": flow_id})
    await tenant.engine.wait_idle()

    logs = await client.read_resource(f"appmixer://flows/{flow_id}/logs")

    messages = [one.get("message", "") for one in json.loads(logs.contents[0].text)["items"]]
    assert 10_000 < max(len(one) for one in messages) < 10_100
    assert any(one.endswith("more characters: get_log]") for one in messages)


async def test_without_resources_the_rest_is_had_by_naming_components(client, flow_id):
    asked = {"flow_id": flow_id, "detail": "descriptor"}
    first = (await client.call_tool("get_flow", asked)).structured_content

    assert "name the component_ids you want" in first["left_out"]
    got = dict(first["descriptor"])
    while missing := [one for one in MANY if one not in got]:
        answer = await client.call_tool("get_flow", asked | {"component_ids": missing[:5]})
        got |= answer.structured_content["descriptor"]
    assert got == MANY


async def test_what_was_not_cut_comes_without_a_link(client, flow_id):
    answer = await client.call_tool("get_flow", {"flow_id": flow_id, "detail": "summary"})

    assert len(answer.content) == 1


def test_a_client_of_an_old_protocol_gets_no_link_that_it_does_not_know():
    resource = next(one for group in load_toolsets().values() for one in group.resources)
    cut = Dump({"a": 1}, '{"a":1}', "appmixer://flows/1")

    assert len(as_mcp_result(cut, resource, "2025-03-26").content) == 1
    assert len(as_mcp_result(cut, resource, "2025-06-18").content) == 2
