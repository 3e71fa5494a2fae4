"""Dates as the JavaScript library moment writes them, in English and in UTC.

Source: moment's documentation of its format tokens and of its humanised spans.
"""

import calendar
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import floor

from appmixer_mcp.sandbox.clock import to_ms

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_LONG = {
    "LTS": "h:mm:ss A", "LT": "h:mm A", "L": "MM/DD/YYYY", "l": "M/D/YYYY",
    "LL": "MMMM D, YYYY", "ll": "MMM D, YYYY", "LLL": "MMMM D, YYYY h:mm A",
    "lll": "MMM D, YYYY h:mm A", "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}  # fmt: skip
_MERIDIEM = ("AM", "PM")
_NOON = 12
_TEENS = range(11, 14)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _weekday(at: datetime) -> int:
    return at.isoweekday() % 7


def _week(at: datetime) -> tuple[int, int]:
    """Return year and week as in America: weeks begin on Sunday, the first holds January 1."""
    saturday = at.date() + timedelta(days=6 - _weekday(at))
    first = date(saturday.year, 1, 1)
    return saturday.year, ((saturday - first).days // 7) + 1


def _hour12(at: datetime) -> int:
    return at.hour % 12 or 12


def _hour24(at: datetime) -> int:
    return at.hour or 24


def _day_of_year(at: datetime) -> int:
    return at.timetuple().tm_yday


def _minutes(at: datetime) -> str:
    return f"{at.minute:02}"


def _minutes_and_seconds(at: datetime) -> str:
    return f"{at.minute:02}{at.second:02}"


def _offset(at: datetime) -> str:
    return at.strftime("%z")


_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "M": lambda at: at.month, "Q": lambda at: (at.month + 2) // 3, "D": lambda at: at.day,
    "DDD": _day_of_year, "d": _weekday, "w": lambda at: _week(at)[1],
    "W": lambda at: at.isocalendar().week, "H": lambda at: at.hour, "h": _hour12, "k": _hour24,
    "m": lambda at: at.minute, "s": lambda at: at.second, "Y": lambda at: at.year,
    "y": lambda at: at.year, "e": _weekday, "E": lambda at: at.isoweekday(),
    "X": lambda at: to_ms(at) // 1000, "x": to_ms,
}  # fmt: skip
"""Tokens that stand for a number as it is."""
_PADDED: dict[str, tuple[str, int]] = {
    "MM": ("M", 2), "DD": ("D", 2), "DDDD": ("DDD", 3), "ww": ("w", 2), "WW": ("W", 2),
    "HH": ("H", 2), "hh": ("h", 2), "kk": ("k", 2), "mm": ("m", 2), "ss": ("s", 2),
    "YYYY": ("Y", 4), "YYYYY": ("Y", 5), "yyyy": ("y", 4), "yyy": ("y", 3), "yy": ("y", 2),
}  # fmt: skip
"""Tokens that stand for such a number with zeros in front."""
_ORDINALS = {f"{name}o": name for name in ("M", "Q", "D", "DDD", "d", "w", "W", "y")}
_WORDS: dict[str, Callable[[datetime], str]] = {
    "MMM": lambda at: _MONTHS[at.month - 1][:3], "MMMM": lambda at: _MONTHS[at.month - 1],
    "dd": lambda at: _DAYS[_weekday(at)][:2], "ddd": lambda at: _DAYS[_weekday(at)][:3],
    "dddd": lambda at: _DAYS[_weekday(at)],
    "YY": lambda at: f"{at.year % 100:02}", "YYYYYY": lambda at: f"+{at.year:06}",
    "gg": lambda at: f"{_week(at)[0] % 100:02}", "gggg": lambda at: f"{_week(at)[0]:04}",
    "ggggg": lambda at: f"{_week(at)[0]:05}",
    "GG": lambda at: f"{at.isocalendar().year % 100:02}",
    "GGGG": lambda at: f"{at.isocalendar().year:04}",
    "GGGGG": lambda at: f"{at.isocalendar().year:05}",
    "A": lambda at: _MERIDIEM[at.hour >= _NOON],
    "a": lambda at: _MERIDIEM[at.hour >= _NOON].lower(),
    "hmm": lambda at: f"{_hour12(at)}{_minutes(at)}",
    "hmmss": lambda at: f"{_hour12(at)}{_minutes_and_seconds(at)}",
    "Hmm": lambda at: f"{at.hour}{_minutes(at)}",
    "Hmmss": lambda at: f"{at.hour}{_minutes_and_seconds(at)}",
    "N": lambda _: "AD", "NN": lambda _: "AD", "NNN": lambda _: "AD",
    "NNNN": lambda _: "Anno Domini", "NNNNN": lambda _: "AD",
    "z": lambda _: "UTC", "zz": lambda _: "Coordinated Universal Time",
    "ZZ": _offset, "Z": lambda at: f"{_offset(at)[:3]}:{_offset(at)[3:]}",
}  # fmt: skip
_TOKENS = (*_LONG, *_NUMBERS, *_PADDED, *_ORDINALS, *_WORDS)
_PIECE = re.compile(
    r"\[([^\[]*?)\]|\\(.)|(S{1,9}|" + "|".join(sorted(_TOKENS, key=len, reverse=True)) + ")",
    re.DOTALL,
)


def write(at: datetime, pattern: str) -> str:
    r"""Return an instant in moment's notation: `YYYY-MM-DD HH:mm`.

    `[text]` and `\x` stand for text and x themselves, and so does what is no token.
    """
    return _PIECE.sub(lambda piece: _written(at, piece), pattern)


def _written(at: datetime, piece: re.Match[str]) -> str:
    text, escaped, token = piece.groups()
    if token is None:
        return str(text if text is not None else escaped)
    if token in _LONG:
        return write(at, _LONG[token])
    if token in _WORDS:
        return _WORDS[token](at)
    if token[0] == "S":
        return f"{at.microsecond:06}000"[: len(token)]
    if token in _ORDINALS:
        return _ordinal(_NUMBERS[_ORDINALS[token]](at))
    name, width = _PADDED.get(token, (token, 0))
    return f"{_NUMBERS[name](at):0{width}}"


def rounded(number: float) -> int:
    """Return the nearest whole number; a half goes away from zero, as in moment."""
    return floor(number + 0.5) if number >= 0 else -floor(-number + 0.5)


def humanised(seconds: float) -> str:
    """Return a length of time in words: `a few seconds`, `an hour`, `7 years`."""
    units = (
        ("second", rounded(seconds), 45), ("minute", rounded(seconds / 60), 45),
        ("hour", rounded(seconds / 3_600), 22), ("day", rounded(seconds / 86_400), 26),
        ("month", rounded(rounded(seconds / 86_400) * 4_800 / 146_097), 11),
    )  # fmt: skip
    years = rounded(rounded(seconds / 86_400) * 400 / 146_097)
    unit, count, _ = next((one for one in units if one[1] < one[2]), ("year", years, 0))
    if unit == "second":
        return "a few seconds"
    if count > 1:
        return f"{count} {unit}s"
    return "an hour" if unit == "hour" else f"a {unit}"


def added(at: datetime, *, months: float, days: float, minutes: float) -> datetime:
    """Return an instant moved on; where the month has no such day, its last one is taken.

    Raises:
        ValueError: The year would not be from 1 to 9999.
        OverflowError: Likewise.
    """
    month = at.month - 1 + rounded(months)
    year, month = at.year + month // 12, month % 12 + 1
    last = calendar.monthrange(year, month)[1]
    moved = at.replace(year=year, month=month, day=min(at.day, last))
    return moved + timedelta(days=rounded(days), minutes=minutes)
