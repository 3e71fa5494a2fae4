"""When a call is sent again, and how long to wait before."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

MOST_TRIES = 3
LONGEST_RETRY_AFTER_S = 30.0

_REPEATED_STATUSES = frozenset({429, 502, 503, 504})
_BASE_S = 0.25
_CAP_S = 4.0
_DAY_S = 86_400.0

_random = random.SystemRandom()


def worth_repeating(status: int) -> bool:
    """Say whether a status is likely to be gone a moment later."""
    return status in _REPEATED_STATUSES


def backoff_s(tries: int) -> float:
    """Return the seconds to wait after so many tries: full jitter, doubling, at most 4."""
    return _random.uniform(0, min(_CAP_S, _BASE_S * 2 ** (tries - 1)))


def retry_after_s(headers: httpx2.Headers) -> float | None:
    """Read `Retry-After`, seconds or HTTP date, as seconds from now, 0 to one day.

    Returns:
        None when the header is absent or cannot be understood.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])  # more digits are more than a day anyhow
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if until.tzinfo is None:  # "-0000" means UTC of unknown origin
            until = until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _DAY_S)
