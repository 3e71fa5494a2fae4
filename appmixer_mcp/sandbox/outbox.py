"""The outbox: mails of flows and of the tenant itself, kept to be looked at and never sent."""

import json
import secrets
import sqlite3
from collections.abc import Sequence

from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database


class Outbox:
    """Writes and lists mails.

    Source: ours; a real tenant hands them to its mail service.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        user_id: str,
        *,
        to: Sequence[str],
        subject: str,
        text: str = "",
        html: str = "",
        sender: str = "",
        attachments: Sequence[str] = (),
        flow_id: str = "",
        component_id: str = "",
    ) -> None:
        """Keep a mail; attachments are file ids."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    secrets.token_hex(12), user_id, sender, json.dumps(list(to)), subject, text,
                    html, json.dumps(list(attachments)), flow_id, component_id,
                    to_ms(self._clock.now()),
                ),
            )  # fmt: skip


def mails(connection: sqlite3.Connection, user_id: str) -> list[dict[str, Json]]:
    """Return the mails of a user, newest first; empty when there is none. For `Database.read`."""
    rows = connection.execute(
        "SELECT * FROM outbox WHERE user_id = ? ORDER BY created_ms DESC, rowid DESC", (user_id,)
    )
    return [
        {
            "mailId": row["mail_id"],
            "to": json.loads(row["to_json"]),
            "from": row["sender"],
            "subject": row["subject"],
            "text": row["text"],
            "html": row["html"],
            "attachments": json.loads(row["attachments_json"]),
            "flowId": row["flow_id"],
            "componentId": row["component_id"],
            "created": iso(row["created_ms"]),
        }
        for row in rows
    ]
