"""Calls the tools that say what is wrong with flows and what became of their messages."""

import json

from tests.tools.conftest import FAILING
from tests.tools.touring import LONG

CUT = ["diagnose_flow", "get_run", "wait_for_logs"]


async def visit(tour):
    await tour("get_run", correlation_id="nothing-yet")
    await tour("wait_for_logs", text="nothing yet", wait_s=0)
    text = json.dumps(FAILING).replace("no-such-store", LONG)
    flow_id = (await tour("create_flow", name="Failing", descriptor=json.loads(text)))["flow_id"]
    await tour("diagnose_flow", flow_id=flow_id)
    for _ in range(3):
        await tour("start_flow", flow_id=flow_id)
        await tour.tenant.engine.wait_idle()
        await tour("stop_flow", flow_id=flow_id)
    await tour("diagnose_flow", flow_id=flow_id)
    errors = await tour("query_logs", flow_id=flow_id, severity="error", fields=["correlation_id"])
    await tour("get_run", correlation_id=errors["items"][0]["correlation_id"])
    await tour("log_stats", flow_id=flow_id)
    await tour("log_stats", flow_id=flow_id, text="nothing like it")
    waited = await tour("wait_for_logs", flow_id=flow_id, count=2, limit=2, wait_s=0)
    await tour("wait_for_logs", flow_id=flow_id, cursor=waited["cursor"], wait_s=0)
    await tour("query_logs", flow_id=flow_id, component="Save", since="1h", text="no data store")
