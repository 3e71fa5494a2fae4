"""Starts and stops flows, and knows which ones run."""

import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio

from appmixer_mcp.descriptor import Problem
from appmixer_mcp.errors import (
    AppmixerError,
    ComponentFailedError,
    ConflictError,
    FlowInvalidError,
    NotFoundError,
)
from appmixer_mcp.sandbox import flows
from appmixer_mcp.sandbox.catalogue import why_not
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.component import Handler
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.execution import Execution, FlowRun, World
from appmixer_mcp.sandbox.failures import Failure, failure
from appmixer_mcp.sandbox.flows import Graph, Library
from appmixer_mcp.sandbox.gateways import UserGateways
from appmixer_mcp.sandbox.locks import Locks
from appmixer_mcp.sandbox.messages import MessageQueue, new_id
from appmixer_mcp.sandbox.settlement import Settlement

_ROW = """
    SELECT flow.flow_id, flow.user_id, flow.name, flow.stage, flow.run_id, flow.started_ms,
           user.email
    FROM flow LEFT JOIN user ON user.user_id = flow.user_id WHERE flow.flow_id = ?
"""

logger = logging.getLogger(__name__)


class Lifecycle:
    """The stages of flows.

    Args:
        world: The database and the clock.
        config: Time-outs and intervals.
        library: Finds a component by its type.
        queue: Messages of flows that stop are deleted.
        settlement: Stores what `start` and `stop` of a component bring about.
        stopped: Called with each run that has ended, once that is stored.
        start_soon: Runs something beside the messages.
    """

    def __init__(
        self,
        world: World,
        config: TenantConfig,
        library: Library,
        queue: MessageQueue,
        settlement: Settlement,
        *,
        stopped: Callable[[FlowRun], None],
        start_soon: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self._world = world
        self._database = world.database
        self._clock = world.clock
        self._config = config
        self._library = library
        self._queue = queue
        self._settlement = settlement
        self._stopped = stopped
        self._start_soon = start_soon
        self._graphs: dict[str, tuple[int, Graph]] = {}
        self._locks = Locks()

    def check(self, descriptor: Mapping[str, Json]) -> list[Problem]:
        """Return everything that keeps a descriptor from being started."""
        return flows.check(descriptor, self._library, why_not(self._database))

    def run_of(self, flow_id: str) -> FlowRun | None:
        """Return the present run of a flow, or None when it does not run.

        A running flow that cannot go on, because a newer version of the sandbox has lost one of
        its components, is stopped with an error in its log.
        """
        row = self._database.row(_ROW, (flow_id,))
        if row is None or row["stage"] != "running":
            return None
        known_run_id, graph = self._graphs.get(flow_id, (0, None))
        if graph is None or known_run_id != row["run_id"]:
            descriptor = self._descriptor(flow_id)
            problems = self.check(descriptor)
            if problems:
                self._give_up(_flow_run(row, Graph({}, ())), problems)
                return None
            graph = flows.build(descriptor, self._library)
            self._graphs[flow_id] = (row["run_id"], graph)
        return _flow_run(row, graph)

    def as_if_running(self, flow_id: str, component_id: str) -> tuple[FlowRun, list[Problem]]:
        """Return a flow from one component on as if it ran, and what is wrong with that part.

        Raises:
            NotFoundError: There is no such flow.
        """
        row, descriptor = self._row(flow_id), self._descriptor(flow_id)
        part = flows.from_one_on(descriptor, component_id)
        problems = [one for one in self.check(descriptor) if one.component_id in part]
        graph = Graph({}, ()) if problems else flows.build(part, self._library)
        return _flow_run(row, graph, started_ms=self._now_ms()), problems

    async def start(self, flow_id: str) -> None:
        """Start a flow; one that runs goes on.

        Raises:
            NotFoundError: There is no such flow.
            FlowInvalidError: Its descriptor cannot run; holds every problem.
            ComponentFailedError: A component's `start` failed; the flow stays stopped.
            ConflictError: It was changed or deleted meanwhile.
        """
        async with self._locks.named(flow_id):
            row = self._row(flow_id)
            if row["stage"] == "running":
                return
            descriptor = self._descriptor(flow_id)
            problems = self.check(descriptor)
            if problems:
                raise FlowInvalidError([str(problem) for problem in problems])
            now_ms = self._now_ms()
            run = _flow_run(
                row,
                flows.build(descriptor, self._library),
                run_id=max(now_ms, row["run_id"] + 1),
                started_ms=now_ms,
            )
            executions = await self._call_starts(run)
            try:
                self._store_start(run, descriptor, executions)
            except AppmixerError:
                await self._undo_starts(executions)
                raise
            finally:
                for execution in executions:
                    execution.unlock()

    async def stop(self, flow_id: str) -> None:
        """Stop a flow; one that is stopped stays so.

        Raises:
            NotFoundError: There is no such flow.
        """
        async with self._locks.named(flow_id):
            self._row(flow_id)
            run = self.run_of(flow_id)
            if run is not None:
                with self._database.transaction():
                    self._mark_stopped(run)
                await self._call_stops(run)

    def stop_from_inside(self, run: FlowRun) -> None:
        """Stop a flow in the caller's transaction; `stop` of its components is called later."""
        self._mark_stopped(run)
        self._database.after_commit(partial(self._start_soon, partial(self._stop_late, run)))

    def is_serial(self, flow_id: str, component_id: str) -> bool:
        """Say whether a component takes only one message at a time."""
        _, graph = self._graphs.get(flow_id, (0, None))
        if graph is None:
            run = self.run_of(flow_id)
            graph = None if run is None else run.graph
        node = None if graph is None else graph.nodes.get(component_id)
        return node is not None and (node.component.serial or bool(node.component.fire_patterns))

    def _mark_stopped(self, run: FlowRun) -> None:
        connection = self._database.connection
        connection.execute(
            "UPDATE flow SET stage = 'stopped', stopped_ms = ? WHERE flow_id = ?",
            (self._now_ms(), run.flow_id),
        )
        self._queue.remove_flow(run.flow_id)
        connection.execute("DELETE FROM listener WHERE flow_id = ?", (run.flow_id,))
        connection.execute("DELETE FROM parked WHERE flow_id = ?", (run.flow_id,))
        gateways = UserGateways(self._database, self._world.streams, run.user_id)
        gateways.retract_all_of(run.flow_id)
        self._settlement.flow_record(run, "Flow stopped.")
        self._database.after_commit(partial(self._forget, run))

    async def _stop_late(self, run: FlowRun) -> None:
        async with self._locks.named(run.flow_id):
            await self._call_stops(run)

    async def _call_stops(self, run: FlowRun) -> None:
        """Call `stop` of every component; what fails is logged and keeps nothing from stopping."""
        for node in run.graph.nodes.values():
            if node.component.stop is not None:
                execution = Execution(self._world, run, node, correlation_id=new_id())
                await self._call_stop(execution, node.component.stop)

    async def _call_starts(self, run: FlowRun) -> list[Execution]:
        executions: list[Execution] = []
        for node in run.graph.nodes.values():
            execution = Execution(
                self._world, run, node, correlation_id=new_id(), starting=True
            )  # fmt: skip
            executions.append(execution)
            if node.component.start is None:
                continue
            try:
                with anyio.fail_after(self._config.receive_timeout_s):
                    await node.component.start(execution)
            except Exception as error:
                why = failure(error)
                with self._database.transaction():
                    self._settlement.error(execution, why, None)
                await self._undo_starts(executions[:-1])
                raise ComponentFailedError(
                    f"The flow was not started: {node.label} ({node.id}) failed: {why.message}",
                    retry=False,
                    error_code=why.code,
                    error_name=why.name,
                ) from error
        return executions

    async def _undo_starts(self, executions: list[Execution]) -> None:
        for execution in executions:
            if execution.node.component.stop is not None:
                await self._call_stop(execution, execution.node.component.stop)

    async def _call_stop(self, execution: Execution, stop: Handler) -> None:
        why: Failure | None = None
        try:
            with anyio.fail_after(self._config.receive_timeout_s):
                await stop(execution)
        except Exception as error:  # noqa: BLE001 - a component may raise anything
            why = failure(error)
        with self._database.transaction():
            row = self._database.row(_ROW, (execution.flow_id,))
            if row is None:  # deleted meanwhile
                return
            if row["run_id"] == execution.run.run_id:  # else the state is another run's
                self._settlement.state(execution)
            self._settlement.log_lines(execution)
            if why is not None:
                self._settlement.error(execution, why, None)

    def _store_start(
        self, run: FlowRun, descriptor: Mapping[str, Json], executions: list[Execution]
    ) -> None:
        with self._database.transaction() as connection:
            row = self._row(run.flow_id)
            if row["stage"] == "running" or self._descriptor(run.flow_id) != descriptor:
                raise ConflictError("The flow was changed while it was being started. Try again.")
            connection.execute(
                "UPDATE flow SET stage = 'running', run_id = ?, started_ms = ? WHERE flow_id = ?",
                (run.run_id, run.started_ms, run.flow_id),
            )
            connection.execute("DELETE FROM state WHERE flow_id = ?", (run.flow_id,))
            self._settlement.flow_record(run, "Flow started.")
            tick_ms = self._now_ms() + round(self._config.tick_interval_s * 1000)
            for execution in executions:
                self._settlement.effects(execution)
                if execution.node.component.on_tick is not None:
                    self._settlement.tick(run, execution.node, tick_ms)
            self._graphs[run.flow_id] = (run.run_id, run.graph)
            if any(execution.effects.stops_flow for execution in executions):
                self.stop_from_inside(run)

    def _give_up(self, run: FlowRun, problems: list[Problem]) -> None:
        logger.warning("flow %s cannot go on: %d problem(s)", run.flow_id, len(problems))
        listed = "; ".join(str(problem) for problem in problems)
        with self._database.transaction():
            text = f"The flow cannot go on and is stopped: {listed}"
            self._settlement.flow_record(run, text, severity="error")
            self._mark_stopped(run)

    def _forget(self, run: FlowRun) -> None:
        self._graphs.pop(run.flow_id, None)
        self._stopped(run)

    def _row(self, flow_id: str) -> sqlite3.Row:
        row = self._database.row(_ROW, (flow_id,))
        if row is None:
            raise NotFoundError(f"There is no flow with the id {flow_id!r}.")
        return row

    def _descriptor(self, flow_id: str) -> dict[str, Json]:
        statement = "SELECT descriptor_json FROM flow WHERE flow_id = ?"
        row = self._database.row(statement, (flow_id,))
        descriptor: dict[str, Json] = {} if row is None else json.loads(row["descriptor_json"])
        return descriptor

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def _flow_run(
    row: sqlite3.Row, graph: Graph, *, run_id: int | None = None, started_ms: int | None = None
) -> FlowRun:
    return FlowRun(
        flow_id=row["flow_id"],
        run_id=row["run_id"] if run_id is None else run_id,
        name=row["name"],
        user_id=row["user_id"],
        user_email=row["email"] or "",
        started_ms=(row["started_ms"] or 0) if started_ms is None else started_ms,
        graph=graph,
    )
