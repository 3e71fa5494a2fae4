"""What components of one flow, or of several flows of one owner, share and tell each other."""

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp.sandbox.context import Context, Json
from tests.sandbox.harness import Library, Sandbox, entry, library_of, passes, probe

SOURCE = "test.engine.probe.Source"


async def counts_for_all(context: Context) -> None:
    context.flow_state.set("count", context.flow_state.get("count", 0) + 1)
    context.send("out", context.flow_state.get("count"))


async def calls_another(context: Context) -> None:
    call = context.original_content
    context.trigger(call["flow"], call["component"], call["data"], correlation_id="c-1")


async def listens(context: Context) -> None:
    context.listen("own:1")


async def tells(context: Context) -> None:
    context.publish("own:1", context.original_content)


async def passes_on(context: Context, payload: Json) -> None:
    context.send("out", payload)


async def adds_slowly(context: Context) -> None:
    await context.lock("sum")
    before = context.flow_state.get("sum", 0)
    await anyio.lowlevel.checkpoint()
    context.flow_state.set("sum", before + 1)
    context.send("out", before + 1)


async def fails_after_writing(context: Context) -> None:
    store_id = context.original_content["store"]
    context.stores.set(store_id, "k", "v")
    assert context.stores.get(store_id, "k")
    raise RuntimeError("too late")


async def tells_links(context: Context) -> None:
    links = [f"{one.source_label}:{one.out_port}>{one.in_port}" for one in context.incoming]
    context.send("out", {"from": f"{context.sender_id}:{context.sender_port}", "links": links})


@pytest.fixture
def library() -> Library:
    return library_of(
        probe("Count", counts_for_all),
        probe("Call", calls_another),
        probe("Listen", start=listens, in_ports=(), on_event=passes_on),
        probe("Tell", tells),
        probe("Add", adds_slowly),
        probe("Late", fails_after_writing),
        probe("Links", tells_links),
        probe("Pass", passes),
    )


async def test_components_of_a_flow_share_what_they_remember_for_all(sandbox: Sandbox) -> None:
    flow = {
        "s": entry(SOURCE),
        "one": entry("test.engine.probe.Count", "s"),
        "two": entry("test.engine.probe.Count", "one"),
    }
    run = await sandbox.run(flow)

    await run.call("s", 0, enqueue_only=True)

    assert (run.sent("one"), run.sent("two")) == ([1], [2])


async def test_a_component_calls_a_webhook_of_another_flow(sandbox: Sandbox) -> None:
    callee = await sandbox.run({"s": entry(SOURCE)})
    caller = await sandbox.run({"s": entry(SOURCE), "c": entry("test.engine.probe.Call", "s")})

    call = {"flow": callee.flow_id, "component": "s", "data": {"n": 1}}
    await caller.call("s", call, enqueue_only=True)

    assert callee.sent("s") == [{"n": 1}]
    assert callee.logs(component_id="s")[0]["correlation_id"] == "c-1"


async def test_a_component_cannot_call_a_flow_that_does_not_run(sandbox: Sandbox) -> None:
    callee = sandbox.add({"s": entry(SOURCE)})
    caller = await sandbox.run({"s": entry(SOURCE), "c": entry("test.engine.probe.Call", "s")})

    call = {"flow": callee.flow_id, "component": "s", "data": {}}
    await caller.call("s", call, enqueue_only=True)

    assert "No running flow" in caller.errors("c")[0]["message"]


async def test_components_that_listen_to_a_topic_are_told_of_it(sandbox: Sandbox) -> None:
    listener = await sandbox.run({"l": entry("test.engine.probe.Listen")})
    teller = await sandbox.run({"s": entry(SOURCE), "t": entry("test.engine.probe.Tell", "s")})

    await teller.call("s", {"n": 1}, enqueue_only=True)

    assert listener.sent("l") == [{"n": 1}]


async def test_a_lock_is_held_until_what_was_done_under_it_is_stored(sandbox: Sandbox) -> None:
    flow = {"s": entry(SOURCE), "a": entry("test.engine.probe.Add", "s")}
    run = await sandbox.run(flow)

    for _ in range(5):
        await run.call("s", 0, enqueue_only=True)
    await run.idle()

    assert sorted(run.sent("a")) == [1, 2, 3, 4, 5]


async def test_a_component_that_fails_has_written_no_record(sandbox: Sandbox) -> None:
    with sandbox.database.transaction() as connection:
        row = ("s1", sandbox.rows("SELECT user_id FROM user")[0]["user_id"], "Store", 0)
        connection.execute("INSERT INTO store VALUES (?, ?, ?, ?)", row)
    run = await sandbox.run({"s": entry(SOURCE), "l": entry("test.engine.probe.Late", "s")})

    await run.call("s", {"store": "s1"}, enqueue_only=True)

    assert [one["message"] for one in run.errors("l")] == ["too late"]
    assert sandbox.rows("SELECT key FROM record") == []


async def test_a_component_knows_where_its_messages_come_from(sandbox: Sandbox) -> None:
    flow = {
        "s": entry(SOURCE, label="Start"),
        "p": entry("test.engine.probe.Pass", "s", label="Way"),
        "l": entry("test.engine.probe.Links", "s", "p"),
    }
    run = await sandbox.run(flow)

    await run.call("s", 1, enqueue_only=True)

    links = ["Start:out>in", "Way:out>in"]
    told = run.sent("l")
    assert {one["from"] for one in told} == {"s:out", "p:out"}
    assert all(one["links"] == links for one in told)
