"""The intervals of a date histogram: where each begins, and how that is written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import from_ms, iso, to_ms
from appmixer_mcp.sandbox.instants import later
from appmixer_mcp.sandbox.log_index import DAY_MS

_FIXED = re.compile(r"([1-9]\d{0,8})(ms|s|m|h|d)")
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_CALENDAR = {
    "minute": "1m", "hour": "1h", "day": "1d", "week": "1w", "month": "1M", "quarter": "1q",
    "year": "1y", "second": "1s",
}  # fmt: skip
_MONDAY_MS = 4 * DAY_MS  # 1970 began on a Thursday
_WEEK_MS = 7 * DAY_MS
_SECONDS = "at_ms / 1000, 'unixepoch'"
_OF_MONTHS = {
    "1M": (1, f"{_SECONDS}, 'start of month'"),
    "1q": (
        3,
        f"{_SECONDS}, 'start of month', printf('-%d months', (strftime('%m', {_SECONDS}) - 1) % 3)",
    ),
    "1y": (12, f"{_SECONDS}, 'start of year'"),
}
_NAMED_FORMATS = {
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "date_optional_time": "",
    "strict_date_optional_time": "",
    "date_time": "",
    "strict_date_time": "",
}
_TOKEN = re.compile(r"'([^']*)'|(([A-Za-z])\3*)")
_DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda at: f"{at.year:04d}", "uuuu": lambda at: f"{at.year:04d}",
    "yy": lambda at: f"{at.year % 100:02d}", "MM": lambda at: f"{at.month:02d}",
    "dd": lambda at: f"{at.day:02d}", "HH": lambda at: f"{at.hour:02d}",
    "mm": lambda at: f"{at.minute:02d}", "ss": lambda at: f"{at.second:02d}",
    "SSS": lambda at: f"{at.microsecond // 1000:03d}", "T": lambda _: "T", "Z": lambda _: "Z",
}  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """Spans of time that follow one another (UTC)."""

    key_sql: str
    """The first millisecond of the span that `at_ms` lies in."""
    length_ms: int
    """0 for those of months."""
    months: int = 0

    @property
    def is_of_days(self) -> bool:
        """Whether it begins with a day and ends with one."""
        return self.length_ms % DAY_MS == 0

    def next(self, key_ms: int) -> int:
        """Return where the span after this one begins."""
        if self.length_ms:
            return key_ms + self.length_ms
        return to_ms(later(from_ms(key_ms), self.months, "M"))


def interval_of(text: str) -> Interval:
    """Return an interval.

    Args:
        text: `1d`, `12h`, `30m`, `day`, `week`, `month`, `1M`, `1q` …

    Raises:
        InputError: It is none.

    Source: documented by Elasticsearch; weeks begin on Monday.
    """
    text = _CALENDAR.get(text, text)
    if text in _OF_MONTHS:
        months, beginning = _OF_MONTHS[text]
        return Interval(f"CAST(strftime('%s', {beginning}) AS INTEGER) * 1000", 0, months)
    if text == "1w":
        shifted = f"(at_ms - {_MONDAY_MS}) / {_WEEK_MS} * {_WEEK_MS} + {_MONDAY_MS}"
        return Interval(shifted, _WEEK_MS)
    fixed = _FIXED.fullmatch(text)
    if fixed is None:
        raise InputError(
            f"{text!r} is no interval. Use such as 1d, 12h, 30m, or minute, hour, day, week, "
            "month, quarter, year."
        )
    length_ms = int(fixed[1]) * _UNITS_MS[fixed[2]]
    return Interval(f"at_ms / {length_ms} * {length_ms}", length_ms)


def formatter(pattern: str) -> Callable[[int], str]:
    """Return what writes a bucket's epoch milliseconds.

    Args:
        pattern: Made of yyyy MM dd HH mm ss SSS and text in single quotation marks, or epoch_millis
            or epoch_second; empty for `2026-01-31T00:00:00.000Z`.

    Raises:
        InputError: It holds other letters.
    """
    first = pattern.partition("||")[0]
    if first == "epoch_millis":
        return str
    if first == "epoch_second":
        return lambda key_ms: str(key_ms // 1000)
    wanted = _NAMED_FORMATS.get(first, first)
    if not wanted:
        return iso
    for token in _TOKEN.finditer(wanted):
        if token[2] and token[2] not in _DIRECTIVES:
            raise InputError(f"The format has {token[2]!r}; use yyyy MM dd HH mm ss SSS.")
    return lambda key_ms: _written(wanted, from_ms(key_ms))


def _written(pattern: str, at: datetime) -> str:
    return _TOKEN.sub(lambda token: _DIRECTIVES[token[2]](at) if token[2] else token[1], pattern)
