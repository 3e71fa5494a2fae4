"""What becomes of a message whose component fails."""

import json
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from appmixer_mcp.errors import ComponentFailedError, ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.component import Field, InPort
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from tests.sandbox.harness import Library, Run, Sandbox, entry, library_of, open_sandbox, probe

SOURCE = "test.engine.probe.Source"
SHAKY = "test.engine.probe.Shaky"
NEEDY = "test.engine.probe.Needy"


class Fault:
    """What the component Shaky raises, until it is taken away."""

    def __init__(self) -> None:
        self.error: Exception | None = ConnectionResetError("connection lost")
        self.calls = 0

    async def receive(self, context: Context) -> None:
        self.calls += 1
        context.state.set("touched", self.calls)
        context.send("out", {"call": self.calls})
        if self.error is not None:
            raise self.error


@pytest.fixture
def fault() -> Fault:
    return Fault()


async def wants_what_cannot_be_stored(context: Context) -> None:
    context.send("out", "never sent")
    context.state.set("\ud800", "half a surrogate pair is no key")


async def nests(context: Context) -> None:
    value: Json = "core"
    for _ in range(context.original_content):
        value = [value]
    context.send("out", {"value": value})


async def hangs(_context: Context) -> None:
    await anyio.sleep_forever()


@pytest.fixture
def library(fault: Fault) -> Library:
    return library_of(
        probe("Shaky", fault.receive),
        probe("Hangs", hangs),
        probe("Nests", nests),
        probe("Unstorable", wants_what_cannot_be_stored),
        probe(
            "Needy", fault.receive, in_ports=(InPort(fields=(Field(name="to", required=True),)),)
        ),
    )


async def failing_run(sandbox: Sandbox, **handling: Json) -> Run:
    run = await sandbox.run(
        {
            "s": entry(SOURCE),
            "f": entry(SHAKY, "s", errorHandling=handling, label="Shaky step"),
        }
    )
    await run.call("s", {"n": 1}, enqueue_only=True)
    return run


async def test_nothing_of_a_failed_attempt_happens(sandbox: Sandbox) -> None:
    run = await failing_run(sandbox)

    assert run.sent("f") == []
    assert run.state("f") == {}


async def test_a_failed_message_is_tried_again_with_growing_waits(
    sandbox: Sandbox, fault: Fault
) -> None:
    run = await failing_run(sandbox)

    waits: list[float] = []
    for _ in range(8):
        due_ms = int(run.queued()[0]["due_ms"])
        waits.append((due_ms - to_ms(sandbox.clock.now())) / 1000)
        await run.turn(waits[-1])

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert fault.calls == 9
    assert len(run.errors("f")) == 9
    assert len(run.received("f")) == 1


async def test_a_message_that_succeeds_at_last_has_its_effects_once(
    sandbox: Sandbox, fault: Fault
) -> None:
    run = await failing_run(sandbox)

    fault.error = None
    await run.turn(60)

    assert run.sent("f") == [{"call": 2}]
    assert run.queued() == []
    assert run.unprocessed() == []


async def test_after_the_last_attempt_the_message_is_kept_as_unprocessed(sandbox: Sandbox) -> None:
    run = await failing_run(sandbox, maxRetries=1)

    await run.turn(60)

    assert run.queued() == []
    (kept,) = run.unprocessed()
    assert json.loads(kept["error_json"]) == {
        "message": "connection lost", "code": "", "name": "ConnectionResetError",
    }  # fmt: skip
    (message,) = json.loads(kept["messages_json"])["in"]
    assert message["content"] == message["originalContent"] == {"n": 1}
    assert message["properties"]["sender"] == {
        "componentId": "s", "type": SOURCE, "outputPort": "out",
    }  # fmt: skip
    assert message["properties"]["messageId"] == kept["message_id"]
    assert message["properties"]["flowRunId"] == kept["run_id"]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ComponentFailedError("cancelled", retry=False), False),
        (ComponentFailedError("not found", status=404), False),
        (ComponentFailedError("busy", status=503), True),
        (ComponentFailedError("too many", status=429), True),
        (NotFoundError("gone", status=404), False),
        (FileNotFoundError(2, "no such file"), False),
        (TimeoutError("slow"), True),
        (KeyError("unexpected"), True),
        (RecursionError("deep"), True),
        (UnicodeError("half a surrogate pair"), False),
    ],
)
async def test_whether_it_is_tried_again_depends_on_the_error(
    sandbox: Sandbox, fault: Fault, error: Exception, *, again: bool
) -> None:
    fault.error = error

    run = await failing_run(sandbox)

    assert len(run.queued()) == (1 if again else 0)
    assert len(run.unprocessed()) == (0 if again else 1)
    assert len(run.errors("f")) == 1


