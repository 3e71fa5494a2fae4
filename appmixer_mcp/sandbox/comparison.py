"""How Condition, Switch and the filters compare values; equality is in `javascript`.

Source: documented, except for the kinds of date text, which are ours: Appmixer takes whatever
moment reads; here it is ISO 8601, RFC 2822 and the American and Asian orders with slashes.
"""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import to_number
from appmixer_mcp.sandbox.jsontext import dumps

_DATE_FORMATS = ("%Y-%m", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%m/%d/%Y", "%m/%d/%Y %H:%M")


def order(left: Json, right: Json) -> int | None:
    """Return -1, 0 or 1 as the left value is smaller, equal or greater; None when neither applies.

    Both are compared as numbers when they are numbers (null and empty text are 0), else as dates
    when they are dates.
    """
    left_number, right_number = to_number(left), to_number(right)
    if not (math.isnan(left_number) or math.isnan(right_number)):
        return (left_number > right_number) - (left_number < right_number)
    left_at, right_at = to_instant(left), to_instant(right)
    if left_at is None or right_at is None:
        return None
    return (left_at > right_at) - (left_at < right_at)


def to_instant(value: Json) -> datetime | None:
    """Return the aware instant that a date text or a number of epoch milliseconds names, or None.

    A text without an offset is taken as UTC. What an offset takes out of the years 1 to 9999 is no
    instant.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    found = _parsed(value.strip()) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        return found and found.replace(tzinfo=UTC)
    try:
        found.astimezone(UTC)
    except OverflowError:
        return None
    return found


def contains(source: Json, value: Json) -> bool:
    """Return whether the source holds the value, whatever the case; what is no text is JSON."""
    return _searchable(value) in _searchable(source)


def is_empty(value: Json) -> bool:
    """Return whether a value is null, an empty text, list or object; no number or boolean is."""
    return value is None or value in ("", [], {})


def _parsed(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(text)
        except (ValueError, OverflowError):
            continue
    for date_format in _DATE_FORMATS:
        try:
            return datetime.strptime(text, date_format).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _searchable(value: Json) -> str:
    return (value if isinstance(value, str) else dumps(value)).casefold()
