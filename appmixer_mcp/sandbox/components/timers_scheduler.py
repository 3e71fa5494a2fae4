"""Scheduler (Cron Scheduler): sends a message whenever a cron expression says so."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Context, Field, Json, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on


async def _start(ctx: Context) -> None:
    _schedule(ctx, emit=is_on(ctx.properties.get("immediate", True)), previous=None)


async def _on_timeout(ctx: Context) -> None:
    _schedule(ctx, emit=True, previous=ctx.content["previousDate"])


def _schedule(ctx: Context, *, emit: bool, previous: str | None) -> None:
    """Set the next run, always counted from the expression and never from the last run."""
    now, following = iso(to_ms(ctx.now)), _next(ctx.properties, ctx.now)
    if emit:
        told = {"now": now, "previousDate": previous, "nextDate": iso(to_ms(following))}
        ctx.send("out", told)
    ctx.set_timeout({"previousDate": now if emit else previous}, following, exact=True)


def _next(properties: Mapping[str, Json], now: datetime) -> datetime:
    zone = ZoneInfo(str(properties.get("timezone") or "UTC"))
    minute, hour, day, weekday = (
        str(properties.get(name)).strip() for name in ("minute", "hour", "dayMonth", "dayWeek")
    )
    return next(CronSim(f"{minute} {hour} {day} * {weekday}", now.astimezone(zone)))


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        _next(properties, datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [f"timezone {properties.get('timezone')!r} is unknown; give one as Europe/Prague."]
    except CronSimError as error:
        return [f"minute, hour, dayMonth and dayWeek are no cron expression: {error}."]
    except StopIteration:
        return ["minute, hour, dayMonth and dayWeek name no day that there is."]
    return []


COMPONENT = Component(
    type="appmixer.utils.timers.Scheduler",
    label="Cron Scheduler",
    description="Triggers at the minutes, hours and days of a cron expression.",
    properties=(
        Field(name="minute", required=True, tooltip="0 to 59, *, */5, 1,15,30 or 1-10."),
        Field(name="hour", required=True, tooltip="0 to 23, or as for minute."),
        Field(name="dayMonth", required=True, tooltip="1 to 31, or as for minute."),
        Field(name="dayWeek", required=True, tooltip="0 (Sunday) to 7, or as for minute."),
        Field(name="immediate", type="toggle", default=True, tooltip="Also when the flow starts."),
        Field(name="timezone", tooltip="Such as Europe/Prague; UTC when empty."),
    ),
    out_ports=(OutPort(variables=("now", "previousDate", "nextDate")),),
    check=_check,
    start=_start,
    on_timeout=_on_timeout,
)
