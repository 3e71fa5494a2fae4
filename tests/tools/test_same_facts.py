"""Text and structured content carry the same facts, whichever of the two a client shows its model.

Every tool is called on one tenant with room for its results, and on another with nearly none. The
tests below look at each answer; a tool that is not called fails them.
"""

import json
from collections import defaultdict

import anyio
import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from mcp import Client
from mcp.types import ResourceLink, TextContent

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.server import build_server
from appmixer_mcp.surface import load_toolsets

from .conftest import ECHO, FAILING, as_user, session_on, tenant_in

SPECS = {spec.name: spec for toolset in load_toolsets().values() for spec in toolset.tools}
LISTS = sorted(name for name, spec in SPECS.items() if "items" in spec.output_schema["properties"])
ASKING = sorted(name for name, spec in SPECS.items() if spec.preview is not None)
CUT = [
    "create_store_item", "get_chart", "get_flow", "get_flow_authentication", "get_log",
    "get_task", "list_account_flows", "list_accounts", "list_charts", "list_component_accounts",
    "list_flows", "list_store_records", "list_stores", "list_tasks", "query_logs", "update_flow",
]  # fmt: skip
"""Tools whose results can be longer than there is room for."""
ROOMY, TIGHT = 20_000, 900
LONG = "long " * 300
NAME = LONG[:200]
CRM = "acme.crm.contacts.Create"


class Tour:
    """Calls tools and keeps what each answered."""

    def __init__(self, client, tenant):
        self.client = client
        self.tenant = tenant
        self.answers = defaultdict(list)

    async def __call__(self, tool, /, **arguments):
        answer = await self.client.call_tool(tool, arguments)
        assert not answer.is_error, answer.content
        self.answers[tool].append(answer)
        return answer.structured_content

    async def confirmed(self, tool, /, **arguments):
        preview = await self(tool, **arguments)
        token = preview.get("confirm_token")
        how = {"confirm_token": token} if token else {"confirm": True}
        return await self(tool, **arguments, **how)

    async def api(self, method, path, body=None):
        return await as_user(self.tenant, method, path, body)


async def look_around(tour):
    """Look where nothing is yet."""
    await tour("get_session")
    await tour("get_user")
    await tour("configure_session")
    for name in ("flows", "stores", "accounts", "tasks", "charts"):
        await tour(f"list_{name}")
    await tour("query_logs")
    await tour("list_component_accounts", component_type=CRM)
    await tour("count_flows")
    await tour("count_tasks")


async def visit_flows(tour):
    empty = (await tour("create_flow", name="Empty"))["flow_id"]
    await tour("get_flow", flow_id=empty)
    made = [
        await tour("create_flow", name=f"{number} {NAME}", descriptor=ECHO) for number in range(3)
    ]
    flow_id = made[0]["flow_id"]
    many = {f"{number} {NAME}": {"type": CRM, "source": {}} for number in range(6)}
    await tour("update_flow", flow_id=flow_id, descriptor=ECHO | many)
    await tour("list_flows")
    await tour("list_flows", fields=["name"])
    for detail in ("summary", "components", "descriptor"):
        await tour("get_flow", flow_id=flow_id, detail=detail, component_ids=["hook", "ghost"])
    await tour("get_flow", flow_id=flow_id, fields=["label"])
    await tour.confirmed("update_flow", flow_id=flow_id, descriptor={})
    clone = await tour("clone_flow", flow_id=flow_id)
    await tour.confirmed("delete_flow", flow_id=clone["flow_id"])


async def visit_logs(tour):
    text = json.dumps(FAILING).replace("no-such-store", LONG)
    flow_id = (await tour("create_flow", name="Failing", descriptor=json.loads(text)))["flow_id"]
    await tour("start_flow", flow_id=flow_id)
    await tour.tenant.engine.wait_idle()
    await tour("stop_flow", flow_id=flow_id)
    await tour("query_logs", flow_id=flow_id)
    found = await tour("query_logs", flow_id=flow_id, fields=["severity"])
    for record in found["items"]:
        await tour("get_log", log_id=record["log_id"], index=record["index"])


