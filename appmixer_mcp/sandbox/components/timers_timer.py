"""Timer: sends a message when the flow starts and then at an interval."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_number

_SHORTEST_MIN, _LONGEST_MIN = 5, 35_000


async def _start(ctx: Context) -> None:
    ctx.send("out", {"now": iso(to_ms(ctx.now))})
    _set(ctx, ctx.now)


async def _on_timeout(ctx: Context) -> None:
    last_tick = datetime.fromisoformat(ctx.content["lastTick"])
    elapsed_ms = to_ms(ctx.now) - to_ms(last_tick)
    ctx.send(
        "out",
        {"lastTick": ctx.content["lastTick"], "now": iso(to_ms(ctx.now)), "elapsed": elapsed_ms},
    )
    _set(ctx, datetime.fromisoformat(ctx.content["due"]))


async def _sample(ctx: Context) -> None:
    ctx.send("out", {"now": iso(to_ms(ctx.now))})


def _set(ctx: Context, base: datetime) -> None:
    """Set the next tick on the grid that the start laid out, past the ticks that were missed."""
    interval = timedelta(minutes=to_number(ctx.properties["interval"]))
    due = base + interval * ((ctx.now - base) // interval + 1)
    ctx.set_timeout({"lastTick": iso(to_ms(ctx.now)), "due": due.isoformat()}, due)


def _check(properties: Mapping[str, Json]) -> list[str]:
    interval = to_number(properties.get("interval"))
    if interval % 1 == 0 and _SHORTEST_MIN <= interval <= _LONGEST_MIN:
        return []
    wanted = f"a whole number of minutes from {_SHORTEST_MIN} to {_LONGEST_MIN}"
    return [f"interval must be {wanted}, not {properties.get('interval')!r}."]


COMPONENT = Component(
    type="appmixer.utils.timers.Timer",
    label="Timer",
    description="Triggers when the flow starts and then every so many minutes.",
    properties=(
        Field(name="interval", type="number", required=True, tooltip="Minutes, 5 to 35000."),
    ),
    out_ports=(OutPort(variables=("now", "lastTick", "elapsed")),),
    check=_check,
    start=_start,
    on_timeout=_on_timeout,
    sample=_sample,
)
