"""SchedulerTrigger (Scheduler): sends a message on chosen days, or at an interval."""

from collections.abc import Mapping
from datetime import datetime

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.components._recurrence import (
    INTERVALS,
    LAST_DAY,
    SCHEDULE_TYPES,
    WEEKDAYS,
    Recurrence,
    UnusableScheduleError,
    recurrence,
)
from appmixer_mcp.sandbox.context import Context, Json


async def _start(ctx: Context) -> None:
    schedule = recurrence(ctx.properties)
    if schedule.begins_at is not None and schedule.begins_at < ctx.now:
        raise ComponentFailedError("The start of the schedule lies in the past.", retry=False)
    run = schedule.first(ctx.now)
    immediate = is_on(ctx.properties.get("immediate"))
    if immediate:
        _tell(ctx, schedule, run, previous=None)
    _set(ctx, run, previous=ctx.now if immediate else None)


async def _on_timeout(ctx: Context) -> None:
    schedule = recurrence(ctx.properties)
    run = datetime.fromisoformat(ctx.content["run"])
    following = schedule.following(run, ctx.now)
    _tell(ctx, schedule, following, previous=ctx.content["previousDate"])
    _set(ctx, following, previous=ctx.now)


async def _sample(ctx: Context) -> None:
    schedule = recurrence(ctx.properties)
    _tell(ctx, schedule, schedule.first(ctx.now), previous=None)


def _tell(
    ctx: Context, schedule: Recurrence, following: datetime | None, *, previous: str | None
) -> None:
    local = None if following is None else following.astimezone(schedule.zone).isoformat()
    ctx.send(
        "out",
        {
            "nextDateGMT": None if following is None else iso(to_ms(following)),
            "nextDateLocal": local,
            "timezone": schedule.zone.key,
            "previousDate": previous,
        },
    )


def _set(ctx: Context, run: datetime | None, *, previous: datetime | None) -> None:
    if run is not None:
        told = None if previous is None else iso(to_ms(previous))
        ctx.set_timeout({"run": run.isoformat(), "previousDate": told}, run, exact=True)


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        recurrence(properties)
    except UnusableScheduleError as error:
        return [str(error)]
    return []


_MONTH_DAYS = (*(str(day) for day in range(1, 32)), LAST_DAY)

COMPONENT = Component(
    type="appmixer.utils.timers.SchedulerTrigger",
    label="Scheduler",
    description="Triggers on chosen days of the week or month, every day, or at an interval.",
    properties=(
        Field(name="scheduleType", type="select", required=True, options=SCHEDULE_TYPES),
        Field(name="daysOfWeek", type="multiselect", options=WEEKDAYS, tooltip="For weeks."),
        Field(
            name="daysOfMonth",
            type="multiselect",
            options=_MONTH_DAYS,
            tooltip="For months; one without such a day is skipped.",
        ),
        Field(
            name="customIntervalUnit",
            type="select",
            options=tuple(INTERVALS),
            tooltip="For custom.",
        ),
        Field(name="customIntervalValue", type="number", tooltip="For custom: how many of them."),
        Field(name="time", tooltip="For days, weeks and months, such as 08:30; 00:00 when empty."),
        Field(name="immediate", type="toggle", default=False, tooltip="Also when the flow starts."),
        Field(name="start", type="date-time", tooltip="No run before it; not in the past."),
        Field(name="end", type="date-time", tooltip="No run after it."),
        Field(name="timezone", default="GMT", tooltip="Such as Europe/Prague."),
    ),
    out_ports=(OutPort(variables=("nextDateGMT", "nextDateLocal", "timezone", "previousDate")),),
    check=_check,
    start=_start,
    on_timeout=_on_timeout,
    sample=_sample,
)
