"""HTTP calls that reach a flow, and what their callers get."""

import json
from dataclasses import replace

import anyio
import pytest

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from tests.sandbox.harness import (
    Library,
    Run,
    Sandbox,
    entry,
    library_of,
    open_sandbox,
    passes,
    probe,
)

SOURCE = "test.engine.probe.Source"
ANSWER = "test.engine.probe.Answer"


async def answers(context: Context) -> None:
    wanted = context.original_content
    context.respond(
        wanted.get("body"), status=wanted.get("status", 200), headers=wanted.get("headers")
    )
    if wanted.get("fails"):
        raise ConnectionError("after the answer")


async def last_word(context: Context) -> None:
    context.stop_flow()
    context.respond("bye")


async def fails(_: Context) -> None:
    raise LookupError("nothing found")


@pytest.fixture
def library() -> Library:
    return library_of(
        probe("Answer", answers),
        probe("LastWord", last_word),
        probe("Pass", passes),
        probe("Fails", fails),
    )


async def answering(sandbox: Sandbox) -> Run:
    return await sandbox.run({"s": entry(SOURCE), "a": entry(ANSWER, "s")})


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ({"ok": True}, b'{"ok":true}', "application/json; charset=utf-8"),
        ("Grüße", "Grüße".encode(), "text/plain; charset=utf-8"),
        (None, b"", None),
        (0, b"0", "application/json; charset=utf-8"),
    ],
)
async def test_the_caller_gets_what_a_later_component_answers(
    sandbox: Sandbox, body: Json, sent: bytes, content_type: str | None
) -> None:
    run = await answering(sandbox)

    answer = await run.call("s", {"body": body, "status": 201, "headers": {"X-Order": "7"}})

    assert (answer.status, answer.body) == (201, sent)
    assert answer.headers.get("content-type") == content_type
    assert answer.headers["x-order"] == "7"


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": 99},
        {"status": 700},
        {"headers": {"X": "a\r\nSet-Cookie: b"}},
        {"headers": {"": ""}},
    ],
)
async def test_an_answer_that_cannot_be_sent_is_the_components_error(
    sandbox: Sandbox, wanted: dict[str, Json]
) -> None:
    run = await answering(sandbox)

    await run.call("s", wanted, enqueue_only=True)

    assert len(run.errors("a")) == 1


async def test_headers_that_frame_the_answer_are_left_to_the_server(sandbox: Sandbox) -> None:
    run = await answering(sandbox)

    answer = await run.call("s", {"body": "x", "headers": {"Content-Length": "9", "Upgrade": "h2"}})

    assert set(answer.headers) == {"content-type"}


async def test_without_an_answer_in_time_the_caller_is_told(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"s": entry(SOURCE), "w": entry("timers.Wait", "s", fields={"interval": "5m"})}
    )
    call = WebhookCall(method="GET", hostname="h", headers={}, query={}, data=None)

    statuses: list[int] = []

    async def caller() -> None:
        answer = await sandbox.engine.call_webhook(run.flow_id, "s", call)
        statuses.append(answer.status)
        assert json.loads(answer.body)["error"] == "Gateway Timeout"

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller)
            await anyio.wait_all_tasks_blocked()
            await run.turn(9)
            assert statuses == []
            await run.turn(1)

    assert statuses == [504]
    assert len(run.received("w")) == 1


async def test_a_call_that_does_not_wait_is_accepted_at_once(sandbox: Sandbox) -> None:
    run = await answering(sandbox)

    answer = await run.call("s", {"body": "late"}, enqueue_only=True)

    assert (answer.status, answer.body) == (202, b"")
    assert len(run.received("a")) == 1


@pytest.mark.parametrize("on_error", ["storeUnprocessed", "stopFlow", "errorPort"])
async def test_the_caller_of_a_flow_that_fails_for_good_is_told_at_once(
    sandbox: Sandbox, on_error: str
) -> None:
    handling = {"autoRetry": False, "onError": on_error}
    run = await sandbox.run({"s": entry(SOURCE), "a": entry(ANSWER, "s", errorHandling=handling)})

    answer = await run.call("s", {"body": "an answer of a failed attempt", "fails": True})

    assert answer.status == 500
    assert json.loads(answer.body) == {
        "statusCode": 500,
        "error": "Internal Server Error",
        "message": "The flow failed: see its error log.",
    }


