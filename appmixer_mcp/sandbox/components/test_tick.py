"""Tick: triggers whenever the engine has its components look for news, once a minute."""

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, OutPort
from appmixer_mcp.sandbox.context import Context


async def _on_tick(ctx: Context) -> None:
    ctx.send("out", {"time": iso(to_ms(ctx.now))})


COMPONENT = Component(
    type="appmixer.utils.test.Tick",
    label="Tick",
    description="Triggers once a minute, with the time.",
    out_ports=(OutPort(variables=("time",)),),
    on_tick=_on_tick,
    sample=_on_tick,
)
