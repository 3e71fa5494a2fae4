"""Wait: passes its message on after a while, or at a date."""

import calendar
import re
from datetime import datetime, timedelta

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import instant, unusable
from appmixer_mcp.sandbox.context import Context, Json

_INTERVAL = re.compile(r"(\d{1,6})\s*([mhdwMy])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_MONTHS = {"M": 1, "y": 12}


async def _receive(ctx: Context) -> None:
    interval, until = ctx.content.get("interval"), ctx.content.get("until")
    if not interval and not until:
        raise unusable("interval", "is empty, and so is 'until'; fill one of them")
    at = _after(ctx.now, interval) if interval else instant("until", until)
    ctx.set_timeout(dict(ctx.content), at)


async def _on_timeout(ctx: Context) -> None:
    ctx.send("out", dict(ctx.content))


def _after(now: datetime, interval: Json) -> datetime:
    found = _INTERVAL.fullmatch(str(interval).strip())
    if found is None:
        raise unusable("interval", "must be a number and a unit (m h d w M y), such as 5m")
    number, unit = int(found[1]), found[2]
    try:
        if unit in _UNITS:
            return now + number * _UNITS[unit]
        year, month = divmod(now.year * 12 + now.month - 1 + number * _MONTHS[unit], 12)
        day = min(now.day, calendar.monthrange(year, month + 1)[1])
        return now.replace(year=year, month=month + 1, day=day)
    except (OverflowError, ValueError) as error:
        raise unusable("interval", "ends after the year 9999") from error


COMPONENT = Component(
    type="appmixer.utils.timers.Wait",
    label="Wait",
    description="Passes the message on after an interval, or at a date.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="interval",
                    tooltip="A number and a unit: 5m, 2h, 1d, 1w, 1M (month), 1y.",
                ),
                Field(name="until", type="date-time", tooltip="Used when interval is empty."),
            )
        ),
    ),
    out_ports=(OutPort(),),
    receive=_receive,
    on_timeout=_on_timeout,
)