async def test_without_auto_retry_the_first_failure_is_the_last(sandbox: Sandbox) -> None:
    run = await failing_run(sandbox, autoRetry=False)

    assert len(run.unprocessed()) == 1


async def test_the_error_port_gets_the_error_and_the_input(sandbox: Sandbox, fault: Fault) -> None:
    fault.error = ComponentFailedError("no such order", retry=False, error_code="404")
    run = await sandbox.run(
        {
            "s": entry(SOURCE),
            "f": entry(
                SHAKY, "s", fields={"id": "{{{$.s.out.n}}}"}, errorHandling={"onError": "errorPort"}
            ),
            "e": entry(
                "controls.SetVariable",
                ("f", "error"),
                fields={
                    "variables": {
                        "ADD": [
                            {
                                "name": "told",
                                "type": "text",
                                "text": "{{{$.f.error.error.message}}} {{{$.s.out.n}}}",
                            }
                        ]
                    }
                },
            ),
        }
    )

    await run.call("s", {"n": 7}, enqueue_only=True)

    assert run.sent("f", "error") == [
        {
            "error": {"message": "no such order", "code": "404", "name": "CancelError"},
            "input": {"id": 7},
        }
    ]
    assert run.sent("e") == [{"told": "no such order 7"}]
    assert run.unprocessed() == []
    assert len(run.errors()) == 1


async def test_an_error_port_that_leads_nowhere_loses_no_message(sandbox: Sandbox) -> None:
    run = await failing_run(sandbox, autoRetry=False, onError="errorPort")

    assert len(run.unprocessed()) == 1


async def test_a_message_whose_effects_cannot_be_stored_stays_queued(
    sandbox: Sandbox, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    fault.error = None
    run = await sandbox.run({"s": entry(SOURCE), "f": entry(SHAKY, "s")})
    connection = sandbox.database.connection
    connection.execute("ALTER TABLE log RENAME TO full_disk")

    with anyio.fail_after(5):
        call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data={})
        await sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)
        await anyio.wait_all_tasks_blocked()
    connection.execute("ALTER TABLE full_disk RENAME TO log")
    await run.turn(5)

    assert "it stays queued" in caplog.text
    assert run.sent("f") == [{"call": 1}]


async def test_effects_that_no_file_can_hold_are_the_components_error(sandbox: Sandbox) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "u": entry("test.engine.probe.Unstorable", "s")})

    await run.call("s", {}, enqueue_only=True)

    assert len(run.errors("u")) == len(run.unprocessed()) == 1
    assert run.queued() == run.sent("u") == []


async def test_a_flow_may_stop_at_an_error(sandbox: Sandbox) -> None:
    run = await failing_run(sandbox, autoRetry=False, onError="stopFlow")

    assert run.stage == "stopped"
    assert run.queued() == []
    assert [row["msg"] for row in run.logs(component_id="")] == ["Flow started.", "Flow stopped."]


