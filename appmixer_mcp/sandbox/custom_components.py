"""The components that users of the tenant have published: their descriptions, not their code.

The sandbox does not execute JavaScript, so of an archive it keeps the JSON files that describe
components. They are there for all users of the tenant; only who published a service can change it.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired
from uuid import uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.component_manifest import Kind, ManifestProblem
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps

OWN_SERVICE = "appmixer.utils"
"""The service whose components the sandbox itself brings."""
_MOST_OF_A_USER = 10_000_000
_TICKETS_KEPT_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Manifest:
    """What one file of an archive says."""

    kind: Kind
    body: Mapping[str, Json]

    @property
    def selector(self) -> str:
        """`vendor.service[.module[.Component]]`."""
        return str(self.body["name"])

    @property
    def service(self) -> str:
        """`vendor.service`."""
        return ".".join(self.selector.split(".")[:2])

    @property
    def path(self) -> str:
        """Where it stands in an archive that is made of it."""
        return f"{self.selector.replace('.', '/')}/{self.kind}.json"


class UploadStatus(TypedDict):
    """What has become of an archive."""

    finished: str
    err: NotRequired[str]
    data: NotRequired[list[ManifestProblem]]


class CustomComponents:
    """Reads and writes what is published in a tenant."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def publish(
        self,
        user_id: str,
        vendors: Sequence[str],
        manifests: Sequence[Manifest],
        *,
        replace_all: bool,
    ) -> None:
        """Store manifests, in place of those with their names.

        Args:
            user_id: Who publishes.
            vendors: The vendors they may publish for; empty means any (ours).
            manifests: All of them are stored, or none.
            replace_all: Whether everything else of the services they belong to is deleted.

        Raises:
            ForbiddenError: A vendor is not theirs, or a service is somebody else's.
            ConflictError: A name belongs to the sandbox itself.
            InputError: They publish too much.
        """
        services = sorted({manifest.service for manifest in manifests})
        with self._database.transaction() as connection:
            for service in services:
                self._require_right(user_id, vendors, service)
                if replace_all:
                    connection.execute(*_below("DELETE FROM custom_manifest", service))
            now_ms = to_ms(self._clock.now())
            connection.executemany(
                "INSERT OR REPLACE INTO custom_manifest VALUES (?, ?, ?, ?, ?)",
                [(one.selector, one.kind, user_id, dumps(one.body), now_ms) for one in manifests],
            )
            size = connection.execute(
                "SELECT sum(length(body_json)) FROM custom_manifest WHERE user_id = ?", (user_id,)
            ).fetchone()[0]
            # Whoever lists what there is reads it all.
            if (size or 0) > _MOST_OF_A_USER:
                raise InputError(
                    f"One user can publish descriptions of at most {_MOST_OF_A_USER:,} characters "
                    "in all. Delete what is not needed any more."
                )

    def of_publisher(self, user_id: str, selector: str) -> list[Manifest]:
        """Return what a selector names, ordered by selector; never empty.

        Raises:
            NotFoundError: Nothing of that name is published.
            ForbiddenError: Somebody else published it.
        """
        rows = self._database.rows(*_below("SELECT * FROM custom_manifest", selector))
        if not rows:
            raise NotFoundError(f"No component is named {selector!r}.")
        if any(row["user_id"] != user_id for row in rows):
            raise ForbiddenError(f"{selector} was published by another user.")
        return [_manifest(row) for row in rows]

    def remove(self, user_id: str, selector: str) -> None:
        """Delete what a selector names.

        Raises:
            NotFoundError: Nothing of that name is published.
            ForbiddenError: Somebody else published it.
        """
        with self._database.transaction() as connection:
            self.of_publisher(user_id, selector)
            connection.execute(*_below("DELETE FROM custom_manifest", selector))

    def keep_upload(self, user_id: str, problems: Iterable[ManifestProblem]) -> str:
        """Remember what has become of an archive; return the ticket that tells it for a day."""
        ticket, now_ms = str(uuid4()), to_ms(self._clock.now())
        data = list(problems)
        err = "The archive was not published: its files are not as they should be." if data else ""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM component_upload WHERE finished_ms < ?", (now_ms - _TICKETS_KEPT_MS,)
            )
            connection.execute(
                "INSERT INTO component_upload VALUES (?, ?, ?, ?, ?)",
                (ticket, user_id, err, dumps(data), now_ms),
            )
        return ticket

    def upload(self, user_id: str, ticket: str) -> UploadStatus:
        """Return what has become of an archive.

        Raises:
            NotFoundError: This user has no such ticket.
        """
        row = self._database.row(
            "SELECT * FROM component_upload WHERE ticket = ? AND user_id = ?", (ticket, user_id)
        )
        if row is None:
            raise NotFoundError("There is no upload with this ticket.")
        status: UploadStatus = {"finished": iso(row["finished_ms"])}
        if row["err"]:
            status["err"] = row["err"]
            status["data"] = json.loads(row["data_json"])
        return status

    def _require_right(self, user_id: str, vendors: Sequence[str], service: str) -> None:
        vendor = service.partition(".")[0]
        if vendors and vendor not in vendors:
            raise ForbiddenError(f"You may publish for {' and '.join(vendors)}, not for {vendor}.")
        if service == OWN_SERVICE:
            raise ConflictError(f"The names of {service} belong to the sandbox's own components.")
        rows = self._database.rows(*_below("SELECT user_id FROM custom_manifest", service))
        if any(row["user_id"] != user_id for row in rows):
            raise ForbiddenError(f"{service} was published by another user.")


def published(connection: sqlite3.Connection) -> list[Manifest]:
    """Return everything that is published, ordered by selector. For `Database.read`."""
    rows = connection.execute("SELECT * FROM custom_manifest ORDER BY selector, kind")
    return [_manifest(row) for row in rows]


def is_published(database: Database, component_type: str) -> bool:
    """Say whether somebody has published a component type."""
    found = database.row(
        "SELECT 1 FROM custom_manifest WHERE selector = ? AND kind = 'component'",
        (component_type,),
    )
    return found is not None


def _below(statement: str, selector: str) -> tuple[str, tuple[str, str, str]]:
    """Return a statement about what a selector names, with its values."""
    # "/" follows "." in ASCII, so that the range holds what begins with the selector and a dot.
    where = "WHERE selector = ? OR (selector > ? AND selector < ?)"
    return f"{statement} {where}", (selector, f"{selector}.", f"{selector}/")


def _manifest(row: sqlite3.Row) -> Manifest:
    return Manifest(row["kind"], json.loads(row["body_json"]))
