"""Calls the tools for whole stores, versions, charts, events, and tasks that no flow asks for."""

from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.sandbox.config import LOCAL_USER
from tests.tools.conftest import ECHO
from tests.tools.touring import LONG, NAME

CUT = ["export_store", "get_chart_data", "list_flow_versions", "trigger_component"]
EAR = {
    "ear": {
        "type": "appmixer.utils.appevents.OnAppEvent",
        "source": {},
        "config": {"properties": {"event": "order"}},
    }
}


def options(_tenant, directory):
    files = directory / "files"
    files.mkdir()
    return {"files": FileDirectory(files)}


async def visit(tour):
    for part in (visit_stores, visit_versions, visit_events, visit_charts, visit_tasks):
        await part(tour)


async def visit_stores(tour):
    store_id = (await tour("create_store", name="Stock"))["store_id"]
    items = [{"key": f"{number}", "value": LONG} for number in range(5)]
    await tour("export_store", store_id=store_id)
    await tour("import_store_items", store_id=store_id, items=items)
    await tour("import_store_items", store_id=store_id, items=items)
    changed = [{"key": "0", "value": "[1]", "value_is_json": True}]
    await tour.confirmed("import_store_items", store_id=store_id, items=changed, overwrite=True)
    await tour("export_store", store_id=store_id)
    await tour("save_store", store_id=store_id, to_file="stock.json")


async def visit_versions(tour):
    flow_id = (await tour("create_flow", name="Flow", descriptor=ECHO))["flow_id"]
    await tour("list_flow_versions", flow_id=flow_id)
    for number in range(6):
        await tour("save_flow_version", flow_id=flow_id, label=f"{number} {NAME}")
    page = await tour("list_flow_versions", flow_id=flow_id)
    version_id = page["items"][0]["version_id"]
    await tour.confirmed("restore_flow_version", flow_id=flow_id, version_id=version_id)


async def visit_events(tour):
    flow_id = (await tour("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    await tour("start_flow", flow_id=flow_id)
    call = {"flow_id": flow_id, "component": "hook", "body": {"text": LONG}}
    await tour.confirmed("trigger_component", **call)
    for number in range(2):
        made = await tour("create_flow", name=f"On order {number}", descriptor=EAR)
        await tour("start_flow", flow_id=made["flow_id"])
    await tour.confirmed("send_app_event", event="order", data={"text": LONG})
    await tour.tenant.engine.wait_idle()


async def visit_charts(tour):
    found = await tour("list_flows", limit=10)
    flow_ids = [flow["flow_id"] for flow in found["items"]]
    made = await tour("create_chart", name="Chart", flow_ids=flow_ids)
    chart_id = made["chart_id"]
    # Two kinds of trace, with names that take room.
    severities = {"agg": {"terms": {"field": "severity"}}, "name": NAME}
    days = {"agg": {"date_histogram": {"field": "@timestamp", "interval": "1d"}}, "name": NAME}
    traces = {f"{number}": (severities, days)[number % 2] for number in range(6)}
    await tour("get_chart_data", chart_id=chart_id)
    await tour("update_chart", chart_id=chart_id, traces=traces)
    await tour("get_chart_data", chart_id=chart_id)
    await tour("get_telemetry")


async def visit_tasks(tour):
    await tour("create_task", title="Pay?", approver=LOCAL_USER, description=LONG)
