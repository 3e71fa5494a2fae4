"""The numbers of log records: their instant, and their place within it."""

import re

_PLACES = 1 << 20
_LARGEST = (1 << 63) - 1
_LOG_ID = re.compile(r"[0-7][0-9a-f]{15}")

LOG_ID_SQL = "printf('%016x', seq)"
"""What `log_id` returns, as an SQL expression."""


def first_seq(at_ms: int) -> int:
    """Return the smallest number of a millisecond; the largest there is for instants beyond it."""
    return max(-_LARGEST, min(at_ms * _PLACES, _LARGEST))


def last_seq(at_ms: int) -> int:
    """Return the largest number of a millisecond."""
    return max(-_LARGEST, min((at_ms + 1) * _PLACES - 1, _LARGEST))


def log_id(seq: int) -> str:
    """Return the `_id` of a record."""
    return f"{seq:016x}"


def seq_of(text: str) -> int | None:
    """Return the number that an `_id` stands for, or None when it is none."""
    return int(text, 16) if _LOG_ID.fullmatch(text) else None
