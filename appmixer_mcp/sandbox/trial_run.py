"""Test runs: a component and what follows it, run once and in memory while the flow stands still.

What components do to the world outside (calls, stores, files, mails) happens as in a real run;
their messages, state and logs are gone when the test run ends, and a timer fires as soon as
nothing else is left to do, the earliest first (ours).
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from appmixer_mcp.errors import ComponentFailedError, InputError
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.context import Json, Outputs
from appmixer_mcp.sandbox.effects import Sent
from appmixer_mcp.sandbox.execution import Execution, FlowRun, World
from appmixer_mcp.sandbox.failures import failure
from appmixer_mcp.sandbox.flows import ERROR_PORT, Node
from appmixer_mcp.sandbox.handling import fires, function_of, prepare
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.messages import Kind, Message, new_id
from appmixer_mcp.sandbox.settlement import Settlement

if TYPE_CHECKING:
    from appmixer_mcp.sandbox.fire_patterns import Parked

MOST_MESSAGES = 1_000
"""How many messages a test run handles before it is ended (ours)."""

Emit = Callable[[str, dict[str, Json]], Awaitable[None]]
"""Takes an event: its name and its data."""


class TrialRun:
    """One test run. A class named `TestRun` would be taken for tests by pytest.

    Args:
        world: What lies outside of the flow.
        settlement: Stores what reaches beyond the flow.
        run: The flow, as if it ran.
    """

    def __init__(self, world: World, settlement: Settlement, run: FlowRun) -> None:
        self._world = world
        self._settlement = settlement
        self._run = run
        self._queue: deque[Message] = deque()
        self._timers: dict[str, Message] = {}
        self._parked: dict[str, list[Parked]] = {}
        self._parked_count = 0
        self._state: dict[str, dict[str, str | None]] = {}
        self._handled = 0

    async def run(
        self, component_id: str, inputs: Mapping[str, Json], payload: Json, emit: Emit
    ) -> None:
        """Run a component and everything after it.

        Args:
            component_id: Where it begins.
            inputs: In port -> content, as it is after the transform; not for triggers.
            payload: What a trigger is called with; None has it send a sample.
            emit: Told `component:start`, `component:output`, `component:error`, `component:done`.

        Raises:
            InputError: There is no such component, or it has no such in port.
            ComponentFailedError: It handles more than `MOST_MESSAGES` messages.
        """
        node = self._run.graph.nodes.get(component_id)
        if node is None:
            raise InputError(f"The flow has no component {component_id!r}.")
        if node.component.trigger:
            await self._fire(node, payload, emit)
        for port, content in inputs.items():
            if port not in node.in_ports:
                has = f"but {' or '.join(node.in_ports)}" if node.in_ports else "and no other"
                raise InputError(f"{node.component.type} has no in port {port!r}, {has}.")
            self._put(node.id, "message", dumps(content), in_port=port)
        while message := self._next():
            await self._handle(message, emit)

    async def outputs_of(self, node: Node, inputs: Mapping[str, Json]) -> list[tuple[str, Json]]:
        """Return what one component sends when called with these contents: (out port, content).

        Raises:
            ComponentFailedError: It failed.
            AppmixerError: What it was called with is not acceptable.
        """
        found: list[tuple[str, Json]] = []
        for port, content in inputs.items():
            self._put(node.id, "message", dumps(content), in_port=port)
            message = self._queue.popleft()
            execution = self._execution(node, message)
            try:
                await self._call(node, execution, message)
                self._store(execution)
            finally:
                execution.unlock()
            found += ((sent.port, json.loads(sent.content_json)) for sent in execution.effects.sent)
        return found

    async def _fire(self, node: Node, payload: Json, emit: Emit) -> None:
        component = node.component
        if payload is not None and component.on_webhook is not None:
            call: dict[str, Json] = {
                "method": "POST", "hostname": "", "headers": {}, "query": {}, "data": payload,
            }  # fmt: skip
            self._put(node.id, "webhook", dumps(call))
            return
        message = _message(self._run, node.id, "tick", "null")
        execution = self._execution(node, message)
        await emit("component:start", {"componentId": node.id})
        try:
            if payload is not None:
                execution.send(component.out_ports[0].name, payload)
            elif component.sample is not None:
                await component.sample(execution)
            else:
                execution.send(component.out_ports[0].name, sample_of(component))
            await self._settle(execution, emit)
        except Exception as error:  # noqa: BLE001 - a component may raise anything
            await self._failed(execution, error, emit)
        await emit("component:done", {"componentId": node.id})

    async def _handle(self, message: Message, emit: Emit) -> None:
        self._handled += 1
        if self._handled > MOST_MESSAGES:
            raise ComponentFailedError(
                f"The test run was ended after {MOST_MESSAGES} messages.", retry=False
            )
        node = self._run.graph.nodes[message.component_id]
        execution = self._execution(node, message)
        await emit("component:start", {"componentId": node.id})
        try:
            await self._call(node, execution, message)
            await self._settle(execution, emit)
        except Exception as error:  # noqa: BLE001 - a component may raise anything
            await self._failed(execution, error, emit)
        finally:
            execution.unlock()
        await emit("component:done", {"componentId": node.id})

    def _next(self) -> Message | None:
        if self._queue:
            return self._queue.popleft()
        if not self._timers:
            return None
        return self._timers.pop(min(self._timers, key=lambda one: self._timers[one].due_ms))

    async def _call(self, node: Node, execution: Execution, message: Message) -> None:
        await prepare(execution, message)
        if fires(node, execution, message, lambda: self._parked.get(node.id, [])):
            await _required(node, execution, message)()

    def _execution(self, node: Node, message: Message) -> Execution:
        execution = Execution(
            self._world, self._run, node,
            correlation_id=message.correlation_id, port=message.in_port, starting=True,
        )  # fmt: skip
        # Both write into these, so that the next message of the component finds what this one left.
        execution.effects.state.update(self._state.setdefault(node.id, {}))
        execution.effects.flow_state.update(self._state.setdefault("", {}))
        return execution

    async def _settle(self, execution: Execution, emit: Emit) -> None:
        self._store(execution)
        for sent in execution.effects.sent:
            await self._send(execution, sent, emit)
        for timer_id in execution.effects.cleared_timers:
            self._timers.pop(timer_id, None)
        if not execution.node.component.trigger:  # a trigger's timers would never end
            for timer_id, timer in execution.effects.timers.items():
                self._timers[timer_id] = _message(
                    self._run, execution.component_id, "timeout", timer.content_json,
                    scope_json=dumps(execution.outputs), due_ms=timer.due_ms,
                    correlation_id=execution.correlation_id,
                )  # fmt: skip
        if execution.effects.stops_flow:
            self._queue.clear()
            self._timers.clear()

    def _store(self, execution: Execution) -> None:
        self._state[execution.component_id] = execution.effects.state
        self._state[""] = execution.effects.flow_state
        self._park(execution)
        self._settlement.outward(execution)

    def _park(self, execution: Execution) -> None:
        effects = execution.effects
        parked = self._parked.get(execution.component_id, [])
        parked = [one for one in parked if one.seq not in effects.unparked]
        if effects.parked is not None:
            self._parked_count += 1
            parked.append(replace(effects.parked, seq=self._parked_count))
        self._parked[execution.component_id] = parked

    async def _send(self, execution: Execution, sent: Sent, emit: Emit) -> None:
        await emit(
            "component:output",
            {
                "componentId": execution.component_id,
                "port": sent.port,
                "data": json.loads(sent.content_json),
            },
        )
        outputs = execution.outputs if sent.outputs is None else sent.outputs
        for link in self._run.graph.outgoing(execution.component_id, sent.port):
            self._put(
                link.target_id,
                "message",
                sent.content_json,
                in_port=link.in_port,
                sender=(execution.node, sent.port),
                outputs=outputs,
                correlation_id=sent.correlation_id,
            )

    async def _failed(self, execution: Execution, error: Exception, emit: Emit) -> None:
        why = failure(error)
        await emit("component:error", {"componentId": execution.component_id, "error": why.shown()})
        if execution.node.error_handling.on_error == "errorPort":
            content = {"error": why.shown(), "input": dict(execution.content)}
            sent = Sent(ERROR_PORT, dumps(content), execution.correlation_id)
            await self._send(execution, sent, emit)

    def _put(
        self,
        component_id: str,
        kind: Kind,
        content_json: str,
        *,
        in_port: str = "",
        sender: tuple[Node, str] | None = None,
        outputs: Outputs | None = None,
        correlation_id: str = "",
    ) -> None:
        if component_id not in self._run.graph.nodes:
            return
        self._queue.append(
            _message(
                self._run, component_id, kind, content_json, in_port=in_port, sender=sender,
                scope_json=dumps(outputs or {}), correlation_id=correlation_id,
            )
        )  # fmt: skip


def sample_of(component: Component) -> dict[str, Json]:
    """Return what a trigger might send from its first port: each variable holds its own path.

    Source: that samples are made from the manifest is documented, their values are ours.
    """
    sample: dict[str, Json] = {}
    for path in component.out_ports[0].variables if component.out_ports else ():
        inner = sample
        *folders, name = path.split(".")
        for folder in folders:
            if not is_object(inner.get(folder)):
                inner[folder] = {}
            inner = inner[folder]
        inner.setdefault(name, path)
    return sample


def _required(node: Node, execution: Execution, message: Message) -> Callable[[], Awaitable[None]]:
    function = function_of(node, execution, message)
    if function is None:
        raise ComponentFailedError(
            f"{node.component.type} does not handle a {message.kind}.", retry=False
        )
    return function


def _message(
    run: FlowRun,
    component_id: str,
    kind: Kind,
    content_json: str,
    *,
    in_port: str = "",
    sender: tuple[Node, str] | None = None,
    scope_json: str = "{}",
    correlation_id: str = "",
    due_ms: int | None = None,
) -> Message:
    now_ms = run.started_ms
    return Message(
        message_id=new_id(),
        flow_id=run.flow_id,
        run_id=run.run_id,
        component_id=component_id,
        kind=kind,
        in_port=in_port,
        sender_id=sender[0].id if sender else "",
        sender_type=sender[0].component.type if sender else "",
        sender_port=sender[1] if sender else "",
        correlation_id=correlation_id or new_id(),
        content_json=content_json,
        scope_json=scope_json,
        due_ms=now_ms if due_ms is None else due_ms,
        created_ms=now_ms,
    )
