"""The handling of one message: transform it, run its component, store what came of it."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial, reduce

import anyio

from appmixer_mcp.errors import AppmixerError, ComponentFailedError
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json, WebhookCall
from appmixer_mcp.sandbox.effects import merged
from appmixer_mcp.sandbox.evaluator import in_thread
from appmixer_mcp.sandbox.execution import Execution, World
from appmixer_mcp.sandbox.expressions import Transform
from appmixer_mcp.sandbox.failures import Failure, failure, invalid_input, wait_s
from appmixer_mcp.sandbox.fire_patterns import Parked, fitting, waiting
from appmixer_mcp.sandbox.flows import ERROR_PORT, Node
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import nestable
from appmixer_mcp.sandbox.lifecycle import Lifecycle
from appmixer_mcp.sandbox.messages import Message, MessageQueue
from appmixer_mcp.sandbox.settlement import Settlement


class Handling:
    """Handles messages.

    A message is deleted in the transaction that stores everything its handling brought about. When
    it is not there any more by then, its flow was stopped, and nothing is stored.
    """

    def __init__(
        self,
        world: World,
        config: TenantConfig,
        queue: MessageQueue,
        settlement: Settlement,
        lifecycle: Lifecycle,
    ) -> None:
        self._world = world
        self._database = world.database
        self._config = config
        self._queue = queue
        self._settlement = settlement
        self._lifecycle = lifecycle

    async def handle(self, message: Message) -> None:
        """Handle a message; when this returns, it is gone or stored for another attempt."""
        run = self._lifecycle.run_of(message.flow_id)
        node = None if run is None else run.graph.nodes.get(message.component_id)
        if run is None or node is None or run.run_id != message.run_id:
            with self._database.transaction():
                self._queue.remove(message.message_id)
            return
        execution = Execution(
            self._world, run, node, correlation_id=message.correlation_id, port=message.in_port
        )
        try:
            await self._run(node, execution, message)
        finally:
            execution.unlock()

    async def _run(self, node: Node, execution: Execution, message: Message) -> None:
        try:
            await prepare(execution, message)
            ids = (message.flow_id, message.component_id)
            if fires(node, execution, message, lambda: waiting(self._database, *ids)):
                await self._call(node, execution, message)
        except Exception as error:  # noqa: BLE001 - a component may raise anything
            self._store_failure(execution, message, failure(error))
            return
        try:
            self._store_success(execution, message)
        except (ValueError, OverflowError, sqlite3.DataError, AppmixerError) as error:
            # The file cannot hold what the component wants, such as half a surrogate pair or lists
            # in too many lists, or a store that it writes to was deleted meanwhile.
            self._store_failure(execution, message, replace(failure(error), retry=False))

    async def _call(self, node: Node, execution: Execution, message: Message) -> None:
        function = function_of(node, execution, message)
        if function is None:
            raise ComponentFailedError(
                f"{node.component.type} does not handle a {message.kind}.", retry=False
            )
        with anyio.move_on_after(self._config.receive_timeout_s) as scope:
            await function()
        if scope.cancelled_caught:
            raise ComponentFailedError(
                f"{node.label} took longer than {self._config.receive_timeout_s:g} s.",
                error_code="ETIMEDOUT",
                error_name="TimeoutError",
            )

    def _store_success(self, execution: Execution, message: Message) -> None:
        with self._database.transaction():
            if not self._queue.remove(message.message_id):
                return
            self._settlement.arrival(execution, message)
            self._settlement.effects(execution)
            if message.kind == "tick":
                self._tick_again(execution, message)
            if execution.effects.stops_flow:
                self._lifecycle.stop_from_inside(execution.run)

    def _store_failure(self, execution: Execution, message: Message, why: Failure) -> None:
        handling = execution.node.error_handling
        most = self._config.retry_max_count
        if handling.max_retries is not None:
            most = min(most, handling.max_retries)
        again = why.retry and handling.auto_retry and message.attempt < most
        with self._database.transaction():
            if again and message.kind != "tick":
                stored = self._postpone(message)
            else:
                stored = self._queue.remove(message.message_id)
            if not stored:
                return
            self._settlement.arrival(execution, message)
            self._settlement.error(execution, why, message)
            if message.kind == "tick":
                self._tick_again(execution, message)
            elif not again:
                self._give_up(execution, message, why)

    def _postpone(self, message: Message) -> bool:
        wait_ms = round(wait_s(self._config.retry_init_s, message.attempt) * 1000)
        later = replace(message, due_ms=self._now_ms() + wait_ms, attempt=message.attempt + 1)
        return self._settlement.postpone(later)

    def _give_up(self, execution: Execution, message: Message, why: Failure) -> None:
        on_error = execution.node.error_handling.on_error
        # An error port that leads nowhere would lose the message, so it is kept (ours).
        linked = execution.run.graph.outgoing(execution.component_id, ERROR_PORT)
        if on_error == "errorPort" and linked:
            self._settlement.error_port(execution, why)
        elif on_error == "stopFlow":
            self._settlement.fail_callers(message)  # ahead of what the stop answers
            self._lifecycle.stop_from_inside(execution.run)
        else:
            self._settlement.unprocessed(execution, why, message)

    def _tick_again(self, execution: Execution, message: Message) -> None:
        interval_ms = round(self._config.tick_interval_s * 1000)
        next_ms = message.due_ms + interval_ms
        if next_ms <= self._now_ms():  # ticks that were missed are not made up for
            next_ms = self._now_ms() + interval_ms
        self._settlement.tick(execution.run, execution.node, next_ms)

    def _now_ms(self) -> int:
        return to_ms(self._world.clock.now())


async def prepare(execution: Execution, message: Message) -> None:
    """Fill a context from a message: what came in, what can be referred to, the fields.

    Raises:
        ComponentFailedError: A required field has no value (retry=False).
        InputError: The transform cannot be resolved.
    """
    original: Json = json.loads(message.content_json)
    outputs: dict[str, Mapping[str, Json]] = json.loads(message.scope_json)
    if message.kind == "message" and message.sender_id:
        sent = {**outputs.get(message.sender_id, {}), message.sender_port: original}
        outputs[message.sender_id] = sent
        execution.sender_id, execution.sender_port = message.sender_id, message.sender_port
    execution.outputs = outputs
    execution.original_content = original
    execution.arrived_json = message.content_json
    if message.kind == "webhook":
        execution.webhook = WebhookCall(**original)
    elif message.kind == "timeout":
        execution.content = original if is_object(original) else {}
    elif message.kind == "message":
        link = (message.in_port, message.sender_id, message.sender_port)
        transform = execution.node.transforms.get(link)
        if transform is not None:
            original = await _transformed(transform, original, execution)
            execution.arrived_json = nestable(original)
        execution.content = original if is_object(original) else {}
        _require_fields(execution)


def fires(
    node: Node, execution: Execution, message: Message, parked: Callable[[], list[Parked]]
) -> bool:
    """Say whether the component is ready; until it is, the message has to wait.

    Args:
        node: The component.
        execution: Gets what the component receives, and which messages wait from now on.
        message: What has just arrived.
        parked: Gives what waits already, the oldest first; not asked without fire patterns.
    """
    if not node.component.fire_patterns or message.kind != "message":
        return True
    own = Parked(
        seq=0, in_port=message.in_port, content=execution.content, outputs=execution.outputs
    )
    fired = fitting(node.component, [*parked(), own])
    if own not in fired:
        execution.effects.parked = own
    execution.effects.unparked = [one.seq for one in fired if one is not own]
    execution.messages = {one.in_port: one.content for one in fired}
    execution.outputs = reduce(merged, (one.outputs for one in fired), {})
    return bool(fired)


async def _transformed(transform: Transform, original: Json, execution: Execution) -> Json:
    facts = execution.facts()
    if not transform.slow:
        return transform.resolve(original, execution.outputs, facts)
    custom_fields = execution.custom_fields()  # the file is read on this thread only
    facts = replace(facts, custom_fields=lambda: custom_fields)
    return await in_thread(transform.resolve, original, execution.outputs, facts)


def _require_fields(execution: Execution) -> None:
    port = execution.node.in_ports.get(execution.port)
    if port is None:
        raise invalid_input(f"{execution.node.label} has no in port {execution.port!r}.")
    missing = [
        one.name
        for one in port.fields
        if one.required and one.default is None and one.name not in execution.content
    ]
    if missing:
        raise invalid_input(f"Input field {', '.join(missing)} is required.")


def function_of(
    node: Node, execution: Execution, message: Message
) -> Callable[[], Awaitable[None]] | None:
    """Return what the component does with a message, or None when it does nothing with it."""
    component = node.component
    if message.kind == "event":
        handler = component.on_event
        return None if handler is None else partial(handler, execution, execution.original_content)
    function = {
        "message": component.receive,
        "webhook": component.on_webhook,
        "timeout": component.on_timeout,
        "tick": component.on_tick,
    }[message.kind]
    return None if function is None else partial(function, execution)
