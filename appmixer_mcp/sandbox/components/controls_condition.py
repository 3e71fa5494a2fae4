"""Condition: sends a message from the port that says whether an expression holds."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._expression import EXPRESSION, satisfied
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.send("true" if satisfied("expression", ctx.content.get("expression")) else "false", {})


COMPONENT = Component(
    type="appmixer.utils.controls.Condition",
    label="Condition",
    description="Goes on from true or false, depending on an expression.",
    in_ports=(InPort(fields=(Field(name="expression", type="expression", tooltip=EXPRESSION),)),),
    out_ports=(OutPort(name="true"), OutPort(name="false")),
    receive=_receive,
)
