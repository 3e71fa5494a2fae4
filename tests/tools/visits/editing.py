"""Edits a flow."""

from tests.tools.conftest import ECHO
from tests.tools.touring import LONG, NAME

CUT = ["edit_flow"]


async def visit(tour):
    made = await tour("create_flow", name=NAME, descriptor=ECHO)
    edited = await tour(
        "edit_flow",
        flow_id=made["flow_id"],
        base_version=await version_of(tour, made["flow_id"]),
        operations=[
            {"op": "add", "type": f"acme.crm.contacts.Create{one}", "label": f"{one} {NAME}"}
            for one in range(6)
        ]
        + [{"op": "set", "component": "Reply", "fields": {"body": LONG}}],
    )
    removed = [{"op": "remove", "component": f"{one} {NAME}"} for one in range(6)]
    base = {"flow_id": made["flow_id"], "base_version": edited["version"]}
    await tour.confirmed("edit_flow", **base, operations=removed)


async def version_of(tour, flow_id):
    return (await tour("get_flow", flow_id=flow_id))["version"]
