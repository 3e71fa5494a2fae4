"""OnStart: sends one message when the flow starts."""

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, OutPort
from appmixer_mcp.sandbox.context import Context


async def _start(ctx: Context) -> None:
    ctx.send("out", {"started": iso(to_ms(ctx.now))})


COMPONENT = Component(
    type="appmixer.utils.controls.OnStart",
    label="On Flow Start",
    description="Triggers once, when the flow starts.",
    out_ports=(OutPort(variables=("started",)),),
    start=_start,
    sample=_start,
)
