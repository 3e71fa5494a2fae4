"""Get: reads a record of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._store_records import READ, read
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_FIELDS = ("storeId", "key")


async def _receive(ctx: Context) -> None:
    store_id, key = (to_text(ctx.content.get(name)) for name in _FIELDS)
    record = ctx.stores.get(store_id, key)
    if record is None or record["value"] is None:
        ctx.send("notFound", {"key": key})
    else:
        ctx.send("out", read(record))


COMPONENT = Component(
    type="appmixer.utils.storage.Get",
    label="Get",
    description="Reads a record of a data store.",
    in_ports=(InPort(fields=tuple(Field(name=name, required=True) for name in _FIELDS)),),
    out_ports=(OutPort(variables=READ), OutPort(name="notFound", variables=("key",))),
    receive=_receive,
)
