"""Scheduler (Cron Scheduler): sends a message whenever a cron expression says so."""

from datetime import datetime

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._cron import (
    ZONE_FIELD,
    cron_fields,
    cron_problems,
    next_run,
)
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context


async def _start(ctx: Context) -> None:
    following = _following(ctx)
    immediate = is_on(ctx.properties.get("immediate", True))
    if immediate:
        _tell(ctx, following, previous=None)
    ctx.set_timeout({"previousDate": _now(ctx) if immediate else None}, following, exact=True)


async def _on_timeout(ctx: Context) -> None:
    following = _following(ctx)
    _tell(ctx, following, previous=ctx.content["previousDate"])
    ctx.set_timeout({"previousDate": _now(ctx)}, following, exact=True)


async def _sample(ctx: Context) -> None:
    _tell(ctx, _following(ctx), previous=None)


def _following(ctx: Context) -> datetime:
    """Return the next run, always counted from the expression and never from the last run."""
    return next_run(ctx.properties, ctx.now)


def _tell(ctx: Context, following: datetime, *, previous: str | None) -> None:
    told = {"now": _now(ctx), "previousDate": previous, "nextDate": iso(to_ms(following))}
    ctx.send("out", told)


def _now(ctx: Context) -> str:
    return iso(to_ms(ctx.now))


COMPONENT = Component(
    type="appmixer.utils.timers.Scheduler",
    label="Cron Scheduler",
    description="Triggers at the minutes, hours and days of a cron expression.",
    properties=(
        *cron_fields(required=True),
        Field(name="immediate", type="toggle", default=True, tooltip="Also when the flow starts."),
        ZONE_FIELD,
    ),
    out_ports=(OutPort(variables=("now", "previousDate", "nextDate")),),
    check=cron_problems,
    start=_start,
    on_timeout=_on_timeout,
    sample=_sample,
)
