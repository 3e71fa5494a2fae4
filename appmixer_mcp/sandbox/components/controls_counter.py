"""Counter: counts the messages that come in."""

from collections.abc import Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import number
from appmixer_mcp.sandbox.context import Context, Json

_PROPERTIES = {"count": 0, "increment": 1}


async def _receive(ctx: Context) -> None:
    begin = ctx.properties["count"]
    if ctx.port == "reset":
        given = ctx.content.get("count")
        ctx.state.set("count", number("count", begin if given in (None, "") else given))
        return
    count: Json = ctx.state.get("count")
    count = number("count", begin if count is None else count)
    count += number("increment", ctx.properties["increment"])
    ctx.state.set("count", count)
    ctx.send("count", {"count": count})


def _check(properties: Mapping[str, Json]) -> list[str]:
    problems: list[str] = []
    for name in _PROPERTIES:
        try:
            number(name, properties.get(name))
        except ComponentFailedError as error:
            problems.append(str(error))
    return problems


COMPONENT = Component(
    type="appmixer.utils.controls.Counter",
    label="Counter",
    description="Adds to a number with each message and sends it; reset sets it back.",
    properties=tuple(
        Field(name=name, type="number", required=True, default=default, tooltip=tooltip)
        for (name, default), tooltip in zip(
            _PROPERTIES.items(),
            ("What to begin with.", "What each message adds; may be negative."),
            strict=True,
        )
    ),
    in_ports=(
        InPort(name="item"),
        InPort(
            name="reset",
            fields=(
                Field(
                    name="count",
                    type="number",
                    tooltip="What to begin with anew; the property of that name when empty.",
                ),
            ),
        ),
    ),
    out_ports=(OutPort(name="count", variables=("count",)),),
    serial=True,
    check=_check,
    receive=_receive,
)
