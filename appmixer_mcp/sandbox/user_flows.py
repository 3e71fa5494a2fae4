"""The flows of one user as they are saved; running them is the engine's business."""

import json
import sqlite3
from collections.abc import Mapping
from uuid import uuid4

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps

EXTRA_FIELDS = (
    "description", "customFields", "thumbnail", "sharedWith", "type", "wizard", "svg", "categories",
    "notes", "componentIdMap", "revision",
)  # fmt: skip
"""What a flow body may hold beside name and descriptor; kept as it is, and given back."""
_HEAD = "flow_id, user_id, name, stage, extra_json, btime_ms, mtime_ms, started_ms, stopped_ms"


class UserFlows:
    """Reads and writes the flows of one user; nobody else's exist for it."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def every(
        self, connection: sqlite3.Connection, *, with_descriptors: bool
    ) -> list[dict[str, Json]]:
        """Return all flows as the API shows them, the latest change first. For `read`."""
        columns = f"{_HEAD}, descriptor_json" if with_descriptors else _HEAD
        rows = connection.execute(
            f"SELECT {columns} FROM flow"  # noqa: S608 - constants only
            " WHERE user_id = ? ORDER BY mtime_ms DESC, rowid DESC",
            (self._user_id,),
        )
        return [_shown(row) for row in rows]

    def one(self, flow_id: str) -> dict[str, Json]:
        """Return one flow as the API shows it.

        Raises:
            NotFoundError: This user has no such flow.
        """
        return _shown(self._row(flow_id))

    def create(
        self, name: str, descriptor: Mapping[str, Json], extra: Mapping[str, Json]
    ) -> dict[str, Json]:
        """Save a new flow, stopped, and return it."""
        flow_id = str(uuid4())
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO flow (flow_id, user_id, name, descriptor_json, stage, extra_json,"
                " btime_ms, mtime_ms) VALUES (?, ?, ?, ?, 'stopped', ?, ?, ?)",
                (flow_id, self._user_id, name, dumps(descriptor), dumps(extra), now_ms, now_ms),
            )
        return self.one(flow_id)

    def update(
        self,
        flow_id: str,
        *,
        name: str | None,
        descriptor: Mapping[str, Json] | None,
        extra: Mapping[str, Json],
    ) -> None:
        """Replace the parts of a flow that are given; the descriptor as a whole.

        Raises:
            NotFoundError: This user has no such flow.
        """
        with self._database.transaction() as connection:
            before = json.loads(self._row(flow_id)["extra_json"])
            connection.execute(
                "UPDATE flow SET name = coalesce(?, name),"
                " descriptor_json = coalesce(?, descriptor_json), extra_json = ?, mtime_ms = ?"
                " WHERE flow_id = ?",
                (
                    name,
                    None if descriptor is None else dumps(descriptor),
                    dumps({**before, **extra}),
                    to_ms(self._clock.now()),
                    flow_id,
                ),
            )

    def delete(self, flow_id: str) -> None:
        """Delete a flow, and what accounts its components were bound to.

        Raises:
            NotFoundError: This user has no such flow.
        """
        with self._database.transaction() as connection:
            component_ids = self.one(flow_id)["flow"]
            connection.execute("DELETE FROM flow WHERE flow_id = ?", (flow_id,))
            connection.executemany(
                "DELETE FROM account_binding WHERE user_id = ? AND component_id = ?",
                [(self._user_id, component_id) for component_id in component_ids],
            )

    def _row(self, flow_id: str) -> sqlite3.Row:
        row = self._database.row(
            "SELECT * FROM flow WHERE flow_id = ? AND user_id = ?", (flow_id, self._user_id)
        )
        if row is None:
            raise NotFoundError("Flow not found.")
        return row


def _shown(row: sqlite3.Row) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "flowId": row["flow_id"],
        "id": row["flow_id"],
        "userId": row["user_id"],
        "name": row["name"],
        "stage": row["stage"],
        "mode": "module",
        "btime": iso(row["btime_ms"]),
        "mtime": iso(row["mtime_ms"]),
        "sharedWith": [],
    }
    for name in ("started", "stopped"):
        if row[f"{name}_ms"] is not None:
            shown[name] = iso(row[f"{name}_ms"])
    columns = row.keys()
    if "descriptor_json" in columns:
        shown["flow"] = json.loads(row["descriptor_json"])
    return {**shown, **json.loads(row["extra_json"])}
