"""The flows of one user as they are saved; running them is the engine's business."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Required, cast
from uuid import uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.flow_versions import FlowVersions
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.sharing import (
    Grant,
    Share,
    ShareShown,
    save_shares,
    shares_of_flow,
    shares_of_user,
)

EXTRA_FIELDS = (
    "description", "customFields", "thumbnail", "type", "wizard", "svg", "categories", "notes",
    "componentIdMap", "revision",
)  # fmt: skip
"""What a flow body may hold beside name, descriptor and `sharedWith`; kept, and given back."""
NAME_MAX = 1_000
"""Most characters of a flow's name (ours)."""
_HEAD = "flow_id, user_id, name, stage, extra_json, btime_ms, mtime_ms, started_ms, stopped_ms"

Stage = Literal["running", "stopped"]
FlowType = Literal[
    "automation", "integration-draft", "integration-template", "integration-instance"
]


class _FlowParts(TypedDict, total=False):
    started: str
    stopped: str
    description: str
    customFields: dict[str, Json]
    thumbnail: str
    type: FlowType
    wizard: dict[str, Json]
    svg: str
    categories: list[str]
    notes: Json
    componentIdMap: dict[str, str]
    revision: Json
    originFlowId: str
    templateId: str


class FlowShown(_FlowParts):
    """A whole flow as the API shows it."""

    flowId: str
    id: str
    userId: str
    name: str
    stage: Stage
    mode: str
    btime: str
    mtime: str
    sharedWith: list[ShareShown]
    flow: dict[str, Json]


class FlowListed(_FlowParts, total=False):
    """A flow as far as it was asked for, and may be seen."""

    flowId: Required[str]
    id: str
    userId: str
    name: str
    stage: Stage
    mode: str
    btime: str
    mtime: str
    sharedWith: list[ShareShown]
    flow: dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class FlowChange:
    """The parts of a flow that are replaced; None leaves a part as it is."""

    name: str | None = None
    descriptor: Mapping[str, Json] | None = None
    """Replaced as a whole."""
    extra: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Replaced field by field; a field that is None goes (ours)."""
    shares: Sequence[Share] | None = None


class UserFlows:
    """Reads and writes the flows of one user; nobody else's exist for it."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def every(
        self,
        connection: sqlite3.Connection,
        *,
        with_descriptors: bool,
        shared: Mapping[str, Grant] | None = None,
    ) -> list[FlowListed]:
        """Return all flows as the API shows them, the latest change first. For `read`.

        Args:
            connection: To read with.
            with_descriptors: Whether their descriptors are read too, which are large.
            shared: Flows of others that belong into the list.
        """
        columns = f"{_HEAD}, descriptor_json" if with_descriptors else _HEAD
        rows = connection.execute(
            f"SELECT {columns} FROM flow"  # noqa: S608 - constants only
            " WHERE user_id = ? OR flow_id IN (SELECT value FROM json_each(?))"
            " ORDER BY mtime_ms DESC, flow.rowid DESC",
            (self._user_id, json.dumps(list(shared or ()))),
        )
        shares = shares_of_user(connection, self._user_id)
        grants = shared or {}
        listed: list[FlowListed] = []
        for row in rows:
            grant = grants.get(row["flow_id"])
            if grant is None:
                listed.append(_listed(row, shares.get(row["flow_id"], ())))
            elif "read" in grant.permissions:
                listed.append(_listed(row, grant.shares))
            else:
                listed.append(_head(row, grant.shares))
        return listed

    def one(self, flow_id: str) -> FlowShown:
        """Return one flow as the API shows it.

        Raises:
            NotFoundError: This user has no such flow.
        """
        return shown(self._row(flow_id), shares_of_flow(self._database.connection, flow_id))

    def has(self, flow_id: str) -> bool:
        """Say whether this user has such a flow."""
        statement = "SELECT 1 FROM flow WHERE flow_id = ? AND user_id = ?"
        return self._database.row(statement, (flow_id, self._user_id)) is not None

    def create(
        self,
        name: str,
        descriptor: Mapping[str, Json],
        extra: Mapping[str, Json],
        *,
        shares: Sequence[Share] = (),
        flow_id: str = "",
    ) -> FlowShown:
        """Save a new flow, stopped, and return it.

        Args:
            name: Its name.
            descriptor: Its components.
            extra: Those of `EXTRA_FIELDS`, and where it comes from; what is None is left out.
            shares: Whom it is shared with.
            flow_id: A chosen id; empty makes one.

        Raises:
            ConflictError: There is a flow with the chosen id.
        """
        flow_id = flow_id or str(uuid4())
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            if self._database.row("SELECT 1 FROM flow WHERE flow_id = ?", (flow_id,)):
                raise ConflictError("There is a flow with this id already.")
            connection.execute(
                "INSERT INTO flow (flow_id, user_id, name, descriptor_json, stage, extra_json,"
                " btime_ms, mtime_ms) VALUES (?, ?, ?, ?, 'stopped', ?, ?, ?)",
                (
                    flow_id, self._user_id, name, dumps(descriptor), dumps(_present(extra)),
                    now_ms, now_ms,
                ),
            )  # fmt: skip
            save_shares(connection, flow_id, shares)
            return self.one(flow_id)

    def update(self, flow_id: str, change: FlowChange) -> None:
        """Replace parts of a flow; a descriptor that changes is kept as a version before.

        Raises:
            NotFoundError: This user has no such flow.
        """
        with self._database.transaction() as connection:
            row = self._row(flow_id)
            text = None if change.descriptor is None else dumps(change.descriptor)
            if text not in (None, row["descriptor_json"]):
                FlowVersions(self._database, self._clock, flow_id).keep_before_change()
            extra = {**json.loads(row["extra_json"]), **change.extra}
            connection.execute(
                "UPDATE flow SET name = coalesce(?, name),"
                " descriptor_json = coalesce(?, descriptor_json), extra_json = ?, mtime_ms = ?"
                " WHERE flow_id = ?",
                (
                    change.name, text, dumps(_present(extra)), to_ms(self._clock.now()), flow_id,
                ),
            )  # fmt: skip
            if change.shares is not None:
                save_shares(connection, flow_id, change.shares)

    def delete(self, flow_id: str) -> None:
        """Delete a flow with its versions, and what accounts its components were bound to.

        People tasks that it made stay: they are a matter between persons (ours).

        Raises:
            NotFoundError: This user has no such flow.
        """
        with self._database.transaction() as connection:
            component_ids = json.loads(self._row(flow_id)["descriptor_json"])
            for statement in (
                "DELETE FROM flow WHERE flow_id = ?",
                "DELETE FROM flow_share WHERE flow_id = ?",
                "DELETE FROM flow_version WHERE flow_id = ?",
            ):
                connection.execute(statement, (flow_id,))
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


