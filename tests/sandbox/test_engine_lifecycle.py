"""Starting and stopping flows, and going on after a restart."""

import anyio
import pytest

from appmixer_mcp.errors import (
    ComponentFailedError,
    ConflictError,
    FlowInvalidError,
    NotFoundError,
)
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Context, WebhookCall
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
BEGINS = "test.engine.probe.Begins"
REFUSES = "test.engine.probe.Refuses"


class Notes:
    """What the test's components were called for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.gate = anyio.Event()

    async def starts(self, context: Context) -> None:
        self.calls.append(f"start {context.component_id}")
        context.state.set("starts", context.state.get("starts", 0) + 1)
        context.send("out", "began")

    async def stops(self, context: Context) -> None:
        self.calls.append(f"stop {context.component_id} {context.state.get('starts')}")

    async def refuses(self, context: Context) -> None:
        self.calls.append(f"start {context.component_id}")
        raise LookupError("the service said no")

    async def stops_badly(self, context: Context) -> None:
        self.calls.append(f"stop {context.component_id}")
        raise ValueError("cannot stop")

    async def stops_oddly(self, context: Context) -> None:
        context.state.set("\ud800", "half a surrogate pair is no key")

    async def stops_slowly(self, context: Context) -> None:
        await self.gate.wait()
        self.calls.append(f"stop {context.component_id}")
        context.state.set("left", "by the run that ended")
        context.log("left by the run that ended")

    async def waits(self, context: Context) -> None:
        await self.gate.wait()
        context.send("out", "waited")


async def stops_the_flow(context: Context) -> None:
    context.send("out", "stopping")
    context.stop_flow()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def library(notes: Notes) -> Library:
    return library_of(
        probe("Begins", in_ports=(), start=notes.starts, stop=notes.stops),
        probe("Refuses", in_ports=(), start=notes.refuses, stop=notes.stops),
        probe("StopsBadly", in_ports=(), stop=notes.stops_badly),
        probe("StopsOddly", in_ports=(), stop=notes.stops_oddly),
        probe("StopsSlowly", in_ports=(), start=notes.starts, stop=notes.stops_slowly),
        probe("Waits", notes.waits),
        probe("StopsFlow", stops_the_flow),
        probe("Pass", passes),
    )


def flow_messages(run: Run) -> list[str]:
    return [row["msg"] for row in run.logs(component_id="")]


async def test_what_a_start_sends_is_handled_once_the_flow_runs(sandbox: Sandbox) -> None:
    run = await sandbox.run({"b": entry(BEGINS), "p": entry("test.engine.probe.Pass", "b")})

    assert run.stage == "running"
    assert run.sent("p") == ["began"]
    assert flow_messages(run) == ["Flow started."]


async def test_starting_a_running_flow_changes_nothing(sandbox: Sandbox, notes: Notes) -> None:
    run = await sandbox.run({"b": entry(BEGINS)})

    await run.start()

    assert notes.calls == ["start b"]
    assert flow_messages(run) == ["Flow started."]


async def test_stopping_a_stopped_flow_changes_nothing(sandbox: Sandbox) -> None:
    run = sandbox.add({"b": entry(BEGINS)})

    await run.stop()

    assert run.logs() == []


async def test_two_starts_at_once_start_it_once(sandbox: Sandbox, notes: Notes) -> None:
    run = sandbox.add({"b": entry(BEGINS)})

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.start)
            tasks.start_soon(run.start)

    assert notes.calls == ["start b"]


async def test_a_flow_that_does_not_exist_cannot_be_started_or_stopped(sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        await sandbox.engine.start_flow("nowhere")
    with pytest.raises(NotFoundError, match="nowhere"):
        await sandbox.engine.stop_flow("nowhere")


async def test_an_invalid_flow_is_not_started_and_all_problems_are_named(sandbox: Sandbox) -> None:
    run = sandbox.add({"x": entry("no.such.component.Type"), "y": entry("controls.OnStart", "z")})

    with pytest.raises(FlowInvalidError) as caught:
        await run.start()

    assert any("no.such.component.Type" in problem for problem in caught.value.problems)
    assert any("'z'" in problem for problem in caught.value.problems)
    assert run.stage == "stopped"


async def test_a_component_that_cannot_start_leaves_the_flow_stopped(
    sandbox: Sandbox, notes: Notes
) -> None:
    run = sandbox.add(
        {"b": entry(BEGINS), "r": entry(REFUSES, label="Subscriber"), "c": entry(BEGINS)}
    )

    with pytest.raises(ComponentFailedError, match=r"Subscriber.*the service said no"):
        await run.start()

    assert run.stage == "stopped"
    assert notes.calls == ["start b", "start r", "stop b 1"]
    assert [error["message"] for error in run.errors("r")] == ["the service said no"]
    assert run.sent("b") == run.queued() == []


async def test_a_new_run_begins_with_an_empty_state(sandbox: Sandbox) -> None:
    run = await sandbox.run({"b": entry(BEGINS)})

    await run.stop()
    await run.start()

    assert run.state("b") == {"starts": 1}


async def test_every_run_has_a_higher_number(sandbox: Sandbox) -> None:
    run = await sandbox.run({"b": entry(BEGINS)})
    numbers = [sandbox.rows("SELECT run_id FROM flow")[0]["run_id"]]

    for _ in range(2):
        await run.stop()
        await run.start()
        numbers.append(sandbox.rows("SELECT run_id FROM flow")[0]["run_id"])

    assert numbers == sorted(set(numbers))


async def test_stop_is_called_with_the_state_of_the_run(sandbox: Sandbox, notes: Notes) -> None:
    run = await sandbox.run({"b": entry(BEGINS)})

    await run.stop()

    assert notes.calls == ["start b", "stop b 1"]
    assert flow_messages(run) == ["Flow started.", "Flow stopped."]


async def test_an_error_while_stopping_is_logged_and_the_flow_stops(
    sandbox: Sandbox, notes: Notes
) -> None:
    run = await sandbox.run({"b": entry("test.engine.probe.StopsBadly"), "c": entry(BEGINS)})

    await run.stop()

    assert run.stage == "stopped"
    assert [error["message"] for error in run.errors("b")] == ["cannot stop"]
    assert notes.calls[-1] == "stop c 1"


async def test_what_is_in_hand_when_the_flow_stops_has_no_effect(
    sandbox: Sandbox, notes: Notes
) -> None:
    run = await sandbox.run({"s": entry(SOURCE), "w": entry("test.engine.probe.Waits", "s")})
    await _call_without_waiting(run)

    await run.stop()
    notes.gate.set()
    await run.idle()

    assert run.sent("w") == []
    assert run.queued() == run.unprocessed() == run.errors() == []


async def test_messages_of_an_earlier_run_are_dropped(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run({"s": entry(SOURCE), "p": entry("test.engine.probe.Pass", "s")})
        call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data="old")
        await sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)
        with sandbox.database.transaction() as connection:
            connection.execute("UPDATE flow SET run_id = run_id + 1")
    async with open_sandbox(config, clock, library=library) as reopened:
        again = Run(reopened, run.flow_id)

        await again.call("s", "new", enqueue_only=True)

        assert again.sent("p") == ["new"]
        assert again.queued() == []


async def test_a_flow_can_stop_itself(sandbox: Sandbox, notes: Notes) -> None:
    run = await sandbox.run(
        {
            "b": entry(BEGINS),
            "x": entry("test.engine.probe.StopsFlow", "b"),
            "p": entry("test.engine.probe.Pass", "x"),
        }
    )

    assert run.stage == "stopped"
    assert run.sent("x") == ["stopping"]
    assert run.received("p") == []
    assert notes.calls == ["start b", "stop b 1"]


async def test_a_stop_that_cannot_be_stored_ends_no_other_flow(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    await sandbox.run(
        {
            "b": entry(BEGINS),
            "o": entry("test.engine.probe.StopsOddly"),
            "x": entry("test.engine.probe.StopsFlow", "b"),
        }
    )

    other = await sandbox.run({"b": entry(BEGINS), "p": entry("test.engine.probe.Pass", "b")})

    assert other.received("p") == ["began"]
    assert "failed" in caplog.text


async def stopping_itself(sandbox: Sandbox) -> Run:
    """Return a flow that has stopped itself, with a component still about to stop."""
    run = sandbox.add(
        {
            "b": entry("test.engine.probe.StopsSlowly"),
            "x": entry("test.engine.probe.StopsFlow", "b"),
        }
    )
    with anyio.fail_after(5):
        await sandbox.engine.start_flow(run.flow_id)
        await anyio.wait_all_tasks_blocked()
    assert run.stage == "stopped"
    return run


async def test_a_flow_that_stops_itself_has_stopped_before_it_starts_again(
    sandbox: Sandbox, notes: Notes
) -> None:
    run = await stopping_itself(sandbox)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sandbox.engine.start_flow, run.flow_id)
            await anyio.wait_all_tasks_blocked()
            notes.gate.set()

    assert notes.calls[:3] == ["start b", "stop b", "start b"]


async def test_a_late_stop_leaves_no_state_to_a_newer_run(sandbox: Sandbox, notes: Notes) -> None:
    run = await stopping_itself(sandbox)

    sandbox.database.connection.execute("UPDATE flow SET run_id = run_id + 1")
    notes.gate.set()
    await run.idle()

    assert run.state("b") == {"starts": 1}
    assert "left by the run" in run.logs(component_id="b")[-1]["msg"]


async def test_a_late_stop_leaves_nothing_of_a_deleted_flow(sandbox: Sandbox, notes: Notes) -> None:
    run = await stopping_itself(sandbox)

    with sandbox.database.transaction() as connection:
        sandbox.engine.delete_flow_data(run.flow_id)
        connection.execute("DELETE FROM flow WHERE flow_id = ?", (run.flow_id,))
    notes.gate.set()
    await run.idle()

    assert notes.calls[-1] == "stop b"
    assert run.logs() == []
    assert run.state("b") == {}


async def test_running_flows_go_on_after_a_restart_without_being_started_again(
    config: TenantConfig, clock: ManualClock, library: Library, notes: Notes
) -> None:
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run({"b": entry(BEGINS), "s": entry(SOURCE)})
    async with open_sandbox(config, clock, library=library) as reopened:
        again = Run(reopened, run.flow_id)

        await again.call("s", "after the restart", enqueue_only=True)

        assert again.sent("s") == ["after the restart"]
        assert notes.calls == ["start b"]
        assert again.state("b") == {"starts": 1}


async def test_a_flow_whose_component_is_gone_is_stopped_with_an_error(
    config: TenantConfig, clock: ManualClock, library: Library
) -> None:
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = await sandbox.run({"b": entry(BEGINS), "w": entry("timers.Wait", "b")})
    async with open_sandbox(config, clock) as reopened:
        again = Run(reopened, run.flow_id)

        with pytest.raises(NotFoundError):
            await again.call("b", 1)

        assert again.stage == "stopped"
        assert BEGINS in again.logs(severity="error")[-1]["msg"]


async def test_a_flow_that_changes_while_it_starts_is_not_started(
    config: TenantConfig, clock: ManualClock
) -> None:
    async def changes_the_flow(context: Context) -> None:
        with sandbox.database.transaction() as connection:
            connection.execute(
                "UPDATE flow SET descriptor_json = '{}' WHERE flow_id = ?", (context.flow_id,)
            )

    library = library_of(probe("Changes", in_ports=(), start=changes_the_flow))
    async with open_sandbox(config, clock, library=library) as sandbox:
        run = sandbox.add({"c": entry("test.engine.probe.Changes")})

        with pytest.raises(ConflictError):
            await run.start()

        assert run.stage == "stopped"


async def test_deleting_a_flows_data_leaves_nothing_of_it(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"b": entry(BEGINS), "w": entry("timers.Wait", "b", fields={"interval": "5m"})}
    )

    with sandbox.database.transaction():
        sandbox.engine.delete_flow_data(run.flow_id)
    await run.turn(600)

    assert run.logs() == run.queued() == run.unprocessed() == []
    assert run.state("b") == {}


async def _call_without_waiting(run: Run) -> None:
    call = WebhookCall(method="POST", hostname="h", headers={}, query={}, data=1)
    await run.sandbox.engine.call_webhook(run.flow_id, "s", call, enqueue_only=True)
    await anyio.wait_all_tasks_blocked()
