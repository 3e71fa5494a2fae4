"""Clear: deletes every record of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    store_id = to_text(ctx.content.get("storeId"))
    ctx.send("cleared", {"deletedCount": ctx.stores.clear(store_id), "storeId": store_id})


COMPONENT = Component(
    type="appmixer.utils.storage.Clear",
    label="Clear",
    description="Deletes every record of a data store.",
    in_ports=(InPort(fields=(Field(name="storeId", required=True),)),),
    out_ports=(OutPort(name="cleared", variables=("deletedCount", "storeId")),),
    receive=_receive,
)
