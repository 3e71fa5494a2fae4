"""A caller may ask for less than the operator serves, and never gets more."""

import json

import httpx2
import pytest
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from tests.processes import call, refused
from tests.serving import HELLO, asking, client_of, sign_in
from tests.workers import MODERN, modern

WAYS = ["modern", "legacy", "sse", "sse of today"]
ACCEPT = {"Accept": "application/json, text/event-stream"}
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
FLOW = "appmixer://flows/{flow_id}"
READING = {"list_flows", "count_flows", "get_flow", "get_flow_authentication"}
READING_STORES = {"list_stores", "get_store", "count_store_records", "list_store_records"}


@pytest.fixture
async def operated(tenant, serve):
    """A server whose operator is Ann, and what she calls it with."""
    token = await tenant.sign_up("ann")
    async with serve(access_token=token) as url:
        yield url


async def tools_of(client):
    return {tool.name for tool in (await client.list_tools()).tools}


async def listed(http, path="/mcp", **headers):
    """Return the names of the tools in the answer to a bare request."""
    asked = modern_listing() if "Mcp-Session-Id" not in headers else {"json": LISTING}
    headers = ACCEPT | asked.get("headers", {}) | headers
    answer = await http.post(path, json=asked["json"], headers=headers)
    assert answer.status_code == 200, answer.text
    (message,) = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if "jsonrpc" in line
    ]
    return {tool["name"] for tool in message["result"]["tools"]}


def modern_listing():
    meta = modern("any")["json"]["params"]["_meta"]
    return {
        "headers": MODERN | {"Mcp-Method": "tools/list"},
        "json": {**LISTING, "params": {"_meta": meta}},
    }


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/mcp/x/flows/readonly", {}),
        ("/mcp", {"X-Appmixer-Toolsets": "flows", "X-Appmixer-Read-Only": "true"}),
        ("/mcp/readonly", {"X-Appmixer-Toolsets": "flows,", "X-Appmixer-Read-Only": "false"}),
        (
            "/mcp/x/flows,stores",
            {"X-Appmixer-Toolsets": "logs, flows", "X-Appmixer-Read-Only": "1"},
        ),
    ],
    ids=["path", "header", "both", "what is in both"],
)
async def test_header_and_path_ask_for_less(in_process, path, headers):
    async with in_process() as http:
        tools = await listed(http, path, **headers)

    assert tools == READING


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_not_listed_cannot_be_called(operated, way):
    async with client_of(operated, way) as client:
        flow = (await call(client, "create_flow", name="f", descriptor={}))["flow_id"]

    asked = {"X-Appmixer-Toolsets": "flows", "X-Appmixer-Read-Only": "false"}
    async with client_of(operated, way, below="/readonly", headers=asked) as client:
        tools = await tools_of(client)
        shown = await call(client, "get_flow", flow_id=flow)
        writes = await refused(client, "start_flow", flow_id=flow)
        elsewhere = await refused(client, "list_stores")

    assert tools == READING
    assert shown["stage"] == "stopped"
    assert "asked for less" in writes
    assert "asked for less" in elsewhere


@pytest.mark.parametrize("way", ["modern", "legacy"])
async def test_the_instructions_are_about_what_is_served(operated, way):
    async with client_of(operated, way, below="/x/charts") as client:
        of_charts = client.instructions or ""
    async with client_of(operated, way, below="/readonly") as client:
        read_only = client.instructions or ""

    assert "list_flows" not in of_charts
    assert "ask the person first" in of_charts
    assert "Read-only mode" in read_only
    assert "list_flows gives flow ids" in read_only
    assert not [said for said in ("create_flow", "ask the person") if said in read_only]


@pytest.mark.parametrize(
    "way", ["modern", "legacy", "sse", pytest.param("sse of today", marks=pytest.mark.long)]
)
async def test_what_a_caller_left_out_is_neither_read_nor_prompted_nor_completed(operated, way):
    async with client_of(operated, way) as client:
        flow = (await call(client, "create_flow", name="Nightly", descriptor={}))["flow_id"]
        whole = await seen_of_flows(client, flow)
    async with client_of(operated, way, below="/x/stores") as client:
        left = await seen_of_flows(client, flow)

    assert all(whole.values()), whole
    assert not any(left.values()), left


async def seen_of_flows(client, flow):
    """Return whatever a client gets to see of a flow without a tool."""
    templates = (await client.list_resource_templates()).resource_templates
    prompts = (await client.list_prompts()).prompts
    by_id = await client.complete(
        ResourceTemplateReference(type="ref/resource", uri=FLOW), {"name": "flow_id", "value": ""}
    )
    by_name = await client.complete(
        PromptReference(type="ref/prompt", name="explain_flow"), {"name": "flow", "value": "Ni"}
    )
    return {
        "template": FLOW in [one.uri_template for one in templates],
        "read": await given(client.read_resource(f"appmixer://flows/{flow}")),
        "prompt listed": "explain_flow" in [one.name for one in prompts],
        "prompt": await given(client.get_prompt("explain_flow", {"flow": "Nightly"})),
        "completed by id": flow in by_id.completion.values,
        "completed by name": "Nightly" in by_name.completion.values,
    }


async def given(answer):
    try:
        return bool(await answer)
    except MCPError:
        return False


