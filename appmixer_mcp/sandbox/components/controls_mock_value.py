"""MockValue: sends the value it is given; for tests of flows."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.send("out", {"outvalue": ctx.content.get("value")})


COMPONENT = Component(
    type="appmixer.utils.controls.MockValue",
    label="Mock Value",
    description="Sends the value it is given.",
    private=True,
    in_ports=(InPort(fields=(Field(name="value", required=True),), max_connections=1),),
    out_ports=(OutPort(variables=("outvalue",)),),
    receive=_receive,
)
