"""Stores what the handling of a message brought about. Everything here runs in a transaction."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.effects import Call, Effects, Sent
from appmixer_mcp.sandbox.execution import Execution, FlowRun, World
from appmixer_mcp.sandbox.failures import Failure, input_messages, stored
from appmixer_mcp.sandbox.fire_patterns import park
from appmixer_mcp.sandbox.flows import ERROR_PORT, Node
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.logs import LogRecord, shown
from appmixer_mcp.sandbox.messages import Line, Message, MessageQueue, new_id
from appmixer_mcp.sandbox.webhooks import Waiters, refusal


class Settlement:
    """Writes messages, timers, state, listeners and logs; what is seen from outside comes after.

    Args:
        world: The database and the clock.
        queue: The table of messages.
        line: What the queue's removed messages are taken out of.
        waiters: Webhook calls that wait for an answer.
        announce: Told of each stored message once it is committed.
    """

    def __init__(
        self,
        world: World,
        queue: MessageQueue,
        line: Line,
        waiters: Waiters,
        announce: Callable[[Message], None],
    ) -> None:
        self._database = world.database
        self._clock = world.clock
        self._queue = queue
        self._line = line
        self._waiters = waiters
        self._announce = announce

    def put(self, message: Message) -> None:
        """Queue a message."""
        self._queue.put(message)
        self._database.after_commit(partial(self._announce, message))

    def postpone(self, message: Message) -> bool:
        """Store the due time and the attempt of a queued message; return whether it was there."""
        was_queued = self._queue.postpone(message)
        if was_queued:
            self._database.after_commit(partial(self._announce, message))
        return was_queued

    def effects(self, execution: Execution) -> None:
        """Store what a component wanted to happen, but for the stop of the flow."""
        effects = execution.effects
        self.state(execution)
        self._fire_patterns(execution, effects)
        self._listen(execution, effects)
        self.log_lines(execution)
        scopes: dict[str, str] = {}
        for sent in effects.sent:
            self._send(execution, sent, scopes)
        self.outward(execution)
        self._timers(execution, effects)  # one that is due at once stands behind what was sent
        for answer in effects.answers:
            self._database.after_commit(
                partial(
                    self._waiters.answer, execution.flow_id, execution.correlation_id, answer
                )
            )  # fmt: skip

    def outward(self, execution: Execution) -> None:
        """Store what reaches beyond the flow: stores, files, calls of other flows, mails."""
        effects = execution.effects
        with self._database.transaction():
            for write in effects.writes:
                write()
            for call in effects.calls:
                self._call(call)

    def arrival(self, execution: Execution, message: Message) -> None:
        """Log a message that has arrived at an in port; other kinds have their outputs only."""
        if message.kind != "message" or message.attempt:
            return
        self._log(
            execution,
            port=message.in_port,
            port_type="in",
            sender_id=message.sender_id,
            sender_type=message.sender_type,
            sender_port=message.sender_port,
            msg=shown(execution.arrived_json),
        )

    def error(self, execution: Execution, failure: Failure, message: Message | None) -> None:
        """Log an error."""
        arrived = None if message is None else input_messages(message, dict(execution.content))
        self._log(
            execution,
            severity="error",
            port=execution.port,
            msg=dumps(failure.message),
            err=dumps(failure.shown()),
            input_messages="" if arrived is None else shown(dumps(arrived)),
        )

    def error_port(self, execution: Execution, failure: Failure) -> None:
        """Send the error and the content that led to it from the port `error`."""
        content = {"error": failure.shown(), "input": dict(execution.content)}
        self._send(execution, Sent(ERROR_PORT, dumps(content), execution.correlation_id), {})

    def unprocessed(self, execution: Execution, failure: Failure, message: Message) -> None:
        """Keep a message that could not be processed; tell who waits if it was the last (ours).

        As long as anything else of its correlation is queued, that may still answer. Listeners do
        not count: what they wait for hardly comes within the webhook time-out.
        """
        self._database.connection.execute(
            "INSERT OR REPLACE INTO unprocessed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.message_id, execution.user_id, message.flow_id, message.run_id,
                message.component_id, message.correlation_id, stored(message),
                _kept(message, dict(execution.content)),
                dumps(failure.shown()),
                self._now_ms(),
            ),
        )  # fmt: skip
        ids = (message.flow_id, message.correlation_id)
        if self._waiters.any_for(*ids) and not self._queue.holds(*ids):
            self.fail_callers(message)

    def fail_callers(self, message: Message) -> None:
        """Answer every call of a message's correlation: its flow has failed for good."""
        # The caller may be a stranger, whom the details do not concern.
        failed = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The flow failed: see its error log.")
        ids = (message.flow_id, message.correlation_id)
        self._database.after_commit(partial(self._waiters.answer_all, *ids, failed))

    def tick(self, run: FlowRun, node: Node, due_ms: int) -> None:
        """Queue the next tick of a component."""
        self.put(
            Message(
                message_id=new_id(),
                flow_id=run.flow_id,
                run_id=run.run_id,
                component_id=node.id,
                kind="tick",
                correlation_id=new_id(),
                content_json="null",
                due_ms=due_ms,
                created_ms=self._now_ms(),
            )
        )

    def flow_record(self, run: FlowRun, text: str, *, severity: str = "info") -> None:
        """Log something about the flow as a whole."""
        logs.write(
            self._database,
            LogRecord(
                user_id=run.user_id,
                flow_id=run.flow_id,
                at_ms=self._now_ms(),
                severity=severity,
                msg=text,
            ),
        )

    def state(self, execution: Execution) -> None:
        """Store what a component wants to be remembered."""
        effects = execution.effects
        for component_id, written in (
            (execution.component_id, effects.state), ("", effects.flow_state)
        ):  # fmt: skip
            for key, value_json in written.items():
                ids = (execution.flow_id, component_id, key)
                if value_json is None:
                    sql = "DELETE FROM state WHERE flow_id = ? AND component_id = ? AND key = ?"
                    self._database.connection.execute(sql, ids)
                else:
                    sql = "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)"
                    self._database.connection.execute(sql, (*ids, value_json))

    def log_lines(self, execution: Execution) -> None:
        """Write what a component wants to be logged."""
        for content_json in execution.effects.logs:
            self._log(execution, msg=shown(content_json))

    def _send(self, execution: Execution, sent: Sent, scopes: dict[str, str]) -> None:
        node, graph = execution.node, execution.run.graph
        self._log(
            execution,
            port=sent.port,
            port_type="out",
            correlation_id=sent.correlation_id,
            msg=shown(sent.content_json),
        )
        now_ms = self._now_ms()
        if sent.outputs is not None:
            scopes = {}
        outputs_now = execution.outputs if sent.outputs is None else sent.outputs
        for link in graph.outgoing(node.id, sent.port):
            if link.target_id not in scopes:
                outputs = graph.needed_outputs(link.target_id, outputs_now)
                scopes[link.target_id] = dumps(outputs)
            self.put(
                Message(
                    message_id=new_id(),
                    flow_id=execution.flow_id,
                    run_id=execution.run.run_id,
                    component_id=link.target_id,
                    kind="message",
                    in_port=link.in_port,
                    sender_id=node.id,
                    sender_type=node.component.type,
                    sender_port=sent.port,
                    correlation_id=sent.correlation_id,
                    content_json=sent.content_json,
                    scope_json=scopes[link.target_id],
                    due_ms=now_ms,
                    created_ms=now_ms,
                )
            )

    def _call(self, call: Call) -> None:
        row = self._database.row(
            "SELECT run_id FROM flow WHERE flow_id = ? AND stage = 'running'", (call.flow_id,)
        )
        if row is None:
            raise ComponentFailedError("The flow that is called was stopped.", retry=False)
        now_ms = self._now_ms()
        self.put(
            Message(
                message_id=new_id(),
                flow_id=call.flow_id,
                run_id=row["run_id"],
                component_id=call.component_id,
                kind="webhook",
                correlation_id=call.correlation_id,
                content_json=call.content_json,
                due_ms=now_ms,
                created_ms=now_ms,
            )
        )

    def _timers(self, execution: Execution, effects: Effects) -> None:
        for timer_id in effects.cleared_timers:
            if self._queue.remove_timer(timer_id, execution.flow_id, execution.component_id):
                self._database.after_commit(partial(self._line.leave, execution.flow_id, timer_id))
        scope_json = self._own_scope(execution) if effects.timers else "{}"
        now_ms = self._now_ms()
        for timer in effects.timers.values():
            self.put(
                Message(
                    message_id=timer.timer_id,
                    flow_id=execution.flow_id,
                    run_id=execution.run.run_id,
                    component_id=execution.component_id,
                    kind="timeout",
                    correlation_id=self._later_correlation(execution) or new_id(),
                    content_json=timer.content_json,
                    scope_json=scope_json,
                    due_ms=max(timer.due_ms, now_ms),
                    created_ms=now_ms,
                )
            )

    def _fire_patterns(self, execution: Execution, effects: Effects) -> None:
        connection = self._database.connection
        for seq in effects.unparked:
            connection.execute("DELETE FROM parked WHERE seq = ?", (seq,))
        if effects.parked is not None:
            park(connection, execution.flow_id, execution.component_id, effects.parked)

    def _listen(self, execution: Execution, effects: Effects) -> None:
        for topic, listening in effects.topics.items():
            ids = (topic, execution.flow_id, execution.component_id)
            self._database.connection.execute(
                "DELETE FROM listener WHERE topic = ? AND flow_id = ? AND component_id = ?", ids
            )
            if listening:
                self._database.connection.execute(
                    "INSERT INTO listener (topic, flow_id, component_id, user_id, correlation_id,"
                    " scope_json, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *ids, execution.user_id, self._later_correlation(execution),
                        self._own_scope(execution), self._now_ms(),
                    ),
                )  # fmt: skip

    def _own_scope(self, execution: Execution) -> str:
        graph = execution.run.graph
        return dumps(graph.needed_outputs(execution.component_id, execution.outputs))

    def _later_correlation(self, execution: Execution) -> str:
        """Return the correlation of what follows later: a trigger begins a new one each time."""
        return "" if execution.node.component.trigger else execution.correlation_id

    def _log(
        self,
        execution: Execution,
        *,
        msg: str,
        severity: str = "info",
        port: str = "",
        port_type: str = "",
        correlation_id: str = "",
        sender_id: str = "",
        sender_type: str = "",
        sender_port: str = "",
        err: str = "",
        input_messages: str = "",
    ) -> None:
        logs.write(
            self._database,
            LogRecord(
                user_id=execution.user_id,
                flow_id=execution.flow_id,
                component_id=execution.component_id,
                component_type=execution.node.component.type,
                severity=severity,
                port=port,
                port_type=port_type,
                correlation_id=correlation_id or execution.correlation_id,
                sender_id=sender_id,
                sender_type=sender_type,
                sender_port=sender_port,
                at_ms=self._now_ms(),
                msg=msg,
                err=err,
                input_messages=input_messages,
            ),
        )

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def _kept(message: Message, content: dict[str, Json]) -> str:
    """Return in port -> [engine message] as JSON text; of one too long, its content's beginning."""
    whole = shown(dumps(input_messages(message, content)))
    if whole.startswith("{"):
        return whole
    bare = replace(message, scope_json="{}", content_json="null")
    return dumps(input_messages(bare, json.loads(shown(dumps(content)))))
