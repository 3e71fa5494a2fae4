"""Set: writes a record of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._store_records import WRITTEN, written
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_FIELDS = ("storeId", "key", "value")


async def _receive(ctx: Context) -> None:
    store_id, key, value = (ctx.content.get(name) for name in _FIELDS)
    ctx.send("out", written(ctx.stores.set(to_text(store_id), to_text(key), value)))


COMPONENT = Component(
    type="appmixer.utils.storage.Set",
    label="Set",
    description="Writes a record of a data store, over the one with the same key.",
    in_ports=(InPort(fields=tuple(Field(name=name, required=True) for name in _FIELDS)),),
    out_ports=(OutPort(variables=WRITTEN),),
    receive=_receive,
)
