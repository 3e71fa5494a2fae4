"""Each: sends one message for each item of a list, then one that says it is done."""

from uuid import uuid4

from appmixer_mcp.sandbox.component import Component, Context, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import parsed
from appmixer_mcp.sandbox.javascript import is_list


async def _receive(ctx: Context) -> None:
    given = parsed("list", ctx.content.get("list"))
    items = given if is_list(given) else []
    about = {"count": len(items), "correlationId": str(uuid4())}
    for index, value in enumerate(items):
        ctx.send("item", {"index": index, "value": value, **about})
    ctx.send("done", about)


COMPONENT = Component(
    type="appmixer.utils.controls.Each",
    label="Each",
    description="Sends each item of a list from item, then the count from done.",
    version="1.4.5",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="list",
                    type="textarea",
                    required=True,
                    tooltip="A list, or its JSON text. Anything else counts as an empty list.",
                ),
            ),
            max_connections=1,
        ),
    ),
    out_ports=(
        OutPort(name="item", variables=("index", "value", "count", "correlationId")),
        OutPort(name="done", variables=("count", "correlationId")),
    ),
    receive=_receive,
)
