"""Resources: what clients read under an address."""

import json
import re
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, TextResourceContents

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.prompting import guide
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.server import build_server
from tests.listings import named

from .conftest import FAILING, as_user, session_on, tenant_in

ERAS = ("auto",)  # the other one shows the same of what is tested here
TOOLSETS = ("sdk", "stores")
OF_A_FLOW = ["appmixer://flows/{}", "appmixer://flows/{}/descriptor", "appmixer://flows/{}/logs"]
OF_OBJECTS = {
    "get_flow": OF_A_FLOW,
    "get_store": ["appmixer://stores/{}"],
    "get_task": ["appmixer://tasks/{}"],
    "list_accounts": ["appmixer://accounts/{}"],
}
"""Addresses of one object, by the tool that shows such an object."""
ADDRESSES = [address for addresses in OF_OBJECTS.values() for address in addresses]
GET = "appmixer.utils.http.Get"
ONE_SEGMENT = re.compile(
    r"/(user|user/auth|flows|logs|stores|store|accounts|components|people-task/tasks)"
    r"(/[^/?#]+(/validate)?)?(\?.*)?"
)


async def read(client, uri):
    """Return what is under an address that holds JSON."""
    (content,) = (await client.read_resource(uri)).contents
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def refused(client, uri):
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    return caught.value.error


class Recording(httpx2.AsyncBaseTransport):
    """Carries requests to a tenant, and keeps the address of each, and of those that write."""

    def __init__(self, app, answers=None):
        self.to_app = httpx2.ASGITransport(app=app)
        self.answers = answers or {}
        self.paths = []
        self.writes = []

    async def handle_async_request(self, request):
        path = request.url.raw_path.decode()
        self.paths.append(path)
        if request.method != "GET":
            self.writes.append(path)
        for ending, answer in self.answers.items():
            if path.endswith(ending):
                return httpx2.Response(**answer)
        return await self.to_app.handle_async_request(request)


@asynccontextmanager
async def client_on(tenant, options=None, **session_options):
    """Connect to a server that acts for the local user."""
    session = session_on(tenant, **session_options)
    async with Client(build_server(ServerOptions(session=session, **(options or {})))) as client:
        yield client
    await session.aclose()


async def task_for(tenant, title="Pay?"):
    task = {"title": title, "description": "Why", "requester": "ann@example.com"}
    task |= {"approver": LOCAL_USER, "decisionBy": "2099-01-01T00:00:00Z"}
    return (await as_user(tenant, "POST", "/people-task/tasks", task))["taskId"]


@pytest.fixture
async def objects(tools, tenant, webhook_flow):
    """The id of one object of each kind, by the tool that shows such an object."""
    store_id = (await tools("create_store", name="Orders"))["store_id"]
    await tools("create_store_item", store_id=store_id, key="k", value="v")
    account = {"service": "acme:crm", "token": {"key": "hidden-word"}, "name": "Main"}
    return {
        "get_flow": webhook_flow,
        "get_store": store_id,
        "get_task": await task_for(tenant),
        "list_accounts": (await tools("create_account", **account))["account_id"],
    }


async def test_a_resource_says_what_its_tools_say(tools, tenant, objects):
    flow_id, store_id = objects["get_flow"], objects["get_store"]
    (account,) = (await tools("list_accounts"))["items"]
    same = {
        "appmixer://flows": await tools("list_flows"),
        f"appmixer://flows/{flow_id}": await tools("get_flow", flow_id=flow_id),
        f"appmixer://flows/{flow_id}/descriptor": await tools(
            "get_flow", flow_id=flow_id, detail="descriptor"
        ),
        f"appmixer://stores/{store_id}": {
            **await tools("get_store", store_id=store_id),
            **await tools("list_store_records", store_id=store_id),
        },
        f"appmixer://tasks/{objects['get_task']}": await tools(
            "get_task", task_id=objects["get_task"]
        ),
        f"appmixer://accounts/{account['account_id']}": account,
        "appmixer://session": await tools("get_session"),
    }

    found = {uri: await read(tools.client, uri) for uri in same}

    sound = {"problems": [], "fully_checked": True}
    same[f"appmixer://flows/{flow_id}"] |= sound
    assert found == same
    assert "hidden-word" not in json.dumps(found)


async def test_the_logs_of_a_flow_are_whole_where_the_tool_cuts_them(tools, tenant):
    descriptor = json.loads(json.dumps(FAILING).replace('"k"', json.dumps("k" * 2_000)))
    flow_id = (await tools("create_flow", name="Failing", descriptor=descriptor))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()

    by_tool = await tools("query_logs", flow_id=flow_id)
    found = await read(tools.client, f"appmixer://flows/{flow_id}/logs")

    assert "more characters" in json.dumps(by_tool)
    assert "k" * 2_000 in json.dumps(found)
    assert "more characters" not in json.dumps(found)
    assert [one["log_id"] for one in found["items"]] == [one["log_id"] for one in by_tool["items"]]
    assert (found["total"], found["days"]) == (by_tool["total"], by_tool["days"])


