"""Join: brings several links together, for components that take one only."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import whole
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.send("out", whole(ctx))


COMPONENT = Component(
    type="appmixer.utils.controls.Join",
    label="Join",
    description="Sends on each message as it comes, from whichever component.",
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    receive=_receive,
)
