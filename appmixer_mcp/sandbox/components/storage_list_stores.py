"""ListStores: the data stores there are, for a select field."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    # One message with all of them, and that the oldest is the default one, is ours.
    stores = [
        {"Name": store["name"], "Id": store["storeId"], "is default?": index == 0}
        for index, store in enumerate(ctx.stores.every())
    ]
    ctx.send("out", stores)


COMPONENT = Component(
    type="appmixer.utils.storage.ListStores",
    label="List Stores",
    description="Lists the data stores, for a select field.",
    private=True,
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    receive=_receive,
)
