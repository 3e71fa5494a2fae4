"""A brief becomes a running flow with a webhook, a condition and an approval, in a few calls."""

import anyio
import pytest

from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.settings import Settings
from appmixer_mcp.wiring import Wiring
from tests.recording import Recording
from tests.transcripts import DOCS, compare

pytestmark = pytest.mark.xdist_group("docs/repair.md")  # which they may write

HTTP, CONTROLS, STORAGE = (f"appmixer.utils.{name}" for name in ("http", "controls", "storage"))
AMOUNT = "{{Order arrives.request.data.amount}}"
ORDER = "{{Order arrives.request.data}}"
KEY = "{{Order arrives.request.data.id}}"


def operations(store_id):
    over_1000 = {"AND": [{"OR": [{"input": AMOUNT, "operator": ">", "value": 1000}]}]}
    stored = {"storeId": store_id, "key": KEY}
    return [
        {
            "op": "add",
            "component": "Order arrives",
            "type": f"{HTTP}.WebhookTrigger",
            "properties": {"immediateResponse": True},
        },
        {
            "op": "add",
            "component": "Over 1,000?",
            "type": f"{CONTROLS}.Condition",
            "from": "Order arrives",
            "fields": {"expression": over_1000},
        },
        {
            "op": "add",
            "component": "Ask for approval",
            "type": "appmixer.utils.tasks.RequestApproval",
            "from": "Over 1,000?",
            "out_port": "true",
            "fields": {
                "title": f"Approve order {KEY}",
                "description": f"It amounts to {AMOUNT}.",
                "requester": LOCAL_USER,
                "approver": LOCAL_USER,
                "decisionBy": "2030-01-01T00:00:00Z",
            },
        },
        {
            "op": "add",
            "component": "Store approved order",
            "type": f"{STORAGE}.Set",
            "from": "Ask for approval",
            "out_port": "approved",
            "fields": {**stored, "value": {"order": ORDER, "status": "approved"}},
        },
        {
            "op": "add",
            "component": "Store order",
            "type": f"{STORAGE}.Set",
            "from": "Over 1,000?",
            "out_port": "false",
            "fields": {**stored, "value": {"order": ORDER, "status": "accepted"}},
        },
    ]


async def test_a_brief_becomes_a_running_flow_in_a_few_calls(tmp_path, request):
    settings = Settings(data_dir=tmp_path, toolsets="core,create_store,trigger_component")
    async with Wiring(settings) as wiring:
        call = Recording(wiring)
        with anyio.fail_after(30):
            async with call.client:
                call.say("Orders come in by webhook. Over 1,000 I approve first; store them all.")
                await call("search_components", query="ask a person for approval", limit=3)
                await call("get_component", component_type="appmixer.utils.tasks.RequestApproval")
                store = await call("create_store", name="Orders of this year")
                made = await call("create_flow", name="Orders with approval")
                call.name(made["flow_id"], "FLOW_ID")
                call.name(store["store_id"], "STORE_ID")
                edited = await call(
                    "edit_flow",
                    flow_id=made["flow_id"],
                    base_version=made["version"],
                    operations=operations(store["store_id"]),
                )
                call.say("It is checked already: no new problem. May it run?")
                started = await call("start_flow", flow_id=made["flow_id"])
                sent = await call(
                    "trigger_component",
                    flow_id=made["flow_id"],
                    component=edited["ids"]["Order arrives"],
                    body={"id": "A-1", "amount": 4200},
                )
                asked = await call("wait_for_logs", flow_id=made["flow_id"], text="pending")
                tasks = await call("list_tasks", pattern="A-1", role="approver")

    assert started["stage"] == "running"
    assert sent["done"]
    assert asked
    assert [task["title"] for task in tasks["items"]] == ["Approve order A-1"]
    assert call.calls < 10
    page = DOCS / "repair.md"
    compare(page, "build", call.transcript(), update=request.config.getoption("--update-docs"))
