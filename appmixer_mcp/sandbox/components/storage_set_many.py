"""SetMany: writes several records of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import entries
from appmixer_mcp.sandbox.components._store_records import written
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    store_id = to_text(ctx.content.get("storeId"))
    pairs = entries("keyValuePairs", ctx.content.get("keyValuePairs"), "AND")
    results = [
        written(ctx.stores.set(store_id, to_text(pair.get("key")), pair.get("value")))
        for pair in pairs
    ]
    ctx.send("out", {"results": results})


COMPONENT = Component(
    type="appmixer.utils.storage.SetMany",
    label="Set Many",
    description="Writes several records of a data store.",
    in_ports=(
        InPort(
            fields=(
                Field(name="storeId", required=True),
                Field(
                    name="keyValuePairs",
                    type="expression",
                    required=True,
                    tooltip='{"AND": [{"key": "a", "value": 1}]}',
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("results",)),),
    receive=_receive,
)
