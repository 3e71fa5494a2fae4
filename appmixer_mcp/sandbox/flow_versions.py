"""What flows were: versions that somebody kept, and those kept before each change.

Source: the list and its fields are documented; how many are kept, and that every change of the
descriptor is preceded by a version of the type `autosave`, are ours.
"""

import json
import secrets
import sqlite3
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database

MOST_OF_A_TYPE = 50
"""Most versions of each type that are kept of one flow; then the oldest goes."""
VersionType = Literal["manual", "autosave"]


class VersionShown(TypedDict):
    """A version as the API shows it."""

    versionId: str
    versionNumber: int
    type: VersionType
    label: NotRequired[str]
    btime: str


class VersionList(TypedDict):
    """A page of versions."""

    items: list[VersionShown]
    totalCount: int


class FlowVersions:
    """The versions of one flow; whose it is has been looked at already."""

    def __init__(self, database: Database, clock: Clock, flow_id: str) -> None:
        self._database = database
        self._clock = clock
        self._flow_id = flow_id

    def page(self, limit: int, offset: int) -> VersionList:
        """Return versions, the newest first."""
        rows = self._database.rows(
            "SELECT * FROM flow_version WHERE flow_id = ? ORDER BY number DESC LIMIT ? OFFSET ?",
            (self._flow_id, limit, offset),
        )
        count = self._database.row(
            "SELECT count(*) AS found FROM flow_version WHERE flow_id = ?", (self._flow_id,)
        )
        return {
            "items": [_shown(row) for row in rows],
            "totalCount": 0 if count is None else count["found"],
        }

    def descriptor(self, version_id: str) -> dict[str, Json]:
        """Return the descriptor that a version has kept.

        Raises:
            NotFoundError: The flow has no such version.
        """
        found: dict[str, Json] = json.loads(self._row(version_id)["descriptor_json"])
        return found

    def keep(self, version_type: VersionType, label: str = "") -> VersionShown:
        """Keep the flow's present descriptor as a version and return it."""
        version_id = secrets.token_hex(12)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO flow_version SELECT ?1, flow_id,"
                " (SELECT coalesce(max(number), 0) + 1 FROM flow_version WHERE flow_id = ?2),"
                " ?3, ?4, descriptor_json, ?5 FROM flow WHERE flow_id = ?2",
                (version_id, self._flow_id, version_type, label, to_ms(self._clock.now())),
            )
            connection.execute(
                "DELETE FROM flow_version WHERE version_id IN ("
                " SELECT version_id FROM flow_version WHERE flow_id = ? AND type = ?"
                " ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (self._flow_id, version_type, MOST_OF_A_TYPE),
            )
            return _shown(self._row(version_id))

    def keep_before_change(self) -> None:
        """Keep the present descriptor, unless the newest version has just that one."""
        newest_is_equal = self._database.row(
            "SELECT 1 FROM flow_version JOIN flow USING (flow_id, descriptor_json)"
            " WHERE flow_id = ?1"
            " AND number = (SELECT max(number) FROM flow_version WHERE flow_id = ?1)",
            (self._flow_id,),
        )
        if newest_is_equal is None:
            self.keep("autosave")

    def _row(self, version_id: str) -> sqlite3.Row:
        row = self._database.row(
            "SELECT * FROM flow_version WHERE version_id = ? AND flow_id = ?",
            (version_id, self._flow_id),
        )
        if row is None:
            raise NotFoundError("Version not found.")
        return row


def _shown(row: sqlite3.Row) -> VersionShown:
    shown: VersionShown = {
        "versionId": row["version_id"],
        "versionNumber": row["number"],
        "type": row["type"],
        "btime": iso(row["created_ms"]),
    }
    if row["label"]:
        shown["label"] = row["label"]
    return shown
