"""StopFlow: stops the flow it is in."""

from appmixer_mcp.sandbox.component import Component, InPort
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.stop_flow()


COMPONENT = Component(
    type="appmixer.utils.controls.StopFlow",
    label="Stop Flow",
    description="Stops the flow when a message arrives.",
    in_ports=(InPort(),),
    receive=_receive,
)
