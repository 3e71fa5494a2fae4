"""Each and JoinEach: a list taken apart and put together again."""

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.component import OutPort
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from tests.sandbox.harness import Library, Run, Sandbox, entry, library_of, open_sandbox, probe


async def sends_on(context: Context) -> None:
    data: Json = context.webhook and context.webhook.data
    context.send("count" if data["value"] is None else "out", data)


@pytest.fixture
def library() -> Library:
    ports = (OutPort(), OutPort(name="count"))
    return library_of(
        probe("Hook", in_ports=(), out_ports=ports, webhook=True, on_webhook=sends_on)
    )


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


async def test_each_refuses_a_list_that_is_too_long(sandbox: Sandbox) -> None:
    run = await run_each(sandbox, f"[{'1,' * 100_000}1]")

    assert "more than 100,000 messages" in run.errors("each")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_the_first_items_of_a_long_list_are_handled_before_the_last_are_sent(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": list(range(250))}),
            "after": entry("filters.Equal", ("each", "item", "in")),
        }
    )

    first_handled = run.logs(component_id="after")[0]["seq"]
    last_sent = run.logs(component_id="each", port="item")[-1]["seq"]
    assert first_handled < last_sent
    assert [item["index"] for item in run.sent("each", "item")] == list(range(250))
    assert [one["count"] for one in run.sent("each", "done")] == [250]
    assert run.state("each") == {}


async def test_each_goes_on_with_a_long_list_after_a_restart(
    config: TenantConfig, clock: ManualClock
) -> None:
    flow = {
        "hook": entry("http.WebhookTrigger"),
        "each": entry(
            "controls.Each",
            ("hook", "request", "in"),
            fields={"list": "{{{$.hook.request.data}}}"},
        ),
    }
    async with open_sandbox(config, clock) as sandbox:
        run = await sandbox.run(flow)
        call = WebhookCall(
            method="POST", hostname="h", headers={}, query={}, data=list(range(1_000))
        )
        await sandbox.engine.call_webhook(run.flow_id, "hook", call)
        sent_before = len(run.sent("each", "item"))
    async with open_sandbox(config, clock) as reopened:
        again = Run(reopened, run.flow_id)
        await again.idle()

        assert sent_before < 1_000
        assert [item["value"] for item in again.sent("each", "item")] == list(range(1_000))
        assert len(again.sent("each", "done")) == 1


async def test_an_item_that_cannot_be_a_key_fails_alone(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "each": entry("controls.Each", "start", fields={"list": '["\\ud800", "fine"]'}),
            "join": join({("each", "item", "in"): {"correlationId": "{{{$.each.item.value}}}"}}),
        }
    )

    assert len(run.errors("join")) == len(run.unprocessed()) == 1
    assert run.queued() == []
    assert "collection:fine" in run.state("join")


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
    assert set(run.state("join")) == {"ended"}
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
    assert set(run.state("join")) == {"ended"}


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


async def items_and_counts(sandbox: Sandbox) -> Run:
    """Return a flow that collects two items an id; a call without a value sends the count."""
    joined_by = {"correlationId": "{{{$.hook.out.by}}}"}
    return await sandbox.run(
        {
            "hook": entry("test.engine.probe.Hook"),
            "join": join(
                {
                    ("hook", "out", "in"): joined_by,
                    ("hook", "count", "count"): {
                        "count": 2,
                        "correlationId": "{{{$.hook.count.by}}}",
                    },
                }
            ),
        }
    )


async def test_an_item_beyond_the_count_is_dropped_with_a_line_in_the_log(
    sandbox: Sandbox,
) -> None:
    run = await items_and_counts(sandbox)

    for value in (None, 1, 2, 3):
        await send(run, "a", value)

    assert [[item["value"] for item in one["items"]] for one in run.sent("join")] == [[1, 2]]
    assert set(run.state("join")) == {"ended"}
    assert "too late" in run.logs(component_id="join")[-1]["msg"]


async def test_an_item_after_the_timeout_is_dropped_with_a_line_in_the_log(
    sandbox: Sandbox,
) -> None:
    run = await items_and_counts(sandbox)

    for value in (None, 1):
        await send(run, "a", value)
    await run.turn(300)
    await send(run, "a", 2)

    assert [one["arrived"] for one in run.sent("join", "timeout")] == [1]
    assert set(run.state("join")) == {"ended"}
    assert "too late" in run.logs(component_id="join")[-1]["msg"]


async def test_a_new_count_begins_a_new_collection_under_an_old_id(sandbox: Sandbox) -> None:
    run = await items_and_counts(sandbox)

    for value in (None, 1, 2, None, 3, 4):
        await send(run, "a", value)

    assert [[item["value"] for item in one["items"]] for one in run.sent("join")] == [
        [1, 2],
        [3, 4],
    ]


async def test_ended_collections_are_forgotten_in_time(sandbox: Sandbox) -> None:
    run = await items_and_counts(sandbox)

    for joined_by in map(str, range(101)):
        for value in (None, 1, 2):
            await send(run, joined_by, value)
    most = len(run.state("join")["ended"])
    await run.turn(3600)
    for value in (None, 1, 2):
        await send(run, "later", value)

    assert most == 100
    assert set(run.state("join")["ended"]) == {"later"}


async def send(run: Run, joined_by: str, value: Json) -> None:
    await run.call("hook", {"by": joined_by, "value": value}, enqueue_only=True)


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
