"""Switch: sends a message from the port of the first of five expressions that holds."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._expression import EXPRESSION, satisfied
from appmixer_mcp.sandbox.context import Context

_CASES = range(1, 6)


async def _receive(ctx: Context) -> None:
    for case in _CASES:
        field = f"expression{case}"
        if satisfied(field, ctx.content.get(field)):
            ctx.send(f"out{case}", {})
            return
    ctx.send("else", {})


COMPONENT = Component(
    type="appmixer.utils.controls.Switch5",
    label="Switch",
    description="Goes on from the port of the first expression that holds, or from else.",
    in_ports=(
        InPort(
            fields=tuple(
                Field(name=f"expression{case}", type="expression", tooltip=EXPRESSION)
                for case in _CASES
            )
        ),
    ),
    out_ports=(*(OutPort(name=f"out{case}") for case in _CASES), OutPort(name="else")),
    receive=_receive,
)
