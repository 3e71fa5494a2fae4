"""Join (test): waits for a message at both of its in ports and sends them as one."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.context import Context

_PORTS = ("join", "in")


async def _receive(ctx: Context) -> None:
    ctx.send("out", {port: ctx.messages[port] for port in _PORTS})


COMPONENT = Component(
    type="appmixer.utils.test.Join",
    label="Join (test)",
    description="Waits for a message at join and one at in, and sends both.",
    in_ports=tuple(InPort(name=port) for port in _PORTS),
    out_ports=(OutPort(variables=_PORTS),),
    fire_patterns=((1, 1),),
    receive=_receive,
)
