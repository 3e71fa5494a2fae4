"""Components that somebody has subscribed to an app event from outside, beside those that listen.

A component such as OnAppEvent listens by itself while its flow runs. What is kept here is told
through the component's webhook, and stays until it is deleted.
"""

from dataclasses import dataclass

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.database import Database


@dataclass(frozen=True, kw_only=True)
class EventTrigger:
    """One subscription."""

    event: str
    flow_id: str
    component_id: str
    created_ms: int


class EventTriggers:
    """The subscriptions of one user."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def add(self, event: str, flow_id: str, component_id: str) -> EventTrigger:
        """Subscribe a component; once is as good as twice.

        Raises:
            NotFoundError: This user has no such flow with such a component.
        """
        with self._database.transaction() as connection:
            found = self._database.row(
                "SELECT 1 FROM flow, json_each(descriptor_json)"
                " WHERE flow_id = ? AND user_id = ? AND key = ?",
                (flow_id, self._user_id, component_id),
            )
            if found is None:
                raise NotFoundError("None of your flows with this id has such a component.")
            connection.execute(
                "INSERT OR IGNORE INTO event_trigger VALUES (?, ?, ?, ?, ?)",
                (self._user_id, event, flow_id, component_id, to_ms(self._clock.now())),
            )
        return next(one for one in self.of(event, flow_id) if one.component_id == component_id)

    def of(self, event: str, flow_id: str = "") -> list[EventTrigger]:
        """Return the subscriptions to an event, oldest first; of one flow where it is named."""
        rows = self._database.rows(
            "SELECT event_trigger.* FROM event_trigger JOIN flow USING (flow_id)"
            " WHERE event_trigger.user_id = ?1 AND event = ?2 AND ?3 IN ('', flow_id)"
            " ORDER BY created_ms, flow_id, component_id",
            (self._user_id, event, flow_id),
        )
        return [
            EventTrigger(
                event=row["event"],
                flow_id=row["flow_id"],
                component_id=row["component_id"],
                created_ms=row["created_ms"],
            )
            for row in rows
        ]

    def remove(self, component_id: str) -> None:
        """Delete every subscription of a component.

        Raises:
            NotFoundError: It has none.
        """
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM event_trigger WHERE user_id = ? AND component_id = ?",
                (self._user_id, component_id),
            )
            if not deleted.rowcount:
                raise NotFoundError("This component is subscribed to no event.")
