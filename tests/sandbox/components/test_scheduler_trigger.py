"""SchedulerTrigger: days of the week and the month, every day, and intervals."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry


def schedule(kind: str, **properties: Json) -> dict[str, Json]:
    return {
        "every": entry("timers.SchedulerTrigger", properties={"scheduleType": kind, **properties})
    }


async def runs_of(sandbox: Sandbox, descriptor: dict[str, Json], count: int) -> list[str]:
    """Return the times of the next runs, in GMT, each reached by turning the clock to it."""
    run = await sandbox.run(descriptor)
    times: list[str] = []
    while len(times) < count and (queued := run.queued()):
        due_at = datetime.fromtimestamp(queued[0]["due_ms"] / 1000, UTC)
        times.append(f"{due_at:%m-%d %H:%M}")
        await run.turn((due_at - sandbox.clock.now()).total_seconds())
    assert len(run.sent("every")) == len(times)
    return times


@pytest.mark.parametrize(
    ("descriptor", "runs"),
    [
        (schedule("days", time="07:30"), ["02-01 07:30", "02-02 07:30"]),
        (schedule("days", time="08:30"), ["01-31 08:30", "02-01 08:30"]),
        (
            schedule("weeks", daysOfWeek=["monday", "Wed"], time="08:00"),
            ["02-02 08:00", "02-04 08:00", "02-09 08:00"],
        ),
        (
            schedule("months", daysOfMonth=["last day", 15]),
            ["02-15 00:00", "02-28 00:00", "03-15 00:00"],
        ),
        (schedule("months", daysOfMonth=[31]), ["03-31 00:00", "05-31 00:00"]),
        (
            schedule("custom", customIntervalUnit="hours", customIntervalValue=36),
            ["02-01 20:00", "02-03 08:00"],
        ),
        (
            schedule(
                "custom",
                customIntervalUnit="minutes",
                customIntervalValue="30",
                start="2026-01-31T12:10:00Z",
                end="2026-01-31T12:45:00Z",
            ),
            ["01-31 12:10", "01-31 12:40"],
        ),
        (
            schedule("days", time="08:30", start="2026-02-03T00:00:00Z", timezone="Asia/Tokyo"),
            ["02-03 23:30"],
        ),
    ],
)
async def test_a_schedule_runs_when_it_says(
    sandbox: Sandbox, descriptor: dict[str, Json], runs: list[str]
) -> None:
    wanted = len(runs) + 1 if "end" in str(descriptor) else len(runs)

    assert await runs_of(sandbox, descriptor, wanted) == runs


@pytest.mark.parametrize(
    "properties",
    [
        {"scheduleType": "days", "time": "09:00"},
        {"scheduleType": "custom", "customIntervalUnit": "days", "customIntervalValue": 1},
    ],
)
async def test_days_keep_their_time_when_the_clocks_change(
    sandbox: Sandbox, properties: dict[str, Json]
) -> None:
    sandbox.clock.turn(
        datetime(2026, 3, 27, 9, tzinfo=ZoneInfo("Europe/Prague")) - sandbox.clock.now()
    )

    runs = await runs_of(
        sandbox,
        {
            "every": entry(
                "timers.SchedulerTrigger", properties={"timezone": "Europe/Prague", **properties}
            )
        },
        3,
    )

    assert runs == ["03-28 08:00", "03-29 07:00", "03-30 07:00"]


async def test_a_run_tells_the_next_one_and_the_one_before(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        schedule("days", time="10:00", immediate=True, timezone="Europe/Prague")
    )

    await run.turn(3600)

    assert run.sent("every") == [
        {
            "nextDateGMT": "2026-01-31T09:00:00.000Z",
            "nextDateLocal": "2026-01-31T10:00:00+01:00",
            "timezone": "Europe/Prague",
            "previousDate": None,
        },
        {
            "nextDateGMT": "2026-02-01T09:00:00.000Z",
            "nextDateLocal": "2026-02-01T10:00:00+01:00",
            "timezone": "Europe/Prague",
            "previousDate": "2026-01-31T08:00:00.000Z",
        },
    ]


async def test_runs_that_were_missed_are_not_made_up_for(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        schedule("custom", customIntervalUnit="minutes", customIntervalValue=10)
    )

    await run.turn(timedelta(minutes=34).total_seconds())
    await run.turn(timedelta(minutes=6).total_seconds())

    told = [one["nextDateGMT"][11:16] for one in run.sent("every")]
    assert told == ["08:40", "08:50"]


async def test_a_start_in_the_past_keeps_the_flow_from_starting(sandbox: Sandbox) -> None:
    run = sandbox.add(schedule("days", start="2026-01-31T07:59:00Z"))

    with pytest.raises(ComponentFailedError, match="past"):
        await run.start()

    assert run.stage == "stopped"


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"scheduleType": "years"}, "scheduleType"),
        ({"scheduleType": "weeks"}, "daysOfWeek"),
        ({"scheduleType": "weeks", "daysOfWeek": ["someday"]}, "daysOfWeek"),
        ({"scheduleType": "months", "daysOfMonth": [32]}, "daysOfMonth"),
        ({"scheduleType": "custom", "customIntervalValue": 5}, "customIntervalUnit"),
        ({"scheduleType": "custom", "customIntervalUnit": "hours"}, "customIntervalValue"),
        (
            {"scheduleType": "custom", "customIntervalUnit": "days", "customIntervalValue": 0.5},
            "customIntervalValue",
        ),
        ({"scheduleType": "days", "time": "25:00"}, "time"),
        ({"scheduleType": "days", "end": "soon"}, "end"),
        ({"scheduleType": "days", "timezone": "../etc/passwd"}, "timezone"),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused_before_the_start(
    sandbox: Sandbox, properties: dict[str, Json], says: str
) -> None:
    problems = sandbox.engine.validate(
        {"every": entry("timers.SchedulerTrigger", properties=properties)}
    )

    assert problems[0].message.startswith(says)
