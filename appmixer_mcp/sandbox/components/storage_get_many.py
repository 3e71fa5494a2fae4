"""GetMany: reads several records of a data store."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import entries
from appmixer_mcp.sandbox.components._store_records import read
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    store_id = to_text(ctx.content.get("storeId"))
    asked = entries("keys", ctx.content.get("keys"), "AND")
    keys = [to_text(one.get("key")) for one in asked]
    records = [ctx.stores.get(store_id, key) for key in keys]
    found = [read(one) for one in records if one is not None and one["value"] is not None]
    if found:
        ctx.send("out", {"results": found})
    else:
        ctx.send("notFound", {"notFound": keys})


COMPONENT = Component(
    type="appmixer.utils.storage.GetMany",
    label="Get Many",
    description="Reads several records of a data store; out unless none of them is there.",
    in_ports=(
        InPort(
            fields=(
                Field(name="storeId", required=True),
                Field(
                    name="keys",
                    type="expression",
                    required=True,
                    tooltip='{"AND": [{"key": "a"}, {"key": "b"}]}',
                ),
            )
        ),
    ),
    out_ports=(
        OutPort(variables=("results",)),
        OutPort(name="notFound", variables=("notFound",)),
    ),
    receive=_receive,
)
