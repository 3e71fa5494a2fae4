"""Instants as Lucene and Elasticsearch write them, `now-7d/d` among them."""

import re
from datetime import UTC, date, datetime, timedelta

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import to_ms

_NOW = re.compile(r"now((?:[+-]\d{1,6}[smhHdwMy])*)(?:/([smhHdwMy]))?")
_STEP = re.compile(r"([+-]\d{1,6})([smhHdwMy])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "H": "hours", "d": "days", "w": "weeks"}
_MONTHS = {"M": 1, "y": 12}
_EPOCH_MS = re.compile(r"[0-9]{9,14}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}(?:-\d\d)?")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?")


def instant_span(text: str, now: datetime) -> tuple[int, int]:
    """Return the first and the last millisecond that a date or an instant stands for.

    Args:
        text: `2026-01-31`, `2026-01`, `2026-01-31T08:00:00Z`, epoch milliseconds, `now`,
            `now-15m` or `now-7d/d` (the whole day).
        now: What `now` means.

    Raises:
        InputError: It is none of these.

    Source: documented by Elasticsearch. An instant without a zone is UTC.
    """
    try:
        relative = _NOW.fullmatch(text)
        if relative is not None:
            return _relative(relative, now)
        if _EPOCH_MS.fullmatch(text):
            return int(text), int(text)
        if _MONTH.fullmatch(text):
            first = datetime.fromisoformat(f"{text}-01-01"[:10]).replace(tzinfo=UTC)
            return _from_to(first, "M" if "-" in text else "y")
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return _from_to(datetime(day.year, day.month, day.day, tzinfo=UTC), "d")
        instant = datetime.fromisoformat(text)
        at_ms = to_ms(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{text!r} is no instant. Write 2026-01-31, 2026-01-31T08:00:00Z, epoch milliseconds, "
            "now-15m or now-7d/d."
        ) from error
    if instant.microsecond or "." in text:
        return at_ms, at_ms
    return at_ms, at_ms + (59_999 if _MINUTE.fullmatch(text) else 999)


def floor(instant: datetime, unit: str) -> datetime:
    """Return the beginning of the second, minute, hour, day, week (Monday), month or year.

    Args:
        instant: Aware UTC.
        unit: One of `s m h H d w M y`.
    """
    if unit == "s":
        return instant.replace(microsecond=0)
    if unit == "m":
        return instant.replace(second=0, microsecond=0)
    if unit in {"h", "H"}:
        return instant.replace(minute=0, second=0, microsecond=0)
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        return day - timedelta(days=day.weekday())
    if unit == "d":
        return day
    return day.replace(day=1) if unit == "M" else day.replace(month=1, day=1)


def later(instant: datetime, amount: int, unit: str) -> datetime:
    """Return an instant so many units later; the end of a month stays one.

    Raises:
        OverflowError: It lies outside of the years that there are; also as a ValueError.
    """
    if unit in _UNITS:
        return instant + timedelta(**{_UNITS[unit]: amount})
    months = instant.year * 12 + instant.month - 1 + amount * _MONTHS[unit]
    year, month = divmod(months, 12)
    for day in (instant.day, 30, 29):
        try:
            return instant.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return instant.replace(year=year, month=month + 1, day=28)


def _relative(found: re.Match[str], now: datetime) -> tuple[int, int]:
    steps, rounded = found.groups()
    instant = now
    for amount, unit in _STEP.findall(steps):
        instant = later(instant, int(amount), unit)
    if rounded:
        return _from_to(floor(instant, rounded), rounded)
    at_ms = to_ms(instant)
    return at_ms, at_ms


def _from_to(first: datetime, unit: str) -> tuple[int, int]:
    return to_ms(first), to_ms(later(first, 1, unit)) - 1
