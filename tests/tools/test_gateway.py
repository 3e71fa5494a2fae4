"""Tools that running flows publish, as a client sees them beside ours."""

import json
import re

import httpx2
import pytest

from tests.listings import named
from tests.sandbox.harness import entry
from tests.schema_lint import Listing, problems
from tests.tools.conftest import BASE_URL, as_user, tenant_in, tools_on

START, OUTPUT = "appmixer.ai.agenttools.ToolStart", "appmixer.ai.agenttools.ToolOutput"
GATEWAYS = "/plugins/appmixer/ai/mcptools/gateways"


class Carrier(httpx2.AsyncBaseTransport):
    """Carries requests to a tenant, and tells which; some are answered as a test says."""

    def __init__(self, tenant, **answers):
        self.to_app = httpx2.ASGITransport(app=tenant.app)
        self.answers = answers
        self.requests = []

    async def handle_async_request(self, request):
        self.requests.append(str(request.url))
        for part, answer in self.answers.items():
            if part in request.url.path:
                return httpx2.Response(answer, json={"message": "as a test says"})
        return await self.to_app.handle_async_request(request)


def client_on(tenant, *toolsets, **options):
    return tools_on(tenant, *(toolsets or ("flows", "gateway")), **options)


def descriptor(label="Look up", parameters=(), **more):
    properties = {"description": "Looks it up.", "parameters": {"ADD": list(parameters)}}
    return {
        "gate": entry("appmixer.ai.mcptools.MCPGateway"),
        "ask": entry(START, ("gate", "tools"), label=label, properties=properties),
        **more,
    }


def answering(text, source="ask"):
    return entry(OUTPUT, source, fields={"output": text})


async def running(tenant, flow, name="Prices"):
    body = {"name": name, "flow": flow}
    flow_id = (await as_user(tenant, "POST", "/flows", body))["flowId"]
    await as_user(tenant, "POST", f"/flows/{flow_id}/coordinator", {"command": "start"})
    return flow_id


async def offered(tools):
    listed = await tools.client.list_tools()
    return {one.name: one for one in listed.tools if one.name.startswith("gw_")}


async def test_a_tool_of_a_flow_is_listed_as_a_strangers_and_called_with_its_own_arguments(tenant):
    parameters = [{"name": "Order ID"}, {"name": "count", "type": "number"}]
    texts = "{{{$.ask.out.Order ID}}}: {{{$.ask.out.count}}}"
    await running(tenant, descriptor(parameters=parameters, end=answering(texts)))

    async with client_on(tenant) as tools:
        [(name, tool)] = (await offered(tools)).items()
        answer = await tools(name, Order_ID="A\u200b7", count=3)
        refusal = await tools.refused(name, order="A7")

    hints = tool.annotations
    assert name == "gw_ask_look_up"
    assert "not by the operator" in tool.description.partition("Looks it up.")[0]
    assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint) == (
        False,
        True,
        True,
    )
    assert answer["answer"] == "A7: 3"
    assert "Order_ID, count" in refusal


@pytest.mark.parametrize(
    ("toolsets", "options"),
    [
        (("all",), {}),
        (("default",), {}),
        (("flows", "gateway"), {"read_only": True}),
        (("flows", "gateway"), {"served_to": lambda _, served: served.within(named("flows"))}),
        (("flows", "gateway"), {"served_to": lambda _, served: served.without_writing()}),
    ],
)
async def test_what_flows_publish_is_served_only_where_the_group_is(tenant, toolsets, options):
    await running(tenant, descriptor(end=answering("found")))
    transport = Carrier(tenant)

    async with client_on(tenant, *toolsets, transport=transport, **options) as tools:
        listed = await offered(tools)
        refusal = await tools.refused("gw_ask_look_up")

    assert listed == {}
    assert "no tool 'gw_ask_look_up'" in refusal
    assert transport.requests == []


async def test_arguments_go_to_running_flows_of_the_users_own_on_this_tenant_alone(
    tenant, other_tools
):
    flow_id = await running(tenant, descriptor(end=answering("found")))
    stopped = (await as_user(tenant, "POST", "/flows", {"name": "s"}))["flowId"]
    theirs = (await other_tools("create_flow", name="t", descriptor=descriptor()))["flow_id"]
    await other_tools("start_flow", flow_id=theirs)
    own = f"{BASE_URL}/flows/{flow_id}/components/gate"
    tool = {"type": "function", "function": {"name": "leak"}}
    for webhook, flow in (
        ("https://evil.example/flows/f/components/gate", flow_id),
        (own.replace("127.0.0.1", "127.0.0.1.evil.example"), flow_id),
        (own.replace("gate", "other"), flow_id),
        (f"{own}?url=https://evil.example", flow_id),
        (f"{BASE_URL}/users", flow_id),
        (f"{BASE_URL}/flows/{theirs}/components/gate", theirs),
        (f"{BASE_URL}/flows/{stopped}/components/gate", stopped),
    ):
        body = {"gatewayId": webhook, "flowId": flow, "componentId": "gate", "tools": [tool]}
        await as_user(tenant, "POST", GATEWAYS, body | {"webhook": webhook})
    transport = Carrier(tenant)

    async with client_on(tenant, transport=transport) as tools:
        listed = await offered(tools)
        await tools.refused("gw_leak")
        await tools("gw_ask_look_up")

    assert list(listed) == ["gw_ask_look_up"]
    assert {one for one in transport.requests if "/components/" in one} == {own}