async def visit_stores(tour):
    store_id = (await tour("create_store", name="s"))["store_id"]
    await tour("get_store", store_id=store_id)
    await tour("list_store_records", store_id=store_id)
    for name in ("Orders", NAME):
        await tour("rename_store", store_id=store_id, name=name)
    for number in range(6):
        await tour("create_store", name=f"{number} {NAME}")
        await tour("create_store_item", store_id=store_id, key=f"{number}", value=LONG)
    changed = {"value": "[null]", "value_is_json": True, "overwrite": True}
    await tour.confirmed("create_store_item", store_id=store_id, key="0", **changed)
    await tour("list_stores")
    await tour("list_store_records", store_id=store_id)
    await tour("list_store_records", store_id=store_id, fields=["value"], limit=1, offset=2)
    await tour("count_store_records", store_id=store_id)
    await tour.confirmed("delete_store_items", store_id=store_id, keys=[NAME, "0"])
    await tour.confirmed("delete_store", store_id=store_id)


async def visit_accounts(tour):
    account = {"service": "acme:crm", "token": {"key": "k"}}
    account_id = (await tour("create_account", **account))["account_id"]
    await tour("list_account_flows", account_id=account_id)
    for number in range(6):
        await tour("create_account", **account, name=f"{number} {NAME}")
        descriptor = {f"crm {number}": {"type": CRM, "source": {}}}
        await tour("create_flow", name=f"{number} {NAME}", descriptor=descriptor)
        await tour.api("PUT", f"/auth/component/crm {number}/{account_id}", {})
    await tour("set_account_name", account_id=account_id, name="Renamed")
    await tour("list_accounts")
    await tour("list_accounts", fields=["service"])
    await tour("list_component_accounts", component_type=CRM)
    await tour("list_account_flows", account_id=account_id)
    found = await tour("list_flows", limit=1)
    await tour("get_flow_authentication", flow_id=found["items"][0]["flow_id"])


async def visit_tasks(tour):
    for number in range(3):
        task = {
            "title": f"Pay invoice {number} {NAME}",
            "description": LONG,
            "requester": "ann@example.com",
            "approver": LOCAL_USER,
            "decisionBy": "2099-01-01T00:00:00Z",
        }
        task_id = (await tour.api("POST", "/people-task/tasks", task))["taskId"]
        await tour("get_task", task_id=task_id)
        await tour("list_tasks")
        if number:
            await tour.confirmed(("approve_task", "reject_task")[number - 1], task_id=task_id)
    await tour("list_tasks", fields=["status"])
    await tour("count_tasks", pattern="invoice")


async def visit_charts(tour):
    for number in range(5):
        chart = {
            "name": f"{number} {NAME}",
            "index": 0,
            "type": "bar",
            "traces": {"t": {"n": LONG}},
        }
        await tour.api("POST", "/charts", chart)
    (chart, *_) = (await tour("list_charts"))["items"]
    await tour("get_chart", chart_id=chart["chart_id"])
    await tour.confirmed("delete_chart", chart_id=chart["chart_id"])


async def visit_users(tour):
    who = {"username": "ann@example.com", "password": "secret-of-ann"}
    await tour("signup_user", **who)
    await tour("get_session")
    await tour("authenticate_user", **who)


async def go(directory, *, max_result_bytes, policy, mode):
    async with tenant_in(directory) as tenant:
        session = session_on(tenant)
        options = ServerOptions(
            session=session,
            toolsets=("all",),
            max_result_bytes=max_result_bytes,
            confirmations=Confirmations(policy),
        )
        async with Client(build_server(options), mode=mode) as client:
            tour = Tour(client, tenant)
            with anyio.fail_after(30):
                for visit in (
                    look_around,
                    visit_flows,
                    visit_logs,
                    visit_stores,
                    visit_accounts,
                    visit_tasks,
                    visit_charts,
                    visit_users,
                ):
                    await visit(tour)
        await session.aclose()
        return tour.answers


