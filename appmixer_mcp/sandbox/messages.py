"""The durable queue: rows of the table `message`, and the line in which they are worked on.

A row stays until the transaction that stores everything its handling brought about. Who works on
which row is remembered in memory only: one process owns the file, so that after a crash every row
is simply there to be worked on again.
"""

import sqlite3
from collections import Counter, OrderedDict, deque
from collections.abc import Container
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal
from uuid import uuid4

from appmixer_mcp.sandbox.database import Database

Kind = Literal["message", "webhook", "timeout", "tick", "event"]

_COLUMNS = (
    "message_id", "flow_id", "run_id", "component_id", "kind", "in_port", "sender_id",
    "sender_type", "sender_port", "correlation_id", "content_json", "scope_json", "attempt",
    "due_ms", "created_ms",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO message ({', '.join(_COLUMNS)}) "  # noqa: S608 - constants only
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_values = attrgetter(*_COLUMNS)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM message"  # noqa: S608 - constants only
_IN_MEMORY = 64  # rows of one flow held in line; the rest waits in the file


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One thing for a component to handle."""

    message_id: str
    flow_id: str
    run_id: int
    component_id: str
    kind: Kind
    in_port: str = ""
    sender_id: str = ""
    sender_type: str = ""
    sender_port: str = ""
    correlation_id: str
    content_json: str
    scope_json: str = "{}"
    attempt: int = 0
    """How often its handling has failed."""
    due_ms: int
    created_ms: int


def new_id() -> str:
    """Return a fresh UUID, for messages, timers and correlations."""
    return str(uuid4())


class MessageQueue:
    """The table `message`. Callers open the transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connection

    def put(self, message: Message) -> None:
        """Store a message."""
        self._connection.execute(_INSERT, _values(message))

    def remove(self, message_id: str) -> bool:
        """Delete a message; return whether it was still there."""
        statement = "DELETE FROM message WHERE message_id = ?"
        return self._connection.execute(statement, (message_id,)).rowcount == 1

    def remove_timer(self, message_id: str, flow_id: str, component_id: str) -> bool:
        """Delete a timer of one component; return whether it was still there."""
        statement = (
            "DELETE FROM message WHERE message_id = ? AND flow_id = ? AND component_id = ?"
            " AND kind = 'timeout'"
        )
        return self._connection.execute(statement, (message_id, flow_id, component_id)).rowcount > 0

    def remove_flow(self, flow_id: str) -> None:
        """Delete everything that is queued for a flow."""
        self._connection.execute("DELETE FROM message WHERE flow_id = ?", (flow_id,))

    def holds(self, flow_id: str, correlation_id: str) -> bool:
        """Say whether anything of a correlation is queued for a flow, timers included."""
        statement = "SELECT 1 FROM message WHERE flow_id = ? AND correlation_id = ? LIMIT 1"
        return self._database.row(statement, (flow_id, correlation_id)) is not None

    def postpone(self, message: Message) -> bool:
        """Store a message's new due time and attempt; return whether it was still there."""
        statement = "UPDATE message SET due_ms = ?, attempt = ? WHERE message_id = ?"
        values = (message.due_ms, message.attempt, message.message_id)
        return self._connection.execute(statement, values).rowcount == 1

    def due(self, flow_id: str, now_ms: int, limit: int) -> list[Message]:
        """Return a flow's due messages, the longest due first; empty when there is none."""
        rows = self._database.rows(
            f"{_SELECT} WHERE flow_id = ? AND due_ms <= ? ORDER BY due_ms, seq LIMIT ?",
            (flow_id, now_ms, limit),
        )
        return [_message(row) for row in rows]

    def flows_due(self, after_ms: int, until_ms: int) -> list[str]:
        """Return the flows with a message that falls due in (after, until]; may be empty."""
        rows = self._database.rows(
            "SELECT DISTINCT flow_id FROM message WHERE due_ms > ? AND due_ms <= ?",
            (after_ms, until_ms),
        )
        return [row["flow_id"] for row in rows]

    def next_due_ms(self, after_ms: int) -> int | None:
        """Return when the first message after an instant falls due, or None."""
        row = self._database.row(
            "SELECT due_ms FROM message WHERE due_ms > ? ORDER BY due_ms LIMIT 1", (after_ms,)
        )
        return None if row is None else int(row["due_ms"])

    def any_due(self, now_ms: int) -> bool:
        """Say whether any message is due."""
        return self._database.row("SELECT 1 FROM message WHERE due_ms <= ?", (now_ms,)) is not None


def _message(row: sqlite3.Row) -> Message:
    return Message(**{name: row[name] for name in _COLUMNS})


@dataclass(slots=True)
class _Lane:
    waiting: deque[Message]
    all_in_memory: bool
    """Whether no due message of the flow is in the file only."""


class Line:
    """Due messages in the order they are worked on: by turns among flows, first come within one.

    Every flow has a lane of bounded length that is filled again from the file when it is empty, so
    that ten thousand messages of one flow cost neither memory nor the other flows' turn.

    Args:
        queue: The file.
        most_of_one_flow: How many messages of one flow may be claimed at once.
    """

    def __init__(self, queue: MessageQueue, *, most_of_one_flow: int) -> None:
        self._queue = queue
        self._most_of_one_flow = most_of_one_flow
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self._waiting: set[str] = set()  # message ids, of all lanes
        self._claimed: set[str] = set()  # message ids
        self._claimed_of: Counter[str] = Counter()  # flow id -> how many
        self._again: dict[str, Message] = {}  # due again while still claimed

    def add(self, message: Message) -> None:
        """Put a stored, due message in line; one that stands in it already stays there once."""
        if message.message_id in self._claimed:
            self._again[message.message_id] = message
            return
        if message.message_id in self._waiting:
            return
        lane = self._lanes.get(message.flow_id)
        if lane is None:
            lane = self._lanes[message.flow_id] = _Lane(deque(), all_in_memory=True)
        if lane.all_in_memory and len(lane.waiting) < _IN_MEMORY:
            lane.waiting.append(message)
            self._waiting.add(message.message_id)
        else:
            lane.all_in_memory = False

    def look_again(self, flow_id: str) -> None:
        """Have the file searched for due messages of a flow."""
        self._lanes.setdefault(flow_id, _Lane(deque(), all_in_memory=False)).all_in_memory = False

    def take(self, now_ms: int, busy: Container[tuple[str, str]]) -> Message | None:
        """Claim the next message, or return None when there is none to be worked on now.

        Args:
            now_ms: The engine's clock.
            busy: (flow id, component id) of components that can take no further message now.
        """
        for _ in range(len(self._lanes)):
            flow_id, lane = next(iter(self._lanes.items()))
            message = None
            if self._claimed_of[flow_id] < self._most_of_one_flow:
                if not lane.waiting and not lane.all_in_memory:
                    self._fill(flow_id, lane, now_ms)
                message = _first_free(lane.waiting, busy)
            if lane.waiting or not lane.all_in_memory:
                self._lanes.move_to_end(flow_id)
            else:
                del self._lanes[flow_id]
            if message is not None:
                self._waiting.discard(message.message_id)
                self._claimed.add(message.message_id)
                self._claimed_of[flow_id] += 1
                return message
        return None

    def release(self, message: Message) -> None:
        """Give a claim back: the message is done, or stored for another attempt."""
        self._claimed.discard(message.message_id)
        self._claimed_of[message.flow_id] -= 1
        if not self._claimed_of[message.flow_id]:
            del self._claimed_of[message.flow_id]
        again = self._again.pop(message.message_id, None)
        if again is not None:
            self.add(again)

    def leave(self, flow_id: str, message_id: str) -> None:
        """Take a deleted message out of the line, when it stands in it."""
        lane = self._lanes.get(flow_id)
        if lane is not None and message_id in self._waiting:
            lane.waiting = deque(one for one in lane.waiting if one.message_id != message_id)
            self._waiting.discard(message_id)

    def leave_flow(self, flow_id: str) -> None:
        """Take a flow whose messages were deleted out of the line."""
        lane = self._lanes.pop(flow_id, None)
        if lane is not None:
            self._waiting.difference_update(one.message_id for one in lane.waiting)

    def _fill(self, flow_id: str, lane: _Lane, now_ms: int) -> None:
        limit = _IN_MEMORY + self._claimed_of[flow_id]
        found = self._queue.due(flow_id, now_ms, limit)
        lane.waiting.extend(one for one in found if one.message_id not in self._claimed)
        self._waiting.update(one.message_id for one in lane.waiting)
        lane.all_in_memory = len(found) < limit


def _first_free(waiting: deque[Message], busy: Container[tuple[str, str]]) -> Message | None:
    for index, message in enumerate(waiting):
        if (message.flow_id, message.component_id) not in busy:
            del waiting[index]
            return message
    return None
