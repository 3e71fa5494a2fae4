"""Timer, Scheduler and Wait, by a clock that the test turns."""

from datetime import UTC, datetime, timedelta

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry


async def test_a_timer_triggers_at_the_start_and_then_at_its_interval(sandbox: Sandbox) -> None:
    run = await sandbox.run({"timer": entry("timers.Timer", properties={"interval": 5})})

    await run.turn(299)
    await run.turn(1)

    assert run.sent("timer") == [
        {"now": "2026-01-31T08:00:00.000Z"},
        {
            "lastTick": "2026-01-31T08:00:00.000Z",
            "now": "2026-01-31T08:05:00.000Z",
            "elapsed": 300_000,
        },
    ]


async def test_a_timer_keeps_to_its_grid_when_it_fires_late(sandbox: Sandbox) -> None:
    run = await sandbox.run({"timer": entry("timers.Timer", properties={"interval": 5})})

    await run.turn(720)
    await run.turn(180)

    assert [tick["now"][11:19] for tick in run.sent("timer")] == [
        "08:00:00",
        "08:12:00",
        "08:15:00",
    ]


@pytest.mark.parametrize("interval", [4, 35_001, 5.5, "often", None])
async def test_a_timer_refuses_an_interval_out_of_range(sandbox: Sandbox, interval: Json) -> None:
    problems = sandbox.engine.validate(
        {"timer": entry("timers.Timer", properties={"interval": interval})}
    )

    assert "interval" in problems[0].message


def cron(expression: str, **properties: Json) -> dict[str, Json]:
    minute, hour, day, weekday = expression.split(" ")
    given = {"minute": minute, "hour": hour, "dayMonth": day, "dayWeek": weekday, **properties}
    return {"cron": entry("timers.Scheduler", properties=given)}


def times(run: Run) -> list[str]:
    return [one["now"][5:16] for one in run.sent("cron")]


async def test_a_schedule_triggers_at_the_start_and_whenever_it_says(sandbox: Sandbox) -> None:
    run = await sandbox.run(cron("30 9 * *"))

    await run.turn(90 * 60)

    assert run.sent("cron") == [
        {
            "now": "2026-01-31T08:00:00.000Z",
            "previousDate": None,
            "nextDate": "2026-01-31T09:30:00.000Z",
        },
        {
            "now": "2026-01-31T09:30:00.000Z",
            "previousDate": "2026-01-31T08:00:00.000Z",
            "nextDate": "2026-02-01T09:30:00.000Z",
        },
    ]


async def test_a_schedule_that_is_not_immediate_waits_for_its_time(sandbox: Sandbox) -> None:
    run = await sandbox.run(cron("30 9 * *", immediate=False))

    await run.turn(90 * 60)

    assert times(run) == ["01-31T09:30"]
    assert run.sent("cron")[0]["previousDate"] is None


async def test_a_schedule_neither_drifts_nor_skips_when_it_fires_late(sandbox: Sandbox) -> None:
    run = await sandbox.run(cron("* * * *", immediate=False))

    for seconds in (70, 55, 55, 60):
        await run.turn(seconds)

    assert [one["now"][11:19] for one in run.sent("cron")] == [
        "08:01:10",
        "08:02:05",
        "08:03:00",
        "08:04:00",
    ]


async def test_a_schedule_goes_by_the_clocks_of_its_time_zone(sandbox: Sandbox) -> None:
    sandbox.clock.turn(datetime(2026, 3, 28, 12, tzinfo=UTC) - sandbox.clock.now())
    run = await sandbox.run(cron("0 8 * *", immediate=False, timezone="Europe/Prague"))

    await run.turn(timedelta(hours=18).total_seconds())
    await run.turn(timedelta(hours=24).total_seconds())

    assert times(run) == ["03-29T06:00", "03-30T06:00"]


@pytest.mark.parametrize(
    ("expression", "timezone", "says"),
    [
        ("61 * * *", "", "cron expression"),
        ("* * 32 *", "", "cron expression"),
        ("*\t* * * *", "", "minute '*\\t*'"),
        ("* * * *", "Europe/Atlantis", "Europe/Atlantis"),
        ("* * * *", "../etc/passwd", "timezone"),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused_before_the_start(
    sandbox: Sandbox, expression: str, timezone: str, says: str
) -> None:
    problems = sandbox.engine.validate(cron(expression, timezone=timezone))

    assert says in problems[0].message


async def run_wait(sandbox: Sandbox, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "wait": entry("timers.Wait", "start", fields=fields),
            "after": entry("filters.Equal", "wait", fields={"sourceData": "{{{$.start.out}}}"}),
        }
    )


@pytest.mark.parametrize(
    ("interval", "until"),
    [
        ("5m", "2026-01-31T08:05:00"),
        ("2 h", "2026-01-31T10:00:00"),
        ("1d", "2026-02-01T08:00:00"),
        ("1w", "2026-02-07T08:00:00"),
        ("1M", "2026-02-28T08:00:00"),
        ("1y", "2027-01-31T08:00:00"),
    ],
)
async def test_wait_lets_a_message_on_after_its_interval(
    sandbox: Sandbox, interval: str, until: str
) -> None:
    run = await run_wait(sandbox, interval=interval, note="kept")
    left_s = (
        datetime.fromisoformat(until).replace(tzinfo=UTC) - sandbox.clock.now()
    ).total_seconds()

    await run.turn(left_s - 1)
    assert run.sent("wait") == []
    await run.turn(1)

    assert run.sent("wait")[0]["note"] == "kept"
    assert run.received("after")[0]["sourceData"] == {"started": "2026-01-31T08:00:00.000Z"}


async def test_wait_lets_a_message_on_at_a_date(sandbox: Sandbox) -> None:
    run = await run_wait(sandbox, until="2026-01-31T10:00:00+01:00")

    await run.turn(3599)
    assert run.sent("wait") == []
    await run.turn(1)

    assert len(run.sent("wait")) == 1


async def test_a_message_that_waits_for_ever_holds_nobody_up(sandbox: Sandbox) -> None:
    await run_wait(sandbox, until="9999-12-31T23:59:59.9999Z")

    run = await run_wait(sandbox, interval="5m")
    await run.turn(300)

    assert len(run.sent("wait")) == 1


async def test_a_message_that_waits_is_dropped_when_the_flow_stops(
    sandbox: Sandbox,
) -> None:
    run = await run_wait(sandbox, interval="5m")

    await run.stop()
    await run.turn(600)

    assert run.sent("wait") == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"interval": "soon"}, "'interval'"),
        ({"interval": "5s"}, "'interval'"),
        ({"interval": "999999y"}, "9999"),
        ({"until": "soon"}, "'until'"),
        ({"until": "9999-12-31T23:59:59-12:00"}, "'until'"),
        ({}, "fill one of them"),
    ],
)
async def test_wait_refuses_what_is_no_time(
    sandbox: Sandbox, fields: dict[str, Json], says: str
) -> None:
    run = await run_wait(sandbox, **fields)

    assert says in run.errors("wait")[0]["message"]
    assert len(run.unprocessed()) == 1
