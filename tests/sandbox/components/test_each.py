"""Each and JoinEach: a list taken apart and put together again."""

import pytest

from appmixer_mcp.sandbox.component import Json
from tests.sandbox.harness import Run, Sandbox, entry


async def run_each(sandbox: Sandbox, given: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": given}),
        }
    )


@pytest.mark.parametrize("given", [["a", {"b": 1}], '["a", {"b": 1}]'])
async def test_each_sends_every_item_and_then_the_count(sandbox: Sandbox, given: Json) -> None:
    run = await run_each(sandbox, given)

    items, done = run.sent("each", "item"), run.sent("each", "done")
    assert [(item["index"], item["value"], item["count"]) for item in items] == [
        (0, "a", 2),
        (1, {"b": 1}, 2),
    ]
    assert [one["count"] for one in done] == [2]
    assert len({one["correlationId"] for one in (*items, *done)}) == 1


@pytest.mark.parametrize("given", [[], 5, '{"a": 1}', {"a": 1}])
async def test_each_takes_what_is_no_list_for_an_empty_one(sandbox: Sandbox, given: Json) -> None:
    run = await run_each(sandbox, given)

    assert run.sent("each", "item") == []
    assert run.sent("each", "done")[0]["count"] == 0


async def test_each_fails_for_good_on_text_that_is_no_json(sandbox: Sandbox) -> None:
    run = await run_each(sandbox, "[1, 2")

    assert "no valid JSON" in run.errors("each")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert run.sent("each", "done") == []


async def test_what_each_takes_apart_join_each_puts_together(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": [3, 1, 2]}),
            "join": join(
                {
                    ("each", "item", "in"): {"correlationId": "{{{$.each.item.correlationId}}}"},
                    ("each", "done", "count"): {
                        "count": "{{{$.each.done.count}}}",
                        "correlationId": "{{{$.each.done.correlationId}}}",
                    },
                }
            ),
        }
    )

    (joined,) = run.sent("join")
    assert sorted(item["value"] for item in joined["items"]) == [1, 2, 3]
    assert run.state("join") == {}
    assert run.queued() == []


async def test_join_each_of_nothing_sends_an_empty_list_at_once(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "join": join({("start", "out", "count"): {"count": 0}}),
        }
    )

    assert run.sent("join") == [{"items": []}]


async def test_join_each_sends_what_has_arrived_when_the_time_is_over(sandbox: Sandbox) -> None:
    run = await start_waiting(sandbox, {"count": 2, "timeoutValue": 90})

    await run.turn(89)
    assert run.sent("join", "timeout") == []
    await run.turn(1)

    (late,) = run.sent("join", "timeout")
    assert (late["count"], late["arrived"], len(late["items"])) == (2, 1, 1)
    assert run.sent("join") == []
    assert run.state("join") == {}


async def test_join_each_waits_for_ever_when_told_so(sandbox: Sandbox) -> None:
    run = await start_waiting(sandbox, {"count": 2, "timeout": False})

    await run.turn(86_400)

    assert run.sent("join", "timeout") == []


async def test_join_each_collects_by_the_message_when_no_correlation_id_is_given(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger"),
            "join": join(
                {("hook", "request", "in"): {}, ("hook", "request", "count"): {"count": 1}}
            ),
        }
    )

    await run.call("hook", "first")
    await run.call("hook", "second")

    assert [one["items"][0]["data"] for one in run.sent("join")] == ["first", "second"]


@pytest.mark.parametrize("count", ["many", -1, 1.5])
async def test_join_each_refuses_a_count_that_is_none(sandbox: Sandbox, count: Json) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "join": join({("start", "out", "count"): {"count": count}}),
        }
    )

    assert "'count'" in run.errors("join")[0]["message"]


async def start_waiting(sandbox: Sandbox, count: dict[str, Json]) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "join": join({("start", "out", "in"): {}, ("start", "out", "count"): count}),
        }
    )


def join(links: dict[tuple[str, str, str], dict[str, Json]]) -> dict[str, Json]:
    """Return a JoinEach whose links have a lambda each."""
    joined = entry("controls.JoinEach", *links, fields={})
    for (source_id, out_port, in_port), fields in links.items():
        joined["config"]["transform"][in_port][source_id][out_port]["lambda"] = fields
    return joined