async def test_a_flow_names_what_keeps_it_from_starting(tools):
    descriptor = {"a": {"type": "acme.crm.contacts.Create", "source": {}}}
    made = await tools("create_flow", name="Unsound", descriptor=descriptor)

    found = await read(tools.client, f"appmixer://flows/{made['flow_id']}")

    assert found["fully_checked"]
    by_component = {one.get("component_id"): one["problem"] for one in found["problems"]}
    assert by_component.keys() == {"a", None}
    assert "acme.crm.contacts.Create" in by_component["a"]
    assert "trigger" in by_component[None]


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 404, "json": {"statusCode": 404, "error": "Not Found"}},
        {"status_code": 404, "html": "<html>no such page</html>"},
        {"status_code": 403, "json": {"statusCode": 403}},
        {"status_code": 200, "json": {"valid": True}},
    ],
    ids=["no-such-call", "a-web-page", "forbidden", "another-shape"],
)
async def test_where_the_tenant_does_not_check_a_flow_its_form_is_checked(tenant, answer):
    descriptor = {"a": {"type": GET, "source": {"in": {"ghost": ["out"]}}}}
    draft = await as_user(tenant, "POST", "/flows", {"name": "Draft", "flow": descriptor})

    async with client_on(tenant, transport=Recording(tenant.app, {"/validate": answer})) as client:
        found = await read(client, f"appmixer://flows/{draft['flowId']}")

    assert found["fully_checked"] is False
    assert [problem["component_id"] for problem in found["problems"]] == ["a"]
    assert "ghost" in found["problems"][0]["problem"]


async def test_the_list_of_flows_holds_all_pages_of_them(tenant):
    for number in range(105):
        await as_user(tenant, "POST", "/flows", {"name": f"Flow {number}"})

    async with client_on(tenant) as client:
        found = await read(client, "appmixer://flows")

    assert {flow["name"] for flow in found["items"]} == {f"Flow {n}" for n in range(105)}
    assert found["total"] == 105
    assert "next_offset" not in found


async def test_a_component_type_is_shown_with_its_ports_and_without_its_icon(tenant):
    async with client_on(tenant) as client:
        found = await read(client, f"appmixer://components/{GET}")

    assert found["component_type"] == found["manifest"]["name"] == GET
    assert found["label"]
    assert {"inPorts", "outPorts"} <= found["manifest"].keys()
    assert "icon" not in found["manifest"]


async def test_the_guide_is_markdown(tenant):
    async with client_on(tenant) as client:
        (content,) = (await client.read_resource("appmixer://guide/flows")).contents

    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/markdown"
    assert content.text == guide()


async def test_what_is_too_long_is_cut_and_says_so(tools):
    store_id = (await tools("create_store", name="Long"))["store_id"]
    for number in range(4):
        key = f"key {number}"
        await tools("create_store_item", store_id=store_id, key=key, value="x" * 400_000)

    (content,) = (await tools.client.read_resource(f"appmixer://stores/{store_id}")).contents

    found = json.loads(content.text)
    assert 100_000 < len(content.text.encode()) <= 1_000_000
    assert "were cut" in found["left_out"]
    assert "appmixer://" not in found["left_out"]
    assert len(found["items"]) == found["total"] == 4


@pytest.mark.parametrize("address", [*ADDRESSES, "appmixer://components/{}"])
async def test_what_does_not_exist_is_not_found_and_the_way_on_is_named(tools, address):
    error = await refused(tools.client, address.format("acme.no.such.Thing"))

    assert error.code == INVALID_PARAMS
    assert "acme.no.such.Thing" in error.message
    assert re.search(r"Call list_|get_flow shows", error.message)


async def test_what_belongs_to_another_user_is_not_found(tools, other_tools, objects):
    for tool, addresses in OF_OBJECTS.items():
        for address in addresses:
            uri = address.format(objects[tool])
            await tools.client.read_resource(uri)

            assert (await refused(other_tools.client, uri)).code == INVALID_PARAMS, uri
    assert (await read(other_tools.client, "appmixer://flows"))["items"] == []


@pytest.mark.parametrize(
    "value",
    [
        "..",
        "%2e%2e",
        "../user",
        "..%2Fuser",
        "%2e%2e%2f%2e%2e%2fuser",
        "x%2F..%2F..%2Fuser",
        "x%3Fpattern=y",
        "x%23y",
        "x%0d%0aHost:%20evil",
        "%00",
        "",
    ],
)
async def test_no_value_of_an_address_reaches_another_path_of_the_api(tenant, value):
    transport = Recording(tenant.app)

    async with client_on(tenant, transport=transport) as client:
        for address in (*ADDRESSES, "appmixer://components/{}"):
            error = await refused(client, address.format(value))
            assert error.code in (INVALID_PARAMS, INTERNAL_ERROR)
            assert "Error reading" not in error.message

    assert all(ONE_SEGMENT.fullmatch(path) for path in transport.paths), transport.paths
    assert not [path for path in transport.paths if "evil" in path]