async def test_who_waits_is_not_told_of_a_failure_while_another_branch_may_answer(
    sandbox: Sandbox,
) -> None:
    run = await sandbox.run(
        {
            "s": entry(SOURCE),
            "fails": entry("test.engine.probe.Fails", "s", errorHandling={"autoRetry": False}),
            "step": entry("test.engine.probe.Pass", "s"),
            "a": entry(ANSWER, "step"),
        }
    )

    answer = await run.call("s", {"body": "well"})

    assert (answer.status, answer.body) == (200, b"well")
    assert len(run.unprocessed()) == 1


async def test_a_caller_may_choose_the_correlation_id(sandbox: Sandbox) -> None:
    run = await answering(sandbox)

    await run.call("s", {"body": "x"}, correlation_id="order-7")

    assert {row["correlation_id"] for row in run.logs(component_id="a")} == {"order-7"}


async def test_callers_get_their_own_answers(sandbox: Sandbox) -> None:
    run = await answering(sandbox)
    bodies: dict[int, bytes] = {}

    async def caller(number: int) -> None:
        call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data={"body": number})
        bodies[number] = (await sandbox.engine.call_webhook(run.flow_id, "s", call)).body

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(caller, number)

    assert bodies == {number: str(number).encode() for number in range(40)}


async def test_another_flow_cannot_answer_with_the_same_correlation_id(sandbox: Sandbox) -> None:
    waits = await sandbox.run({"s": entry(SOURCE)})
    other = await answering(sandbox)
    call = WebhookCall(method="GET", hostname="h", headers={}, query={}, data=None)
    statuses: list[int] = []

    async def caller() -> None:
        answer = await sandbox.engine.call_webhook(waits.flow_id, "s", call, correlation_id="same")
        statuses.append(answer.status)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller)
            await anyio.wait_all_tasks_blocked()
            await other.call("s", {"body": "stolen"}, correlation_id="same")
            await other.turn(10)

    assert statuses == [504]


@pytest.mark.parametrize("component_id", ["a", "no such component"])
async def test_only_components_with_a_webhook_can_be_called(
    sandbox: Sandbox, component_id: str
) -> None:
    run = await answering(sandbox)

    with pytest.raises(NotFoundError):
        await run.call(component_id, {})


async def test_a_stopped_flow_takes_no_calls(sandbox: Sandbox) -> None:
    run = await answering(sandbox)
    await run.stop()

    with pytest.raises(NotFoundError):
        await run.call("s", {})


async def test_who_waits_for_a_flow_that_is_stopped_is_told_at_once(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"s": entry(SOURCE), "w": entry("timers.Wait", "s", fields={"interval": "5m"})}
    )
    statuses: list[int] = []

    async def caller() -> None:
        call = WebhookCall(method="GET", hostname="h", headers={}, query={}, data=None)
        answer = await sandbox.engine.call_webhook(run.flow_id, "s", call)
        statuses.append(answer.status)
        assert json.loads(answer.body)["error"] == "Service Unavailable"

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller)
            tasks.start_soon(caller)
            await anyio.wait_all_tasks_blocked()
            await run.stop()

    assert statuses == [503, 503]


async def test_what_stops_the_flow_may_answer_first(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "l": entry("test.engine.probe.LastWord", "s")})

    answer = await run.call("s")

    assert (answer.status, answer.body) == (200, b"bye")
    assert run.stage == "stopped"


async def test_an_accepted_call_is_stored_before_it_is_answered(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    async with open_sandbox(replace(config, concurrency=1), clock, library=library) as sandbox:
        run = await answering(sandbox)
        call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data={"body": 1})
        await sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)

        assert len(run.queued()) == 1
