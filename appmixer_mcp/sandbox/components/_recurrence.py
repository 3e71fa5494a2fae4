"""When a schedule of days, weeks, months or intervals comes round next."""

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, to_number, to_text

SCHEDULE_TYPES = ("custom", "days", "weeks", "months")
WEEKDAYS = tuple(day.lower() for day in calendar.day_name)
LAST_DAY = "last day"
INTERVALS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
_BY_THE_CALENDAR = ("days", "weeks")
_MOST_INTERVALS = 100_000
_MONTH_DAYS = tuple(str(day) for day in range(1, 32))
_FURTHEST_DAYS = 70  # from 31 January to the next 31st are 59 days, and no day is further apart
_JUST_BEFORE = timedelta(microseconds=1)

_Next = Callable[[datetime, datetime], datetime | None]
"""Given a run and an instant, returns the first run after both; None when there is none."""


class UnusableScheduleError(ValueError):
    """A property of a schedule cannot be used; says which, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """A schedule. Its instants are aware UTC."""

    zone: ZoneInfo
    begins_at: datetime | None
    ends_at: datetime | None
    counts_from_start: bool
    """Whether the start itself is a run, as it is of an interval."""
    next_run: _Next

    def first(self, now: datetime) -> datetime | None:
        """Return the first run from now on; None when there is none."""
        if self.begins_at is None:
            return self._until_end(self.next_run(now, now))
        if self.counts_from_start:
            return self._until_end(self.begins_at)
        return self._until_end(self.next_run(self.begins_at, self.begins_at - _JUST_BEFORE))

    def following(self, run: datetime, now: datetime) -> datetime | None:
        """Return the first run after a run and after now; None when there is none."""
        return self._until_end(self.next_run(run, max(run, now)))

    def _until_end(self, run: datetime | None) -> datetime | None:
        return None if run is None or (self.ends_at and run > self.ends_at) else run


def recurrence(properties: Mapping[str, Json]) -> Recurrence:
    """Return the schedule that the properties of a SchedulerTrigger describe.

    Raises:
        UnusableScheduleError: They describe none.
    """
    kind = to_text(properties.get("scheduleType"))
    if kind not in SCHEDULE_TYPES:
        raise UnusableScheduleError(f"scheduleType must be one of {', '.join(SCHEDULE_TYPES)}.")
    zone = _zone(properties.get("timezone"))
    return Recurrence(
        zone=zone,
        begins_at=_instant(properties, "start"),
        ends_at=_instant(properties, "end"),
        counts_from_start=kind == "custom",
        next_run=_every(properties, zone) if kind == "custom" else _on_days(properties, kind, zone),
    )


def _every(properties: Mapping[str, Json], zone: ZoneInfo) -> _Next:
    """Return what counts intervals; days and weeks keep their time by the clocks of the zone."""
    unit, count = properties.get("customIntervalUnit"), properties.get("customIntervalValue")
    length = INTERVALS.get(unit) if isinstance(unit, str) else None
    if length is None:
        raise UnusableScheduleError(f"customIntervalUnit must be one of {', '.join(INTERVALS)}.")
    if count in (None, "") or to_number(count) not in range(1, _MOST_INTERVALS + 1):
        raise UnusableScheduleError("customIntervalValue must be a whole number above 0.")
    interval = int(to_number(count)) * length

    def step(run: datetime, times: int) -> datetime:
        if unit not in _BY_THE_CALENDAR:
            return run + times * interval
        local = run.astimezone(zone).replace(tzinfo=None) + times * interval
        return local.replace(tzinfo=zone).astimezone(UTC)

    def next_run(run: datetime, after: datetime) -> datetime | None:
        passed = (after - run) // interval
        # One more or less, as a day on which the clocks change is no 24 hours long.
        steps = (step(run, times) for times in range(max(1, passed), passed + 4))
        try:
            return next((one for one in steps if one > after), None)
        except OverflowError:  # after the year 9999
            return None

    return next_run


def _on_days(properties: Mapping[str, Json], kind: str, zone: ZoneInfo) -> _Next:
    """Return what looks for the days of the schedule, at its time by the clocks of the zone."""
    falls_on = _day_test(properties, kind)
    at = _time(properties.get("time"))

    def runs(first_day: datetime) -> Iterator[datetime]:
        for ahead in range(_FURTHEST_DAYS):
            day = first_day + timedelta(days=ahead)
            if falls_on(day):
                yield datetime.combine(day, at, zone).astimezone(UTC)

    def next_run(_: datetime, after: datetime) -> datetime | None:
        try:
            today = after.astimezone(zone).replace(tzinfo=None)
            return next((run for run in runs(today) if run > after), None)
        except OverflowError:  # after the year 9999
            return None

    return next_run


def _day_test(properties: Mapping[str, Json], kind: str) -> Callable[[datetime], bool]:
    if kind == "weeks":
        names = _chosen(properties, "daysOfWeek", WEEKDAYS)
        return lambda day: WEEKDAYS[day.weekday()] in names
    if kind == "months":
        numbers = _chosen(properties, "daysOfMonth", (*_MONTH_DAYS, LAST_DAY))
        return lambda day: str(day.day) in numbers or (LAST_DAY in numbers and _is_last(day))
    return lambda _: True


def _chosen(properties: Mapping[str, Json], name: str, options: tuple[str, ...]) -> frozenset[str]:
    """Return the chosen options; how they are spelled is ours. A weekday may be cut: mon, tue."""
    given = properties.get(name)
    listed = given if is_list(given) else [given]
    wanted = [to_text(one).strip().lower() for one in listed if one not in (None, "")]
    found = {
        option
        for option in options
        for one in wanted
        if option == one or (option in WEEKDAYS and option[:3] == one)
    }
    if not found or len(found) < len(set(wanted)):
        raise UnusableScheduleError(f"{name} must hold at least one of {', '.join(options)}.")
    return frozenset(found)


def _is_last(day: datetime) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _time(value: Json) -> time:
    if value in (None, ""):
        return time()
    try:
        return datetime.strptime(to_text(value).strip(), "%H:%M").time()  # noqa: DTZ007 - the zone is given elsewhere
    except ValueError as error:
        raise UnusableScheduleError(f"time {value!r} must look like 08:30.") from error


def _instant(properties: Mapping[str, Json], name: str) -> datetime | None:
    given = properties.get(name)
    if given in (None, ""):
        return None
    found = to_instant(given)
    if found is None:
        raise UnusableScheduleError(f"{name} must be a date such as 2026-01-31T08:00:00Z.")
    return found.astimezone(UTC)


def _zone(value: Json) -> ZoneInfo:
    try:
        return ZoneInfo(to_text(value or "GMT"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"timezone {value!r} is unknown; give one as Europe/Prague."
        raise UnusableScheduleError(message) from error