async def test_a_query_or_a_fragment_behind_an_address_changes_nothing(tools, objects):
    uri = f"appmixer://flows/{objects['get_flow']}"

    for behind in ("?flow_id=x", "#x", "/", "/logs/..", "/validate"):
        assert (await refused(tools.client, uri + behind)).code == INVALID_PARAMS, behind


@pytest.mark.parametrize("how", ["settings", "request"])
async def test_what_is_not_served_is_neither_listed_nor_read(tenant, how):
    store_id = (await as_user(tenant, "POST", "/stores", {"name": "Orders"}))["storeId"]
    flow_id = (await as_user(tenant, "POST", "/flows", {"name": "Orders"}))["flowId"]
    options = {
        "settings": {"toolsets": ("stores", "session")},
        "request": {"served_to": lambda _, served: served.within(named("stores", "session"))},
    }

    async with client_on(tenant, options[how]) as client:
        listed = {str(one.uri) for one in (await client.list_resources()).resources}
        templates = (await client.list_resource_templates()).resource_templates
        served = await read(client, f"appmixer://stores/{store_id}")
        hidden = [
            await refused(client, uri)
            for uri in (
                "appmixer://flows",
                f"appmixer://flows/{flow_id}",
                f"appmixer://flows/{flow_id}/logs",
                f"appmixer://components/{GET}",
                "appmixer://guide/flows",
            )
        ]

    assert listed == {"appmixer://session"}
    assert {one.uri_template for one in templates} == {"appmixer://stores/{store_id}"}
    assert served["name"] == "Orders"
    assert {error.code for error in hidden} == {INVALID_PARAMS}


async def test_whatever_is_read_nothing_is_changed_at_the_tenant(tenant, objects):
    transport = Recording(tenant.app)
    ids = {
        address: objects[tool] for tool, addresses in OF_OBJECTS.items() for address in addresses
    }
    ids |= {"appmixer://components/{}": GET}

    async with client_on(tenant, transport=transport) as client:
        fixed = [one.uri for one in (await client.list_resources()).resources]
        templates = (await client.list_resource_templates()).resource_templates
        named = [re.sub(r"\{\w+\}", "{}", one.uri_template) for one in templates]
        for uri in (*fixed, *(one.format(ids[one]) for one in named)):
            await client.read_resource(uri)

    assert len(transport.paths) > len(named)
    assert transport.writes == ["/user/auth"]


async def test_read_only_mode_leaves_every_resource(tenant):
    async with client_on(tenant) as client, client_on(tenant, {"read_only": True}) as reader:
        assert await reader.list_resources() == await client.list_resources()
        assert await reader.list_resource_templates() == await client.list_resource_templates()
        assert (await read(reader, "appmixer://flows"))["items"] == []


async def test_who_is_not_signed_in_is_told_how_to(tenant):
    async with client_on(tenant, username=None, password=None) as client:
        error = await refused(client, "appmixer://flows")
        session = await read(client, "appmixer://session")

    assert error.code == INTERNAL_ERROR
    assert "authenticate_user" in error.message
    assert session["signed_in_with"] == "nothing"


async def test_a_tenant_that_is_down_is_told_in_plain_words(tenant):
    def down(request):
        raise httpx2.ConnectError("refused", request=request)

    async with client_on(tenant, transport=httpx2.MockTransport(down)) as client:
        error = await refused(client, "appmixer://flows")

    assert error.code == INTERNAL_ERROR
    assert "Check APPMIXER_BASE_URL and that the tenant runs." in error.message


async def test_a_tenant_of_the_other_dialect_is_read_as_far_as_it_goes(tmp_path):
    async with tenant_in(tmp_path, dialect="openapi") as tenant:
        flow_id = (await as_user(tenant, "POST", "/flows", {"name": "Orders"}))["flowId"]
        task_id = await task_for(tenant)
        async with client_on(tenant, dialect="openapi") as client:
            flows = await read(client, "appmixer://flows")
            flow = await read(client, f"appmixer://flows/{flow_id}")
            logs = await read(client, f"appmixer://flows/{flow_id}/logs")
            task = await read(client, f"appmixer://tasks/{task_id}")
            component = await read(client, f"appmixer://components/{GET}")

    assert [one["flow_id"] for one in flows["items"]] == [flow_id]
    assert flow["fully_checked"]
    assert logs["items"] == []
    assert task["task"]["title"] == "Pay?"
    assert component["manifest"]["name"] == GET
