"""Topics: what happens, and which components of running flows are told of it.

A topic is a name: `event:<name>` for an app event, `task:<task id>` for a decision, `store:<store
id>` for a change of a record, or one that components agree upon.
"""

from collections.abc import Callable
from dataclasses import dataclass

from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import nestable
from appmixer_mcp.sandbox.messages import Message, new_id


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A component that listens to a topic, and the correlation of what it was told."""

    topic: str
    flow_id: str
    component_id: str
    user_id: str
    created_ms: int
    correlation_id: str


class Topics:
    """Tells listeners what happens.

    Args:
        database: Knows who listens.
        clock: The time of the messages.
        put: Queues a message.
    """

    def __init__(self, database: Database, clock: Clock, put: Callable[[Message], None]) -> None:
        self._database = database
        self._clock = clock
        self._put = put

    def publish(
        self, topic: str, payload: Json, *, user_id: str | None = None, flow_id: str | None = None
    ) -> list[Listener]:
        """Tell a topic's listeners, each through a stored message; may be in a transaction.

        Args:
            topic: Its name.
            payload: What `on_event` gets.
            user_id: Only listeners of this user; needed unless the topic is a task, whose id
                is nobody else's.
            flow_id: Only listeners of this flow.

        Returns:
            Who was told, oldest first; empty when nobody listens.
        """
        if user_id is None and not topic.startswith("task:"):
            raise ValueError("Topics belong to a user: user_id is missing.")
        now_ms = to_ms(self._clock.now())
        content_json = nestable(payload)
        told: list[Listener] = []
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT listener.*, flow.run_id FROM listener JOIN flow USING (flow_id)"
                " WHERE topic = ?1 AND (?2 IS NULL OR listener.user_id = ?2)"
                " AND (?3 IS NULL OR flow_id = ?3) AND flow.stage = 'running'"
                " ORDER BY listener.created_ms, flow.rowid",
                (topic, user_id, flow_id),
            ).fetchall()
            for row in rows:
                listener = Listener(
                    topic=topic,
                    flow_id=row["flow_id"],
                    component_id=row["component_id"],
                    user_id=row["user_id"],
                    created_ms=row["created_ms"],
                    correlation_id=row["correlation_id"] or new_id(),
                )
                self._put(
                    Message(
                        message_id=new_id(),
                        flow_id=listener.flow_id,
                        run_id=row["run_id"],
                        component_id=listener.component_id,
                        kind="event",
                        correlation_id=listener.correlation_id,
                        content_json=content_json,
                        scope_json=row["scope_json"],
                        due_ms=now_ms,
                        created_ms=now_ms,
                    )
                )
                told.append(listener)
        return told
