"""Cron expressions as components take them: minute, hour, day of the month and of the week.

The month is always `*`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.context import Json

_PARTS = ("minute", "hour", "dayMonth", "dayWeek")
_SAID = ", ".join(_PARTS[:-1]) + f" and {_PARTS[-1]}"
ZONE_FIELD = Field(name="timezone", tooltip="Such as Europe/Prague; UTC when empty.")


def cron_fields(*, required: bool) -> tuple[Field, ...]:
    """Return the properties of a schedule, but for its time zone."""
    tooltips = (
        "0 to 59, *, */5, 1,15,30 or 1-10.",
        "0 to 23, or as for minute.",
        "1 to 31, or as for minute.",
        "0 (Sunday) to 7, or as for minute.",
    )
    return tuple(
        Field(name=name, required=required, tooltip=tooltip)
        for name, tooltip in zip(_PARTS, tooltips, strict=True)
    )


def is_scheduled(properties: Mapping[str, Json]) -> bool:
    """Say whether any part of an expression is given."""
    return any(_part(properties, name) for name in _PARTS)


def next_run(properties: Mapping[str, Json], now: datetime) -> datetime:
    """Return the first instant after now that the expression names; parts left out are `*`."""
    zone = ZoneInfo(str(properties.get("timezone") or "UTC"))
    parts = [_part(properties, name) or "*" for name in _PARTS]
    for name, part in zip(_PARTS, parts, strict=True):
        if len(part.split()) > 1:  # one field more would make the first one seconds
            raise CronSimError(f"{name} {part!r} holds a blank")
    minute, hour, day, weekday = parts
    return next(CronSim(f"{minute} {hour} {day} * {weekday}", now.astimezone(zone)))


def cron_problems(properties: Mapping[str, Json]) -> list[str]:
    """Return what is wrong with an expression or its time zone, in sentences."""
    try:
        next_run(properties, datetime(2024, 1, 1, tzinfo=UTC))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [f"timezone {properties.get('timezone')!r} is unknown; give one as Europe/Prague."]
    except CronSimError as error:
        return [f"{_SAID} are no cron expression: {error}."]
    except StopIteration:
        return [f"{_SAID} name no day that there is."]
    return []


def _part(properties: Mapping[str, Json], name: str) -> str:
    value = properties.get(name)
    return "" if value is None else str(value).strip()
