"""Remove: deletes a record of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_FIELDS = ("storeId", "key")


async def _receive(ctx: Context) -> None:
    store_id, key = (to_text(ctx.content.get(name)) for name in _FIELDS)
    record = ctx.stores.remove(store_id, key)
    # What happens to a missing key is not documented: it is gone, as was wanted.
    ctx.send("removed", {"key": key, "oldValue": None if record is None else record["value"]})


COMPONENT = Component(
    type="appmixer.utils.storage.Remove",
    label="Remove",
    description="Deletes a record of a data store.",
    in_ports=(InPort(fields=tuple(Field(name=name, required=True) for name in _FIELDS)),),
    out_ports=(OutPort(name="removed", variables=("key", "oldValue")),),
    receive=_receive,
)
