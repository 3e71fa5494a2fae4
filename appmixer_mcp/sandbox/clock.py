"""The time the sandbox lives by: the real one, or one that a test turns."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

import anyio

_LONGEST_SLEEP_S = 30.0
_EARLIEST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00Z
_LATEST_MS = 253_402_300_799_000  # 9999-12-31T23:59:59Z


class Clock(Protocol):
    """Tells the time and wakes sleepers."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `now()` has reached the instant; at once when it already has."""
        ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        """Sleep for the wall-clock time that is left until the instant."""
        # A sleep does not count the time that a laptop spends suspended; the wall clock does.
        while (left_s := (instant - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - see above
            await anyio.sleep(min(left_s, _LONGEST_SLEEP_S))


class ManualClock:
    """Stands still until somebody turns it; for tests."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._turned = anyio.Event()

    def now(self) -> datetime:
        """Return the instant the clock was last turned to."""
        return self._now

    def turn(self, by: timedelta) -> None:
        """Move the clock forward and wake whoever waits for an instant that is now past."""
        self._now += by
        self._turned.set()
        self._turned = anyio.Event()

    async def sleep_until(self, instant: datetime) -> None:
        """Wait until the clock has been turned to the instant or beyond."""
        while self._now < instant:
            await self._turned.wait()


def to_ms(instant: datetime) -> int:
    """Return an aware instant as epoch milliseconds, the unit of every `_ms` column."""
    return round(instant.timestamp() * 1000)


def from_ms(epoch_ms: int) -> datetime:
    """Return epoch milliseconds as an aware UTC instant, the nearest that there is."""
    return datetime.fromtimestamp(max(_EARLIEST_MS, min(epoch_ms, _LATEST_MS)) / 1000, UTC)


def iso(epoch_ms: int) -> str:
    """Return epoch milliseconds as the API writes instants: `2026-01-31T08:00:00.000Z`."""
    return from_ms(epoch_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
