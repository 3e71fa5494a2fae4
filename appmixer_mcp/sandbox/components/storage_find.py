"""Find: searches the records of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_FIELDS = ("storeId", "pattern")


async def _receive(ctx: Context) -> None:
    store_id, pattern = (to_text(ctx.content.get(name)) for name in _FIELDS)
    items = [dict(record) for record in await ctx.stores.find(store_id, pattern)]
    if items:
        ctx.send("out", {"items": items})
    else:
        ctx.send("notFound", {"pattern": pattern, "items": []})


COMPONENT = Component(
    type="appmixer.utils.storage.Find",
    label="Find",
    description="Searches the keys and values of a data store.",
    in_ports=(InPort(fields=tuple(Field(name=name, required=True) for name in _FIELDS)),),
    out_ports=(
        OutPort(variables=("items",)),
        OutPort(name="notFound", variables=("pattern", "items")),
    ),
    receive=_receive,
)
