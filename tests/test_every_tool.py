"""All 39 tools, once on the embedded sandbox and once on one that was started by itself."""

import json
import re

import anyio
from mcp import Client
from pydantic import SecretStr

from appmixer_mcp.settings import Settings
from appmixer_mcp.wiring import Wiring
from tests.processes import sandbox
from tests.sdk_methods import SDK_METHODS

PASSWORD = "a-long-demo-password"
MASKS = (
    (r"https?://[\w.:]+", "URL"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\bchg_[0-9a-f]{10}\b", "ID"),
    (r"\b[0-9a-f]{12}\b", "VERSION"),
    (r"\b[0-9a-f]{16}\b", "ID"),
    (r"\b[0-9a-f]{24}\b", "ID"),
    (r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|\+00:00))?", "WHEN"),
    (r"\b1\d{12}\b", "WHEN"),
    (r"appmixer-\d{6}", "INDEX"),
)
FLOW = {
    "start": {"type": "appmixer.utils.controls.OnStart", "source": {}},
    "next": {
        "type": "appmixer.utils.controls.SetVariable",
        "source": {"in": {"start": ["out"]}},
        "config": {
            "transform": {
                "in": {
                    "start": {
                        "out": {
                            "type": "json2new",
                            "modifiers": {},
                            "lambda": {"variables": {"ADD": []}},
                        }
                    }
                }
            }
        },
    },
}


def masked(result):
    text = json.dumps(result, sort_keys=True)
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return json.loads(text)


class Tour:
    """Calls tools and keeps what each answered, masked."""

    def __init__(self, client):
        self.client = client
        self.answers = []

    async def __call__(self, tool, /, **arguments):
        answer = await self.client.call_tool(tool, arguments)
        content = answer.structured_content or {"error": answer.content[0].text}
        self.answers.append((tool, masked(content)))
        return content


async def visit_flows(tour):
    made = await tour("create_flow", name="Tour", descriptor=FLOW, custom_fields={"a": 1})
    flow_id = made["flow_id"]
    await tour("list_flows", sort="name:1")
    await tour("count_flows", pattern="Tour")
    await tour("get_flow", flow_id=flow_id, detail="descriptor")
    await tour("update_flow", flow_id=flow_id, name="Tour 2")
    await tour("get_flow_authentication", flow_id=flow_id)
    clone = await tour("clone_flow", flow_id=flow_id)
    await tour("delete_flow", flow_id=clone["flow_id"])
    await tour("delete_flow", flow_id=clone["flow_id"], confirm=True)
    await tour("start_flow", flow_id=flow_id)
    await tour("stop_flow", flow_id=flow_id)


async def visit_stores(tour):
    await tour("list_stores")
    store_id = (await tour("create_store", name="Tour"))["store_id"]
    await tour("rename_store", store_id=store_id, name="Tour 2")
    await tour("get_store", store_id=store_id)
    await tour("create_store_item", store_id=store_id, key="k", value="[1]", value_is_json=True)
    await tour("create_store_item", store_id=store_id, key="k", value="v")
    await tour("count_store_records", store_id=store_id)
    await tour("list_store_records", store_id=store_id)
    await tour("delete_store_items", store_id=store_id, keys=["k"])
    await tour("delete_store_items", store_id=store_id, keys=["k"], confirm=True)
    await tour("delete_store", store_id=store_id)
    await tour("delete_store", store_id=store_id, confirm=True)
    await tour("get_store", store_id=store_id)


async def visit_accounts(tour):
    made = await tour("create_account", service="acme:crm", token={"key": "k"}, name="Main")
    account_id = made["account_id"]
    await tour("set_account_name", account_id=account_id, name="Renamed")
    await tour("list_accounts")
    await tour("list_component_accounts", component_type="acme.crm.contacts.Create")
    await tour("list_account_flows", account_id=account_id)


async def visit_tasks_and_charts(tour):
    tasks = await tour("list_tasks")
    task_id = tasks["items"][0]["task_id"]
    await tour("count_tasks")
    await tour("get_task", task_id=task_id)
    await tour("reject_task", task_id=task_id)
    await tour("approve_task", task_id=task_id)
    await tour("approve_task", task_id=task_id, confirm=True)
    charts = await tour("list_charts")
    chart_id = charts["items"][0]["chart_id"]
    await tour("get_chart", chart_id=chart_id)
    await tour("delete_chart", chart_id=chart_id)
    await tour("delete_chart", chart_id=chart_id, confirm=True)


async def visit_logs(tour):
    flows = await tour("list_flows", pattern="broken")
    flow_id = flows["items"][0]["flow_id"]
    with anyio.fail_after(10):
        while not (await tour("query_logs", flow_id=flow_id, severity="error"))["items"]:
            tour.answers.pop()
    found = await tour("query_logs", flow_id=flow_id, severity="error")
    record = found["items"][0]
    await tour("get_log", log_id=record["log_id"], index=record["index"])
    await tour("get_log", log_id="0" * 32, index=record["index"])


async def visit_users(tour):
    await tour("get_user")
    await tour("signup_user", username="tourist@example.com", password="a-password")
    await tour("list_flows")
    await tour("authenticate_user", username="tourist@example.com", password="wrong-one")
    await tour("authenticate_user", username="tourist@example.com", password="a-password")
    await tour("configure_session", access_token="nonsense")
    await tour("get_session")


async def answers(**settings):
    async with Wiring(Settings(**settings)) as wiring, Client(wiring.server()) as client:
        tour = Tour(client)
        with anyio.fail_after(30):
            for visit in (
                visit_logs,
                visit_flows,
                visit_stores,
                visit_accounts,
                visit_tasks_and_charts,
                visit_users,
            ):
                await visit(tour)
    return tour.answers


async def test_every_tool_answers_the_same_embedded_and_on_a_tenant_of_its_own(tmp_path):
    embedded = await answers(data_dir=tmp_path / "embedded")
    with sandbox(tmp_path / "separate", "--demo-password", PASSWORD) as (_, url):
        separate = await answers(
            data_dir=tmp_path / "unused",
            base_url=url,
            username="demo@appmixer.local",
            password=SecretStr(PASSWORD),
        )

    assert {tool for tool, _ in embedded} == set(SDK_METHODS.values())
    for (tool, one), (_, other) in zip(embedded, separate, strict=True):
        assert one | {"base_url": ""} == other | {"base_url": ""}, tool
    refused = [said["error"] for _, said in embedded if "error" in said]
    assert len(refused) == 4
    assert "statusCode" not in "".join(refused)
    assert not (tmp_path / "unused" / "tenant.db").exists()