def shown(row: sqlite3.Row, shared_with: Sequence[Share]) -> FlowShown:
    """Return a whole row of the table `flow` as the API shows it.

    Args:
        row: The flow.
        shared_with: Of `sharedWith`, what the one who looks may know.
    """
    return cast("FlowShown", _listed(row, shared_with))


def add_descriptors(connection: sqlite3.Connection, listed: Iterable[dict[str, Json]]) -> None:
    """Add their descriptors to flows that are listed without; for `read`."""
    for one in listed:
        row = connection.execute(
            "SELECT descriptor_json FROM flow WHERE flow_id = ?", (one["flowId"],)
        ).fetchone()
        if row is not None:  # else it was deleted meanwhile
            one["flow"] = json.loads(row["descriptor_json"])


def _listed(row: sqlite3.Row, shared_with: Sequence[Share]) -> FlowListed:
    extra: dict[str, Json] = json.loads(row["extra_json"])
    listed: dict[str, Json] = {**_head(row, shared_with), "type": "automation", **extra}
    if "descriptor_json" in row.keys():  # noqa: SIM118 - a row's own `in` looks at its values
        listed["flow"] = json.loads(row["descriptor_json"])
    return cast("FlowListed", listed)


def _head(row: sqlite3.Row, shared_with: Sequence[Share]) -> FlowListed:
    head: FlowListed = {
        "flowId": row["flow_id"],
        "id": row["flow_id"],
        "userId": row["user_id"],
        "name": row["name"],
        "stage": row["stage"],
        "mode": "module",
        "btime": iso(row["btime_ms"]),
        "mtime": iso(row["mtime_ms"]),
        "sharedWith": [share.shown() for share in shared_with],
    }
    if row["started_ms"] is not None:
        head["started"] = iso(row["started_ms"])
    if row["stopped_ms"] is not None:
        head["stopped"] = iso(row["stopped_ms"])
    return head


def _present(extra: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in extra.items() if value is not None}
