"""What a user's flows do, in numbers."""

import anyio
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, WriteLog, failing_flow, problem, saved, started


async def test_messages_are_counted_between_two_days(ann: Client, write_log: WriteLog) -> None:
    for day in ("2025-12-31", "2026-01-01", "2026-01-30"):
        write_log("arrived", f"{day}T10:00", port_type="in")
        write_log("sent", f"{day}T10:00", port_type="out")
    user_id = (await ann.get("/user")).json()["id"]

    this_month = (await ann.get("/telemetry")).json()["messageCounts"]
    query = {"from": "2025-12-31", "to": "2026-01-01"}
    asked = (await ann.get("/telemetry", params=query)).json()["messageCounts"]

    assert this_month == {"from": "2026-01-01", "to": "2026-01-31", "count": 2, "userId": user_id}
    assert asked == {**query, "count": 2, "userId": user_id}


async def test_running_flows_and_apps_are_counted(ann: Client, bob: Client, tenant: Tenant) -> None:
    await started(ann, failing_flow())
    await saved(ann, {"x": {"type": "acme.crm.contacts.Find"}})
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    told, others = [(await client.get("/telemetry")).json() for client in (ann, bob)]

    assert told["runningFlows"]["count"] == told["activeConnectors"]["count"] == 1
    assert told["usedApps"] == ["acme.crm", "appmixer.utils"]
    assert told["messageCounts"]["count"] == 1
    assert (others["runningFlows"]["count"], others["usedApps"]) == (0, [])


@pytest.mark.parametrize("query", [{"from": "soon"}, {"from": "2026-02-01", "to": "2026-01-01"}])
async def test_days_that_make_no_sense_are_refused(ann: Client, query: dict[str, str]) -> None:
    status, message = problem(await ann.get("/telemetry", params=query))

    assert status == 400
    assert "from" in message
