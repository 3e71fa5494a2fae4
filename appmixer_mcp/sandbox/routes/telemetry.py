"""Telemetry: how much the signed-in user's flows do."""

import json
from datetime import UTC, date, datetime

from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.log_index import DAY_MS, index_all
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Parameter

_RUNNING = "running"
_DOTS = 3  # in a component's type

# A TypedDict with the key `from` cannot be written as a class.
MessageCounts = TypedDict("MessageCounts", {"from": str, "to": str, "count": int, "userId": str})
"""How many messages have arrived at components, from one day to another, both included."""


class UserCount(TypedDict):
    """How many there are of something."""

    userId: str
    count: int


class Telemetry(TypedDict):
    """What the user's flows do."""

    messageCounts: MessageCounts
    runningFlows: UserCount
    activeConnectors: UserCount
    usedApps: list[str]


async def show_telemetry(call: Call) -> Telemetry:
    """Tell how much the user's flows do; messages are counted from what the log still holds.

    Source: documented; that the month so far is taken without `from`, that a connector is active
    when a running flow has one of its components, and `vendor.service` as an app's name are ours.
    """
    user_id, today = call.user.user_id, call.services.clock.now().astimezone(UTC).date()
    await index_all(call.services.database)
    first = _day(call, "from", today.replace(day=1))
    last = _day(call, "to", today)
    if first > last:
        raise InputError("from must not be later than to.")
    apps: dict[str, bool] = {}
    running = 0
    for row in call.services.database.rows(
        "SELECT stage, descriptor_json FROM flow WHERE user_id = ?", (user_id,)
    ):
        running += row["stage"] == _RUNNING
        for app in _apps(row["descriptor_json"]):
            apps[app] = apps.get(app, False) or row["stage"] == _RUNNING
    return {
        "messageCounts": {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "count": _messages(call, first, last),
            "userId": user_id,
        },
        "runningFlows": {"userId": user_id, "count": running},
        "activeConnectors": {"userId": user_id, "count": sum(apps.values())},
        "usedApps": sorted(apps),
    }


def _messages(call: Call, first: date, last: date) -> int:
    row = call.services.database.row(
        "SELECT coalesce(sum(count), 0) FROM log_day"
        " WHERE user_id = ? AND port_type = 'in' AND day BETWEEN ? AND ?",
        (call.user.user_id, _number(first), _number(last)),
    )
    return 0 if row is None else int(row[0])


def _apps(descriptor_json: str) -> set[str]:
    """Return the apps whose components a flow has, such as `appmixer.utils`."""
    descriptor: dict[str, dict[str, str]] = json.loads(descriptor_json)
    types = (entry.get("type", "") for entry in descriptor.values())
    return {".".join(one.split(".")[:2]) for one in types if one.count(".") == _DOTS}


def _day(call: Call, name: str, default: date) -> date:
    text = call.query.get(name, "")
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise InputError(f"{name} must be a day, such as {default.isoformat()}.") from error


def _number(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)) // DAY_MS


ENDPOINTS = (
    Endpoint(
        "GET", "/telemetry", show_telemetry, answer=Telemetry,
        query=(Parameter(name="from"), Parameter(name="to")),
    ),
)  # fmt: skip
