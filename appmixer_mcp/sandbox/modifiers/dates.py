"""Modifiers of the category Date. Instants without an offset are UTC, and so is what is shown."""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED, is_truthy, parse_number, to_text
from appmixer_mcp.sandbox.modifier import FlowFacts, Modifier, bounded

INVALID = "Invalid date"
_TOKEN = re.compile(
    r"\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DDDD|DDD|DD|Do|D|dddd|ddd|d|HH|H|hh|h|mm|m|ss|s|SSS"
    r"|A|a|ZZ|Z|X|x"
)
_NOON = 12
_A_FEW_SECONDS = 45
_SPANS = {"minute": 45, "hour": 22, "day": 26, "month": 11}  # moment's: unit -> from here the next
_TEENS = range(11, 14)


def format_instant(instant: datetime, pattern: str) -> str:
    """Return an instant in moment's notation: `YYYY-MM-DD HH:mm`; `[text]` stands for itself."""
    return _TOKEN.sub(lambda token: _shown(instant, token), pattern)


def _shown(instant: datetime, token: re.Match[str]) -> str:
    if token[1] is not None:
        return token[1]
    hour12 = instant.hour % 12 or 12
    day_of_year = instant.timetuple().tm_yday
    offset = instant.strftime("%z")
    return {
        "YYYY": f"{instant.year:04}", "YY": f"{instant.year % 100:02}",
        "MMMM": calendar.month_name[instant.month], "MMM": calendar.month_abbr[instant.month],
        "MM": f"{instant.month:02}", "M": str(instant.month),
        "DDDD": f"{day_of_year:03}", "DDD": str(day_of_year),
        "DD": f"{instant.day:02}", "D": str(instant.day), "Do": _ordinal(instant.day),
        "dddd": calendar.day_name[instant.weekday()],
        "ddd": calendar.day_abbr[instant.weekday()], "d": str(instant.isoweekday() % 7),
        "HH": f"{instant.hour:02}", "H": str(instant.hour), "hh": f"{hour12:02}", "h": str(hour12),
        "mm": f"{instant.minute:02}", "m": str(instant.minute),
        "ss": f"{instant.second:02}", "s": str(instant.second),
        "SSS": f"{instant.microsecond // 1000:03}",
        "A": "AM" if instant.hour < _NOON else "PM",
        "a": "am" if instant.hour < _NOON else "pm",
        "ZZ": offset, "Z": f"{offset[:3]}:{offset[3:]}",
        "X": str(to_ms(instant) // 1000), "x": str(to_ms(instant)),
    }[token.group()]  # fmt: skip


def _ordinal(day: int) -> str:
    ending = "th" if day in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _instant(value: Json) -> datetime | None:
    instant = to_instant(value)
    return None if instant is None else instant.astimezone(UTC)


def _format_date(value: Json, pattern: Json) -> Json:
    instant = _instant(value)
    if instant is None:
        return INVALID
    wanted = "YYYY-MM-DDTHH:mm:ssZ" if pattern in (UNDEFINED, None, "") else to_text(pattern)
    bounded(len(wanted))
    return format_instant(instant, wanted)


def _relative_time(facts: FlowFacts, value: Json, *, without_suffix: Json = None) -> Json:
    instant = _instant(value)
    if instant is None:
        return INVALID
    seconds = (instant - facts.now).total_seconds()
    spoken = _span(abs(seconds))
    if is_truthy(without_suffix):
        return spoken
    return f"in {spoken}" if seconds > 0 else f"{spoken} ago"


def _span(seconds: float) -> str:
    """Return a length of time in moment's words and with its thresholds."""
    days = round(seconds / 86_400)
    counts = {
        "minute": round(seconds / 60), "hour": round(seconds / 3600), "day": days,
        "month": round(days / 30.436875), "year": round(days / 365.2425),
    }  # fmt: skip
    if seconds < _A_FEW_SECONDS:
        return "a few seconds"
    unit = next((one for one, most in _SPANS.items() if counts[one] < most), "year")
    count = counts[unit]
    if count > 1:
        return f"{count} {unit}s"
    return "an hour" if unit == "hour" else f"a {unit}"


def _compared(sign: int, value: Json, second: Json, *, inclusive: Json = None) -> Json:
    left, right = _instant(value), _instant(second)
    if left is None or right is None:
        return False
    difference = (left > right) - (left < right)
    return difference == sign or (difference == 0 and is_truthy(inclusive))


def _add_span(
    value: Json, *, years: Json = 0, months: Json = 0, weeks: Json = 0, days: Json = 0,
    hours: Json = 0, minutes: Json = 0,
) -> Json:  # fmt: skip
    instant = _instant(value)
    if instant is None:
        return INVALID
    month = instant.month - 1 + int(_number(months)) + 12 * int(_number(years))
    year, month = instant.year + month // 12, month % 12 + 1
    day = min(instant.day, calendar.monthrange(year, month)[1])
    moved = instant.replace(year=year, month=month, day=day) + timedelta(
        weeks=_number(weeks), days=_number(days), hours=_number(hours), minutes=_number(minutes)
    )
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: Json) -> float:
    return parse_number(value) or 0


def _now(facts: FlowFacts, _value: Json) -> Json:
    return facts.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _timestamp(facts: FlowFacts, _value: Json) -> Json:
    return to_ms(facts.now) // 1000


def _comparison(name: str, run: Callable[..., Json]) -> Modifier:
    return Modifier(id=name, run=run, arguments=("second",), named=("inclusive",))


MODIFIERS = (
    Modifier(id="g_formatDate", run=_format_date, arguments=("format",)),
    Modifier(
        id="g_relativeTime", run=_relative_time, named=("without suffix",), uses_flow=True
    ),
    _comparison("g_lessThanDate", partial(_compared, -1)),
    _comparison("g_greaterThanDate", partial(_compared, 1)),
    Modifier(
        id="g_addTimeSpan", run=_add_span,
        named=("years", "months", "weeks", "days", "hours", "minutes"),
    ),
    Modifier(id="g_timestamp", run=_timestamp, uses_flow=True),
    Modifier(id="g_now", run=_now, uses_flow=True),
)  # fmt: skip
