"""Calls every tool of the SDK."""

import json

from appmixer_mcp.sandbox.config import LOCAL_USER
from tests.tools.conftest import ECHO, FAILING
from tests.tools.touring import LONG, NAME

CRM = "acme.crm.contacts.Create"
CUT = [
    "create_store_item", "get_chart", "get_flow", "get_flow_authentication", "get_log",
    "get_task", "list_account_flows", "list_accounts", "list_charts", "list_component_accounts",
    "list_flows", "list_store_records", "list_stores", "list_tasks", "query_logs", "update_flow",
]  # fmt: skip


async def visit(tour):
    await look_around(tour)
    for part in (
        visit_flows,
        visit_logs,
        visit_stores,
        visit_accounts,
        visit_tasks,
        visit_charts,
        visit_users,
    ):
        await part(tour)


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