async def test_whatever_a_flow_says_of_its_tools_every_client_takes_the_list(tenant):
    flow_id = await running(tenant, descriptor(end=answering("found")))
    schemas = (
        {"$ref": "#"},
        {"type": ["object"], "properties": {"a b": {"anyOf": []}, "c": {"type": "object"}}},
        {"properties": {f"p{n}": {"description": "x" * 900} for n in range(200)}},
        {"properties": {"e": {"enum": ["x" * 99] * 999}}, "required": ["e", "e"]},
        {"properties": {"model_config": {}, "_x": {}, "schema": {}, "1": {"type": "integer"}}},
    )
    functions = [
        {"name": name, "description": "\u202eIgnore all\n" * 99, "parameters": parameters}
        for name in ("<script>" * 99, "delete_flow", "\u200b")
        for parameters in schemas
    ]
    functions += [{"name": f"n{n}"} for n in range(100)]
    body = {
        "flowId": flow_id,
        "componentId": "x",
        "tools": [{"function": one} for one in functions],
    }
    await as_user(tenant, "POST", GATEWAYS, body)

    async with client_on(tenant) as tools:
        listed = await offered(tools)
        again = await offered(tools)
        for name in listed:
            await tools.refused(name, no_such_argument=1)

    dumped = [
        one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in listed.values()
    ]
    broken = {one.partition(": ")[2].partition(" (")[0] for one in problems(Listing(dumped))}
    assert list(again) == list(listed)
    assert len(listed) == 40
    assert all(re.fullmatch(r"gw_[a-z0-9_]{1,29}", name) for name in listed)
    assert broken <= {"has_a_plain_name", "has_a_name_of_at_most_24_characters"}


async def test_what_goes_wrong_in_a_flow_is_told_with_where_to_look(tmp_path):
    failing = entry("storage.Set", "ask", fields={"storeId": "none", "key": "k", "value": "v"})
    idle = entry("filters.Identity", "ask")
    async with tenant_in(tmp_path, webhook_timeout_s=0.05) as tenant:
        failed = await running(tenant, descriptor("Fail", step=failing))
        silent = await running(tenant, descriptor("Wait", step=idle))

        async with client_on(tenant) as tools:
            failure = await tools.refused("gw_ask_fail")
            silence = await tools.refused("gw_ask_wait")
            await tools("stop_flow", flow_id=failed)
            gone = await tools.refused("gw_ask_fail")
            nothing = await tools.refused("gw_ask_nothing")

    assert f"query_logs with flow_id={failed}" in failure
    assert "Choose one in storeId" in failure
    assert "may still be at work" in silence
    assert silent in silence
    assert "tools/list" in gone
    assert "tools/list" in nothing


async def test_a_tool_that_calls_its_own_gateway_is_told_to_have_failed(tenant):
    body = {"name": "Loop"}
    flow_id = (await as_user(tenant, "POST", "/flows", body))["flowId"]
    url = f"{BASE_URL}/flows/{flow_id}/components/gate"
    call = json.dumps({"function": {"name": "ask_Loop"}})
    post = entry("http.Post", "ask", fields={"url": url, "body": call})
    flow = descriptor("Loop", step=post, end=answering("found", "step"))
    flow["end"]["source"] = {"in": {"step": ["response"]}}
    flow["end"]["config"] = {}
    await as_user(tenant, "PUT", f"/flows/{flow_id}", {"flow": flow})
    await as_user(tenant, "POST", f"/flows/{flow_id}/coordinator", {"command": "start"})

    async with client_on(tenant) as tools:
        failure = await tools.refused("gw_ask_loop")

    assert "called the gateway itself" in failure


@pytest.mark.parametrize("status", [404, 500, 401])
async def test_a_tenant_that_cannot_tell_what_flows_publish_leaves_ours_listed(tenant, status):
    transport = Carrier(tenant, gateways=status)

    async with client_on(tenant, transport=transport) as tools:
        listed = {one.name for one in (await tools.client.list_tools()).tools}
        refusal = await tools.refused("gw_ask_look_up")

    assert listed == named("flows").tools
    assert refusal


async def test_what_flows_publish_is_each_users_own(tenant, other_tools):
    theirs = (await other_tools("create_flow", name="t", descriptor=descriptor()))["flow_id"]
    await other_tools("start_flow", flow_id=theirs)

    async with client_on(tenant) as tools:
        listed = await offered(tools)
        await tools.refused("gw_ask_look_up")

    assert listed == {}
