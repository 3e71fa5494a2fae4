"""BeforeAll, AfterAll, Assert, CallCount, Join, Tick and ProcessE2EResults: flows that test."""

import json

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.stores import UserStores
from tests.sandbox.harness import USER_ID, Library, Run, Sandbox, entry, library_of


@pytest.fixture
def library() -> Library:
    return library_of()


async def send(run: Run, component_id: str, data: Json = None) -> None:
    await run.call(component_id, data, enqueue_only=True)


async def test_before_all_begins_a_run_with_its_time(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"start": entry("controls.OnStart"), "before": entry("test.BeforeAll", "start")}
    )

    (told,) = run.sent("before")
    assert told["now"] == 1_769_846_400_000
    assert told["runId"]


async def checked(sandbox: Sandbox, *items: Json) -> dict[str, Json]:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "assert": entry(
                "test.Assert", "start", fields={"expression": {"AND": list(items)}}, label="Totals"
            ),
        }
    )
    told: dict[str, Json] = run.sent("assert")[0]
    assert (told["componentId"], told["componentName"]) == ("assert", "Totals")
    return told


@pytest.mark.parametrize(
    "item",
    [
        {"field": "5", "assertion": "equal", "expected": 5},
        {"field": True, "assertion": "equal", "expected": "true"},
        {"field": {"a": [1]}, "assertion": "equal", "expected": {"a": [1]}, "type": "object"},
        {"field": "", "assertion": "notEmpty"},
        {"field": 0, "assertion": "notEmpty", "type": "number"},
        {"field": "order-17", "assertion": "regex", "regex": r"-\d+$"},
        {"field": "{{{$.start.out.started}}}", "assertion": "notEmpty", "type": "string"},
    ],
)
async def test_what_holds_is_a_success(sandbox: Sandbox, item: dict[str, Json]) -> None:
    told = await checked(sandbox, item)

    assert (len(told["success"]), told["error"]) == (1, [])


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"field": 5, "assertion": "equal", "expected": 6}, "5 equal 6"),
        ({"field": None, "assertion": "notEmpty"}, "null notEmpty"),
        ({"field": "{{{$.start.out.no}}}", "assertion": "notEmpty"}, "notEmpty"),
        ({"field": "abc", "assertion": "regex", "regex": "^b"}, '"abc" regex "^b"'),
        ({"field": "abc", "assertion": "regex", "regex": "("}, "no regular expression"),
        ({"field": "5", "assertion": "notEmpty", "type": "number"}, "of type string"),
        ({"field": 5, "assertion": "above"}, "no such assertion"),
        ("x", "must look like"),
    ],
)
async def test_what_does_not_hold_is_told_and_is_no_failure(
    sandbox: Sandbox, item: Json, says: str
) -> None:
    told = await checked(sandbox, item)

    assert told["success"] == []
    assert says in told["error"][0]


def gathering(**properties: Json) -> dict[str, Json]:
    """Return a flow in which AfterAll waits for two sources, after BeforeAll."""
    return {
        "begin": entry("test.engine.probe.Source"),
        "before": entry("test.BeforeAll", "begin"),
        "one": entry("test.engine.probe.Source", label="One"),
        "two": entry("test.engine.probe.Source", label="Two"),
        "after": entry("test.AfterAll", "one", "two", properties=properties),
        "use": entry(
            "filters.Equal",
            "after",
            fields={"sourceData": "{{{$.one.out}}}", "value": "{{{$.two.out}}}"},
        ),
    }


