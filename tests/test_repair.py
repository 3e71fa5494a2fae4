"""A flow that fails is mended, proven and put back as it was, by an assistant with these tools."""

import anyio
import pytest

from appmixer_mcp.settings import Settings
from appmixer_mcp.wiring import Wiring
from tests.recording import Recording
from tests.transcripts import DOCS, compare

pytestmark = pytest.mark.xdist_group("docs/repair.md")  # which they may write

PAGE = DOCS / "repair.md"
SEEDED = "Nightly export (broken on purpose)"


@pytest.fixture
async def call(tmp_path):
    async with Wiring(Settings(data_dir=tmp_path, toolsets="core,session,stores")) as wiring:
        recording = Recording(wiring)
        with anyio.fail_after(30):
            async with recording.client:
                yield recording


async def failed_once(call, flow_id):
    """Wait until the demo's flow has failed, which it does as soon as its tenant is there."""
    while True:
        answer = await call.client.call_tool(
            "query_logs", {"flow_id": flow_id, "severity": "error"}
        )
        if (answer.structured_content or {})["items"]:
            return


async def whole(call, flow_id):
    """Return the name, stage and descriptor of a flow, without noting that."""
    arguments = {"flow_id": flow_id, "detail": "descriptor"}
    shown = (await call.client.call_tool("get_flow", arguments)).structured_content or {}
    return shown["name"], shown["stage"], list(shown["descriptor"].items()), shown["version"]


async def test_a_failing_flow_is_diagnosed_mended_proven_and_put_back(call, request):
    call.say("Why does the nightly export fail? Mend it.")
    found = await call("list_flows", pattern="nightly export")
    flow_id = found["items"][0]["flow_id"]
    call.name(flow_id, "FLOW_ID")
    await failed_once(call, flow_id)
    before = await whole(call, flow_id)

    diagnosis = await call("diagnose_flow", flow_id=flow_id)
    call.say("It writes to a data store that is not there, and never was.")
    store = await call("create_store", name="Export archive")
    call.name(store["store_id"], "STORE_ID")
    change = {
        "op": "set",
        "component": "Export to archive",
        "fields": {"storeId": store["store_id"]},
    }
    edited = await call(
        "edit_flow", flow_id=flow_id, base_version=diagnosis["version"], operations=[change]
    )
    valid = await call("validate_flow", flow_id=flow_id)
    tested = await call("test_flow", flow_id=flow_id)
    started = await call("start_flow", flow_id=flow_id)
    proof = await call(
        "wait_for_logs", flow_id=flow_id, component="Export to archive", text="newValue"
    )
    call.say("It works. And now everything back, for this was a rehearsal.")
    undone = await call("undo_change", change_id=edited["change_id"])
    removed = await call("delete_store", store_id=store["store_id"])

    assert diagnosis["errors"][0]["component"] == "Export to archive"
    assert "There is no data store" in diagnosis["errors"][0]["message"]
    assert valid["problem_count"] == 0
    assert tested["failed"] == []
    assert started["stage"] == "running"
    assert proof["records"]
    assert undone["done"]
    assert removed["done"]
    assert await whole(call, flow_id) == before
    assert call.calls < 12
    assert call.tokens < 8_000
    compare(PAGE, "repair", call.transcript(), update=request.config.getoption("--update-docs"))
