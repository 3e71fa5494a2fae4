"""CreateStore: makes a data store, unless there is one of that name."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    name = to_text(ctx.content.get("name"))
    await ctx.lock(f"store name:{name}")  # two at once shall make one store
    found = next((one["storeId"] for one in ctx.stores.every() if one["name"] == name), None)
    if found is not None and is_on(ctx.content.get("clear")):
        ctx.stores.clear(found)
    ctx.send("out", {"storeId": found or ctx.stores.create(name)})


COMPONENT = Component(
    type="appmixer.utils.storage.CreateStore",
    label="Create Store",
    description="Makes a data store; one that has the name already is used as it is.",
    in_ports=(
        InPort(
            fields=(
                Field(name="name", required=True),
                Field(
                    name="clear",
                    type="toggle",
                    tooltip="Whether the records of a store that is there already are deleted.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("storeId",)),),
    receive=_receive,
)
