"""The engine of the sandbox: flows are started and stopped here, and what reaches them comes in.

Every message is stored before anything else happens with it, and deleted in the transaction that
stores what its handling brought about. So the end of the process at any moment loses no message,
and none has its effects twice, as far as they lie within the tenant.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskStatus

from appmixer_mcp.descriptor import Problem
from appmixer_mcp.errors import ConflictError, NotFoundError
from appmixer_mcp.sandbox import components, flows
from appmixer_mcp.sandbox.call_chains import HEADER, CallChains
from appmixer_mcp.sandbox.clock import Clock, from_ms, to_ms
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json, WebhookCall
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.execution import FlowRun, World
from appmixer_mcp.sandbox.failures import restored
from appmixer_mcp.sandbox.flows import Library
from appmixer_mcp.sandbox.handling import Handling
from appmixer_mcp.sandbox.jsontext import nestable
from appmixer_mcp.sandbox.lifecycle import Lifecycle
from appmixer_mcp.sandbox.locks import Locks
from appmixer_mcp.sandbox.log_index import forget_flow
from appmixer_mcp.sandbox.messages import Kind, Line, Message, MessageQueue, new_id
from appmixer_mcp.sandbox.settlement import Settlement
from appmixer_mcp.sandbox.streams import Streams
from appmixer_mcp.sandbox.topics import Listener, Topics
from appmixer_mcp.sandbox.trial_run import TrialRun
from appmixer_mcp.sandbox.webhooks import Waiter, Waiters, WebhookAnswer, refusal
from appmixer_mcp.sandbox.workers import Workers

if TYPE_CHECKING:
    from appmixer_mcp.sandbox.egress import Outgoing

__all__ = ["Engine", "Listener", "WebhookAnswer"]


class Engine:
    """Runs the flows of one tenant.

    Args:
        config: Limits, time-outs, the public URL.
        database: Where everything is kept.
        clock: The time the engine lives by.
        outgoing: Makes the HTTP calls of components.
        library: Finds a component by its type.
        streams: Tell of gateways that come and go.
    """

    def __init__(
        self,
        config: TenantConfig,
        database: Database,
        clock: Clock,
        outgoing: "Outgoing",
        *,
        library: Library = components.find,
        streams: Streams | None = None,
    ) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        self._world = world = World(
            database=database,
            clock=clock,
            outgoing=outgoing,
            public_url=config.public_url,
            dashboard_url=config.dashboard_url,
            secret=config.jwt_key.get_secret_value().encode(),
            timer_min_s=config.timer_min_s,
            locks=Locks(),
            topics=Topics(database, clock, self._put),
            streams=streams or Streams(),
            chains=CallChains(),
        )
        self._queue = MessageQueue(database)
        # A quarter of the workers stays free of any one flow, whose calls may all be slow.
        self._line = Line(self._queue, most_of_one_flow=max(1, config.concurrency * 3 // 4))
        self._waiters = Waiters()
        self._settlement = Settlement(world, self._queue, self._line, self._waiters, self._announce)
        self._lifecycle = Lifecycle(
            world,
            config,
            library,
            self._queue,
            self._settlement,
            stopped=self._interrupt,
            start_soon=self._start_soon,
        )
        handling = Handling(world, config, self._queue, self._settlement, self._lifecycle)
        self._workers = Workers(
            self._queue,
            self._line,
            clock,
            concurrency=config.concurrency,
            handle=handling.handle,
            takes_one=lambda one: self._lifecycle.is_serial(one.flow_id, one.component_id),
        )

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled, from where the tenant was last left: flows that ran go on."""
        await self._workers.run(task_status=task_status)

    async def wait_idle(self) -> None:
        """Return once nothing is in flight and nothing is due; later timers do not count."""
        await self._workers.wait_idle()

    def validate(self, descriptor: Mapping[str, Json]) -> list[Problem]:
        """Return everything that keeps a descriptor from being started; empty when nothing does."""
        return self._lifecycle.check(descriptor)

    async def start_flow(self, flow_id: str) -> None:
        """Start a flow; one that already runs goes on.

        Raises:
            NotFoundError: There is no such flow.
            FlowInvalidError: Its descriptor cannot run; holds every problem.
            ComponentFailedError: A component's `start` failed; the flow stays stopped.
            ConflictError: It was changed while it was being started.
        """
        await self._lifecycle.start(flow_id)

    async def stop_flow(self, flow_id: str) -> None:
        """Stop a flow: messages, timers and listeners are gone. A stopped one stays so.

        Raises:
            NotFoundError: There is no such flow.
        """
        await self._lifecycle.stop(flow_id)

    def trial(self, flow_id: str, component_id: str) -> tuple[TrialRun, list[Problem]]:
        """Return a test run from one component on, and what keeps it from being run.

        Raises:
            NotFoundError: There is no such flow.
        """
        run, problems = self._lifecycle.as_if_running(flow_id, component_id)
        return TrialRun(self._world, self._settlement, run), problems

    async def call_component(
        self,
        component: Component,
        component_id: str,
        user_id: str,
        *,
        properties: Mapping[str, Json],
        inputs: Mapping[str, Json],
    ) -> list[tuple[str, Json]]:
        """Call a component outside of any flow.

        Args:
            component: Its type.
            component_id: Whose account it uses; may be empty.
            user_id: Whose stores and files it sees.
            properties: `config.properties`.
            inputs: In port -> content.

        Returns:
            What it sends, in order: (out port, content).

        Raises:
            AppmixerError: It failed, or was called with something that it does not accept.
        """
        graph = flows.build(
            {component_id: {"type": component.type, "config": {"properties": properties}}},
            lambda _: component,
        )
        now_ms = self._now_ms()
        run = FlowRun(
            flow_id="", run_id=0, name="", user_id=user_id, user_email="", started_ms=now_ms,
            graph=graph,
        )  # fmt: skip
        trial = TrialRun(self._world, self._settlement, run)
        with anyio.fail_after(self._config.receive_timeout_s):
            return await trial.outputs_of(graph.nodes[component_id], inputs)

    async def call_webhook(
        self,
        flow_id: str,
        component_id: str,
        call: WebhookCall,
        *,
        correlation_id: str | None = None,
        enqueue_only: bool = False,
    ) -> WebhookAnswer:
        """Hand an HTTP request to a component; it is stored before anything else happens.

        Returns:
            What a component of the same correlation answers; 202 at once with `enqueue_only`; in
            the API's form of errors 500 when the flow has failed for good, 504 when nobody has
            answered after the webhook time-out, and 503 when the flow is stopped before.

        Raises:
            NotFoundError: The flow does not run, or the component has no webhook.

        Source: documented, but for the statuses of the errors, which are ours.
        """
        run = self._lifecycle.run_of(flow_id)
        node = None if run is None else run.graph.nodes.get(component_id)
        if run is None or node is None or node.component.on_webhook is None:
            raise NotFoundError(
                f"No running flow with the id {flow_id!r} has a component {component_id!r} that "
                "takes webhooks."
            )
        message = self._message(
            run.flow_id, run.run_id, component_id, kind="webhook",
            correlation_id=correlation_id or new_id(), content=vars(call),
        )  # fmt: skip
        ids = (flow_id, message.correlation_id)
        self._world.chains.begin(ids, component_id, call.headers.get(HEADER, ""))
        if enqueue_only:
            self._store(message)
            return WebhookAnswer(status=HTTPStatus.ACCEPTED, headers={}, body=b"")
        waiter = self._waiters.join(*ids)
        try:
            self._store(message)
            await self._wait(waiter)
        finally:
            self._waiters.leave(waiter)
        return waiter.answer or refusal(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"The flow did not answer within {self._config.webhook_timeout_s:g} s. The request was "
            "accepted; the logs tell what has become of it.",
        )

    def publish(
        self, topic: str, payload: Json, *, user_id: str | None = None, flow_id: str | None = None
    ) -> list[Listener]:
        """Tell a topic's listeners, each through a stored message; may be in a transaction.

        Args:
            topic: `event:<name>`, `task:<task id>` or `store:<store id>`.
            payload: What `on_event` gets.
            user_id: Only listeners of this user; needed unless the topic is a task.
            flow_id: Only listeners of this flow.

        Returns:
            Who was told, oldest first; empty when nobody listens.
        """
        return self._world.topics.publish(topic, payload, user_id=user_id, flow_id=flow_id)

    def retry_unprocessed(self, message_id: str) -> None:
        """Put an unprocessed message back, with its id, under the flow's present run.

        Raises:
            NotFoundError: There is no such message.
            ConflictError: The flow does not run, or has lost the component (ours).
        """
        with self._database.transaction() as connection:
            row = self._database.row(
                "SELECT message_json FROM unprocessed WHERE message_id = ?", (message_id,)
            )
            if row is None:
                raise NotFoundError(f"There is no unprocessed message with the id {message_id!r}.")
            message = restored(row["message_json"])
            run = self._lifecycle.run_of(message.flow_id)
            if run is None:
                raise ConflictError("The flow does not run. Start it, then retry the message.")
            if message.component_id not in run.graph.nodes:
                raise ConflictError(
                    f"The flow has no component {message.component_id!r} any more. Delete the "
                    "message."
                )
            connection.execute("DELETE FROM unprocessed WHERE message_id = ?", (message_id,))
            now_ms = self._now_ms()
            self._settlement.put(replace(message, run_id=run.run_id, attempt=0, due_ms=now_ms))

    def delete_flow_data(self, flow_id: str) -> None:
        """Delete everything of a flow but its own row, in the caller's transaction."""
        for statement in (
            "DELETE FROM message WHERE flow_id = ?",
            "DELETE FROM unprocessed WHERE flow_id = ?",
            "DELETE FROM state WHERE flow_id = ?",
            "DELETE FROM listener WHERE flow_id = ?",
            "DELETE FROM parked WHERE flow_id = ?",
            "DELETE FROM event_trigger WHERE flow_id = ?",
            "DELETE FROM subflow_fields WHERE flow_id = ?",
        ):
            self._database.connection.execute(statement, (flow_id,))
        forget_flow(self._database, flow_id)
        self._database.after_commit(partial(self._workers.interrupt, flow_id))

    def _message(
        self, flow_id: str, run_id: int, component_id: str, *, kind: Kind, correlation_id: str,
        content: Json,
    ) -> Message:  # fmt: skip
        now_ms = self._now_ms()
        return Message(
            message_id=new_id(),
            flow_id=flow_id,
            run_id=run_id,
            component_id=component_id,
            kind=kind,
            correlation_id=correlation_id,
            content_json=nestable(content),
            due_ms=now_ms,
            created_ms=now_ms,
        )

    def _store(self, message: Message) -> None:
        with self._database.transaction():
            self._settlement.put(message)

    async def _wait(self, waiter: Waiter) -> None:
        deadline = from_ms(self._now_ms() + round(self._config.webhook_timeout_s * 1000))

        async def time_out() -> None:
            await self._clock.sleep_until(deadline)
            waiter.done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(time_out)
            await waiter.done.wait()
            tasks.cancel_scope.cancel()

    def _put(self, message: Message) -> None:
        self._settlement.put(message)

    def _announce(self, message: Message) -> None:
        self._workers.announce(message)

    def _interrupt(self, run: FlowRun) -> None:
        self._workers.interrupt(run.flow_id)
        stopped = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The flow was stopped; nobody answers.")
        self._waiters.answer_flow(run.flow_id, stopped)

    def _start_soon(self, function: Callable[[], Awaitable[None]]) -> None:
        self._workers.start_soon(function)

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())