@pytest.fixture(scope="module")
def roomy(tmp_path_factory):
    """What each tool answered where there was room for it."""
    directory = tmp_path_factory.mktemp("roomy")

    async def tour():
        return await go(directory, max_result_bytes=ROOMY, policy="auto", mode="auto")

    return anyio.run(tour)


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    """What each tool answered where there was hardly any room."""
    directory = tmp_path_factory.mktemp("tight")

    async def tour():
        return await go(directory, max_result_bytes=TIGHT, policy="token", mode="legacy")

    return anyio.run(tour)


def facts(answer):
    """Return the facts of an answer, which both channels must carry alone and alike."""
    text, *links = answer.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == answer.structured_content
    for link in links:
        assert isinstance(link, ResourceLink)
        assert link.uri in answer.structured_content["left_out"]
    return answer.structured_content


def declared(content, schema):
    """Yield every value that a schema names."""
    for name, one in schema.get("properties", {}).items():
        if name in content:
            yield content[name]
            if one["type"] == "object":
                yield from declared(content[name], one)
            if one["type"] == "array" and one["items"]["type"] == "object":
                for item in content[name]:
                    yield from declared(item, one["items"])


@pytest.mark.parametrize("room", ["roomy", "tight"])
@pytest.mark.parametrize("tool", SPECS)
def test_both_channels_say_the_same_and_what_the_schema_promises(tool, room, request):
    answers = request.getfixturevalue(room)[tool]
    schema = SPECS[tool].output_schema

    assert answers, f"the tour above does not call {tool}"
    for answer in answers:
        content = facts(answer)
        jsonschema.validate(content, schema)
        assert content.keys() <= schema["properties"].keys()
        assert None not in declared(content, schema)


@pytest.mark.parametrize("tool", LISTS)
def test_an_empty_list_is_an_empty_list_in_both_channels(tool, roomy):
    empty = [facts(answer) for answer in roomy[tool] if not answer.structured_content["items"]]

    assert empty, f"the tour above never sees {tool} without items"
    assert {json.dumps(content) for content in empty} <= {
        '{"total": 0, "items": []}',
        '{"total": 0, "items": [], "days": []}',
    }


@pytest.mark.parametrize("tool", CUT)
def test_what_was_cut_is_named_in_both_channels(tool, tight, roomy):
    cut = [facts(one) for one in tight[tool] if "left_out" in one.structured_content]

    assert cut
    assert all("left_out" not in one.structured_content for one in roomy[tool])


@pytest.mark.parametrize("tool", sorted(SPECS.keys() - set(CUT)))
def test_every_other_result_is_short_enough_to_be_whole(tool, tight):
    assert not any("left_out" in one.structured_content for one in tight[tool])


@pytest.mark.parametrize("tool", [name for name in LISTS if name in CUT])
def test_a_list_that_was_cut_says_how_to_go_on(tool, tight):
    missing = [
        content
        for content in map(facts, tight[tool])
        if "items did not fit" in content.get("left_out", "")
    ]

    assert missing
    for content in missing:
        assert content["next_offset"] == len(content["items"])
        assert content["next_offset"] < content["total"]


@pytest.mark.parametrize("room", ["roomy", "tight"])
@pytest.mark.parametrize("tool", ASKING)
def test_a_preview_shows_all_that_is_needed_to_answer_in_both_channels(tool, room, request):
    answers = [facts(one) for one in request.getfixturevalue(room)[tool]]

    previews = [one for one in answers if not one["done"]]

    assert previews
    for preview in previews:
        assert preview["message"].endswith("?")
        assert preview["impact"]
        assert ("confirm_token" if room == "tight" else "confirm=true") in preview["next_step"]
        assert ("confirm_token" in preview) == (room == "tight")
    assert any(one["done"] for one in answers)
