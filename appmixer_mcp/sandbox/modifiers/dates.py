"""Modifiers of the category Date. Instants without an offset are UTC, and so is what is shown."""

from datetime import UTC, datetime
from functools import partial

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED, is_truthy, parse_number, to_text
from appmixer_mcp.sandbox.modifier import Argument, FlowFacts, Modifier
from appmixer_mcp.sandbox.modifiers import moment

INVALID = "Invalid date"
_MOST_PATTERN = 10_000
_SPANS = ("years", "months", "weeks", "days", "hours", "minutes")


def _instant(value: Json) -> datetime | None:
    instant = to_instant(value)
    try:
        return None if instant is None else instant.astimezone(UTC)
    except OverflowError:  # an offset leads out of the years 1 to 9999
        return None


def _format_date(value: Json, pattern: Json) -> Json:
    instant = _instant(value)
    if instant is None:
        return INVALID
    wanted = "YYYY-MM-DDTHH:mm:ssZ" if pattern in (UNDEFINED, None, "") else to_text(pattern)
    if len(wanted) > _MOST_PATTERN:
        raise InputError(f"A date format may have {_MOST_PATTERN:,} characters.")
    return moment.write(instant, wanted)


def _relative_time(facts: FlowFacts, value: Json, *, without_suffix: Json = None) -> Json:
    instant = _instant(value)
    if instant is None:
        return INVALID
    seconds = (instant - facts.now).total_seconds()
    spoken = moment.humanised(abs(seconds))
    if is_truthy(without_suffix):
        return spoken
    return f"in {spoken}" if seconds > 0 else f"{spoken} ago"


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
    moved = moment.added(
        instant,
        months=_number(months) + 12 * _number(years),
        days=_number(days) + 7 * _number(weeks),
        minutes=_number(minutes) + 60 * _number(hours),
    )
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: Json) -> float:
    return parse_number(value) or 0


MODIFIERS = (
    Modifier(
        id="g_formatDate", label="Format Date", categories=("date",), returns="string",
        run=_format_date, arguments=(Argument("format", "text"),),
    ),
    Modifier(
        id="g_relativeTime", label="Relative Time", categories=("date",), returns="string",
        run=_relative_time, named=(Argument("without suffix", "boolean"),), uses_flow=True,
    ),
    Modifier(
        id="g_lessThanDate", label="Less than", categories=("date",), returns="boolean",
        run=partial(_compared, -1), arguments=(Argument("second"),),
        named=(Argument("inclusive", "boolean"),),
    ),
    Modifier(
        id="g_greaterThanDate", label="Greater than", categories=("date",), returns="boolean",
        run=partial(_compared, 1), arguments=(Argument("second"),),
        named=(Argument("inclusive", "boolean"),),
    ),
    Modifier(
        id="g_addTimeSpan", label="AddSpan", categories=("date",), returns="Date", run=_add_span,
        named=tuple(Argument(name, "number") for name in _SPANS),
    ),
)  # fmt: skip