async def test_after_all_waits_for_every_link_and_merges_what_can_be_referred_to(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(gathering())

    await send(run, "begin")
    await send(run, "two", 2)
    before = run.sent("after")
    await send(run, "one", 1)

    assert before == []
    assert run.sent("after") == [[1, 2]]
    assert run.received("use") == [{"sourceData": 1, "value": 2}]
    assert run.queued() == []


async def test_after_all_tells_which_links_brought_nothing_in_time(sandbox: Sandbox) -> None:
    run = await sandbox.run(gathering(timeout=90))

    await send(run, "begin")
    await run.turn(60)
    await send(run, "one", 1)
    await run.turn(29)
    before = run.sent("after")
    await run.turn(1)
    await send(run, "two", 2)

    assert before == []
    assert run.sent("after") == [{"message": "timed out", "timedOutLinks": ["Two:out"]}]


async def test_a_test_that_leads_nowhere_times_out(sandbox: Sandbox) -> None:
    run = await sandbox.run(gathering())

    await send(run, "begin")
    await run.turn(180)

    assert run.sent("after") == [{"message": "timed out", "timedOutLinks": ["One:out", "Two:out"]}]


async def test_another_test_run_begins_anew(sandbox: Sandbox) -> None:
    run = await sandbox.run(gathering(timeout=100))

    for component_id, data in (("begin", None), ("one", "old"), ("begin", None), ("two", 2)):
        await send(run, component_id, data)
    unfinished = run.sent("after")
    await send(run, "one", 1)
    await run.turn(100)

    assert unfinished == []
    assert run.sent("after") == [[1, 2]]


async def test_after_all_works_in_rounds_without_before_all(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {key: one for key, one in gathering().items() if key not in ("begin", "before")}
    )

    for component_id, data in (("one", 1), ("two", 2), ("two", 3), ("one", 4)):
        await send(run, component_id, data)

    assert run.sent("after") == [[1, 2], [4, 3]]


async def test_after_all_of_one_component_passes_everything_on(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "one": entry("test.engine.probe.Source"),
            "after": entry("test.AfterAll", "one"),
        }
    )

    await send(run, "one", "a")
    await send(run, "one", {"b": 1})

    assert run.sent("after") == ["a", {"b": 1}]


async def test_call_count_sends_what_came_once_there_is_enough(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "begin": entry("test.engine.probe.Source"),
            "before": entry("test.BeforeAll", "begin"),
            "item": entry("test.engine.probe.Source"),
            "count": entry("test.CallCount", "item", fields={"callCount": "2"}),
        }
    )

    for component_id, data in (
        ("begin", None), ("item", "void"), ("begin", None), ("item", 1), ("item", {"a": 2}),
        ("item", 3),
    ):  # fmt: skip
        await send(run, component_id, data)

    assert run.sent("count") == [[1, {"a": 2}]]


async def test_the_test_join_waits_for_both_ports(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "one": entry("test.engine.probe.Source"),
            "two": entry("test.engine.probe.Source"),
            "join": entry("test.Join", ("one", "out", "join"), ("two", "out", "in")),
        }
    )

    for component_id, data in (("one", {"a": 1}), ("one", {"a": 2}), ("two", {"b": 1})):
        await send(run, component_id, data)

    assert run.sent("join") == [{"join": {"a": 1}, "in": {"b": 1}}]


async def test_tick_tells_the_time_once_a_minute(sandbox: Sandbox) -> None:
    run = await sandbox.run({"tick": entry("test.Tick")})

    await run.turn(60)
    await run.turn(60)

    assert [one["time"][11:19] for one in run.sent("tick")] == ["08:01:00", "08:02:00"]


PASSED = {"componentName": "Totals", "success": ["5 equal 5"], "error": []}
FAILED = {"componentName": "Totals", "success": [], "error": ["5 equal 6"]}
LATE = {"message": "timed out", "timedOutLinks": ["Totals:out"]}


@pytest.mark.parametrize(
    ("result", "name", "says"),
    [
        ([PASSED, PASSED], "passed", None),
        (PASSED, "passed", None),
        ([PASSED, FAILED], "failed", "Totals: 5 equal 6"),
        (LATE, "failed", "waiting for Totals:out"),
    ],
)
async def test_results_are_kept_by_outcome_and_failures_are_mailed(
    sandbox: Sandbox, result: Json, name: str, says: str | None
) -> None:
    stores = UserStores(sandbox.database, sandbox.clock, USER_ID)
    ids = {outcome: stores.create(outcome) for outcome in ("passed", "failed")}

    await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "process": entry(
                "test.ProcessE2EResults",
                "start",
                properties={"successStoreId": ids["passed"], "failedStoreId": ids["failed"]},
                fields={
                    "recipients": "ann@example.com, bob@example.com",
                    "testCase": "Orders",
                    "result": json.dumps(result),
                },
            ),
        }
    )

    found = {outcome: stores.get(store_id, "Orders") for outcome, store_id in ids.items()}
    values = {outcome: record["value"] for outcome, record in found.items() if record is not None}
    assert values == {name: result}
    mails = sandbox.rows("SELECT * FROM outbox")
    if says is None:
        assert mails == []
    else:
        assert json.loads(mails[0]["to_json"]) == ["ann@example.com", "bob@example.com"]
        assert mails[0]["subject"] == "Test failed: Orders"
        assert says in mails[0]["text"]
