"""Calls the tools that take changes back, and those that write single records."""

from appmixer_mcp.journal import Journal
from tests.tools.conftest import ECHO
from tests.tools.touring import LONG, NAME

CUT = ["list_changes", "show_change", "undo_change", "update_store_item"]


def options(_tenant, directory):
    return {"journal": Journal(directory / "journal.db")}


async def visit(tour):
    await tour("list_changes")
    many = {f"{number} {NAME}": {"type": "a.b.c.D", "source": {}} for number in range(6)}
    made = await tour("create_flow", name=NAME, descriptor=ECHO)
    flow_id = made["flow_id"]
    change = await tour("update_flow", flow_id=flow_id, descriptor=ECHO | many)
    for _ in range(3):
        await tour("clone_flow", flow_id=flow_id)
    await tour("list_changes")
    await tour("list_changes", object_id=flow_id)
    await tour("show_change", change_id=change["change_id"])
    undone = await tour.confirmed("undo_change", change_id=change["change_id"])
    await tour("show_change", change_id=undone["change_id"])
    deleted = await tour.confirmed("delete_flow", flow_id=flow_id)
    await tour.confirmed("undo_change", change_id=deleted["change_id"])
    store_id = (await tour("create_store", name="Orders"))["store_id"]
    await tour("create_store_item", store_id=store_id, key="k", value=LONG)
    changed = await tour.confirmed(
        "update_store_item", store_id=store_id, key="k", value=LONG + LONG, new_key="l"
    )
    await tour.confirmed("undo_change", change_id=changed["change_id"])
