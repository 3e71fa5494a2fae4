"""Identity: passes a message on as it came."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.send("out", ctx.original_content)


COMPONENT = Component(
    type="appmixer.utils.filters.Identity",
    label="Identity",
    description="Passes the message on as it came.",
    private=True,
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    receive=_receive,
)
