"""Modulo: sends the remainder of a division."""

import math

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import number, unusable
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import tidy

_FIELDS = ("sourceData", "value")


async def _receive(ctx: Context) -> None:
    dividend, divisor = (number(name, ctx.content.get(name)) for name in _FIELDS)
    if divisor == 0:
        raise unusable("value", "must not be 0")
    # The bare number, no object around it, is documented; its sign is that of sourceData.
    ctx.send("modulo", tidy(math.fmod(dividend, divisor)))


COMPONENT = Component(
    type="appmixer.utils.filters.Modulo",
    label="Modulo",
    description="Sends the remainder of dividing one number by another.",
    in_ports=(InPort(fields=tuple(Field(name=n, type="number", required=True) for n in _FIELDS)),),
    out_ports=(OutPort(name="modulo"),),
    receive=_receive,
)