async def test_a_component_that_hangs_is_given_up_and_tried_again(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    impatient = replace(config, receive_timeout_s=0.01)
    async with open_sandbox(impatient, clock, library=library) as sandbox:
        run = await sandbox.run(
            {"s": entry(SOURCE), "h": entry("test.engine.probe.Hangs", "s", label="Hangs")}
        )
        await run.call("s", 1, enqueue_only=True)

        assert run.errors() == [
            {
                "message": "Hangs took longer than 0.01 s.",
                "code": "ETIMEDOUT",
                "name": "TimeoutError",
            }
        ]
        assert [row["attempt"] for row in run.queued()] == [1]


async def test_a_missing_required_field_is_not_tried_again(sandbox: Sandbox, fault: Fault) -> None:
    run = await sandbox.run(
        {"s": entry(SOURCE), "n": entry(NEEDY, "s", fields={"to": "{{{$.s.out.address}}}"})}
    )

    await run.call("s", {}, enqueue_only=True)

    (kept,) = run.unprocessed()
    assert json.loads(kept["error_json"]) == {
        "message": "Input field to is required.",
        "code": "GRID_ERR_VAL_PORTS",
        "name": "ValidationFlowError",
    }
    assert fault.calls == 0


async def test_a_transform_that_asks_for_too_much_fails_for_good(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"s": entry(SOURCE), "f": entry(SHAKY, "s", fields={"x": "{{{pad $.s.out 999999999}}}"})}
    )

    await run.call("s", "y", enqueue_only=True)

    assert [error["name"] for error in run.errors()] == ["InputError"]
    assert len(run.unprocessed()) == 1


async def test_one_failing_message_keeps_no_other_from_being_handled(
    sandbox: Sandbox, fault: Fault
) -> None:
    run = await failing_run(sandbox)

    fault.error = None
    await run.call("s", {"n": 2}, enqueue_only=True)

    assert run.sent("f") == [{"call": 2}]
    assert len(run.queued()) == 1


async def test_an_unprocessed_message_can_be_put_back(sandbox: Sandbox, fault: Fault) -> None:
    fault.error = ComponentFailedError("closed", retry=False)
    run = await failing_run(sandbox)
    (kept,) = run.unprocessed()

    fault.error = None
    sandbox.engine.retry_unprocessed(kept["message_id"])
    await run.idle()

    assert run.unprocessed() == []
    assert run.sent("f") == [{"call": 2}]
    assert {row["correlation_id"] for row in run.logs(component_id="f")} == {kept["correlation_id"]}


async def test_a_message_that_is_put_back_belongs_to_the_present_run(
    sandbox: Sandbox, fault: Fault
) -> None:
    fault.error = ComponentFailedError("closed", retry=False)
    run = await failing_run(sandbox)
    (kept,) = run.unprocessed()
    await run.stop()

    with pytest.raises(ConflictError):
        sandbox.engine.retry_unprocessed(kept["message_id"])
    fault.error = None
    await run.start()
    sandbox.engine.retry_unprocessed(kept["message_id"])
    await run.idle()

    assert run.sent("f") == [{"call": 2}]


async def test_putting_back_an_unknown_message_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError, match="no-such-message"):
        sandbox.engine.retry_unprocessed("no-such-message")


async def test_a_failing_message_may_be_due_again_at_once(
    config: TenantConfig, clock: ManualClock, library: Library, fault: Fault
) -> None:
    async with open_sandbox(
        replace(config, retry_init_s=0.0, retry_max_count=5), clock, library=library
    ) as sandbox:
        run = await failing_run(sandbox)

        assert fault.calls == 6
        assert len(run.unprocessed()) == 1


async def test_a_stopped_flow_does_not_try_again(sandbox: Sandbox, fault: Fault) -> None:
    run = await failing_run(sandbox)

    await run.stop()
    sandbox.clock.turn(timedelta(hours=2))
    await run.idle()

    assert fault.calls == 1


async def test_lists_in_too_many_lists_end_in_an_error_and_not_in_a_message_that_never_ends(
    sandbox: Sandbox,
) -> None:
    taken = {"value": "{{{$.n.out.value}}}"}
    run = await sandbox.run(
        {
            "s": entry(SOURCE),
            "n": entry("test.engine.probe.Nests", "s"),
            "first": entry("controls.Join", "n"),
            "second": entry("controls.Join", "first", fields=taken),
        }
    )
    depths = range(880, 980)

    for depth in depths:
        call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data=depth)
        await sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)
    await run.turn(3600)

    assert run.queued() == []
    assert len(run.sent("second")) + len(run.unprocessed()) == len(depths)