@pytest.mark.parametrize("path", ["/mcp", "/mcp/x/all", "/mcp/x/flows,stores"])
async def test_nobody_gets_more_than_the_operator_serves(in_process, path):
    wider = {"X-Appmixer-Toolsets": "all", "X-Appmixer-Read-Only": "false"}
    written = modern("create_flow", name="f", descriptor={})

    async with in_process(toolsets="flows", read_only=True) as http:
        tools = await listed(http, path, **wider)
        answer = await http.post(
            path, json=written["json"], headers=ACCEPT | written["headers"] | wider
        )

    assert tools == READING
    assert "APPMIXER_READ_ONLY" in answer.text


async def test_a_session_gets_no_more_than_it_was_opened_with(operated):
    async with httpx2.AsyncClient(base_url=operated, headers=ACCEPT) as http:
        opened = await http.post(
            "/mcp/readonly", json=HELLO, headers={"X-Appmixer-Toolsets": "flows,stores"}
        )
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        more = await listed(http, "/mcp/x/all", **session, **{"X-Appmixer-Read-Only": "false"})
        call = asking("create_store", {"name": "s"})
        written = await http.post("/mcp", json=call, headers=session)
        less = await listed(http, "/mcp/x/stores", **session)
        again = await listed(http, **session)

    assert more == READING | READING_STORES
    assert "asked for less" in written.text
    assert less == READING_STORES
    assert again == more


@pytest.mark.parametrize("ways", [("legacy", "modern"), ("sse", "sse of today")])
async def test_callers_side_by_side_see_what_each_asked_for(operated, ways):
    async with (
        client_of(operated, ways[0], below="/x/flows") as one,
        client_of(operated, ways[1], headers={"X-Appmixer-Toolsets": "stores"}) as another,
        client_of(operated, ways[0]) as third,
    ):
        seen = [await tools_of(client) for client in (one, another, third, one)]

    assert [("list_flows" in tools, "list_stores" in tools) for tools in seen] == [
        (True, False),
        (False, True),
        (True, True),
        (True, False),
    ]


@pytest.mark.parametrize(
    ("below", "headers", "said"),
    [
        ("/x/flows,nonsense", [], "'nonsense'; use default, sdk, core, all, session, flows"),
        ("/x/readonly", [], "'readonly'"),
        ("/x/ ", [], "''"),
        ("", [("X-Appmixer-Toolsets", "Flows")], "X-Appmixer-Toolsets: There is no preset"),
        ("", [("X-Appmixer-Toolsets", "")], "X-Appmixer-Toolsets: There is no preset"),
        ("", [("X-Appmixer-Toolsets", "flows"), ("X-Appmixer-Toolsets", "logs")], "2 times"),
        ("", [("X-Appmixer-Read-Only", "maybe")], "must be true or false"),
        ("", [("X-Appmixer-Read-Only", "")], "must be true or false"),
        ("", [("X-Appmixer-Read-Only", "false, true")], "must be true or false"),
        ("", [("X-Appmixer-Read-Only", "true"), ("X-Appmixer-Read-Only", "0")], "2 times"),
        ("", [("X-Appmixer-Toolsets", "logs")], "leaves no tools"),
    ],
)
async def test_what_cannot_be_told_is_refused(in_process, below, headers, said):
    async with in_process(toolsets="flows,stores") as http:
        answers = [
            await http.post(f"/mcp{below}", headers=headers),
            await http.get(f"/sse{below}", headers=headers),
        ]
        if headers:
            answers.append(await http.post("/messages/", headers=headers))

    for answer in answers:
        assert answer.status_code == 400
        assert said in answer.json()["error_description"]


async def test_a_client_finds_the_sign_in_below_the_path_too(tenant, serve):
    path = "/mcp/x/flows/readonly"
    await tenant.sign_up("ann")

    async with serve(auth="oauth") as url:
        async with httpx2.AsyncClient(base_url=url, headers=ACCEPT) as http:
            refusal = await http.post(path)
            pointer = refusal.headers["www-authenticate"].split('resource_metadata="')[1]
            resource = (await http.get(pointer.split('"')[0])).json()["resource"]
        token = await sign_in(url, "ann")
        async with client_of(url, "modern", token, below="/x/flows/readonly") as client:
            tools = await tools_of(client)

    assert refusal.status_code == 401
    assert check_resource_allowed(resource_url_from_server_url(url + path), resource)
    assert tools == READING


async def test_a_path_is_not_repeated_to_whom_nobody_knows(in_process):
    async with in_process(
        auth="oauth", public_url="http://127.0.0.1:8000", encryption_key="e" * 32
    ) as http:
        answer = await http.post('/mcp/x/a",error="b')

    assert answer.status_code == 401
    assert "error" not in answer.headers["www-authenticate"]


async def test_a_token_in_a_header_serves_below_the_path_too(tenant, serve):
    token = await tenant.sign_up("ann")

    async with (
        serve(auth="bearer") as url,
        client_of(url, "legacy", token, below="/x/stores/readonly") as client,
    ):
        tools = await tools_of(client)

    assert tools == READING_STORES


async def test_a_web_page_may_send_the_headers(in_process):
    async with in_process() as http:
        answer = await http.options(
            "/mcp/readonly",
            headers={
                "Origin": "http://localhost:6274",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-appmixer-toolsets, x-appmixer-read-only",
            },
        )

    assert answer.status_code == 200
