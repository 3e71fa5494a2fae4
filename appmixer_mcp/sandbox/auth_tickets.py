"""Sessions in which somebody connects an account with a browser.

A client asks for a ticket, then for the URL to open, and looks at the ticket until it is finished.
The sandbox has no other service to send the browser to: opening the URL connects a made-up account.
"""

import secrets
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import NotRequired
from uuid import uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.accounts import NewAccount, UserAccounts, services_of
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.database import Database

_VALID_MS = 3600 * 1000
_KEPT_MS = 24 * 3600 * 1000
_ACCOUNT_NAME = "Sandbox account"


class AuthStatus(TypedDict):
    """How far a session is."""

    accountId: str | None
    tokenId: str | None
    finished: bool
    updatedAt: str
    error: NotRequired[str]


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    ticket: str
    service: str
    error: str
    """Empty when an account was connected."""


class AuthTickets:
    """The sessions of a tenant."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, user_id: str) -> str:
        """Begin a session and return its ticket, `userId:uuid`; it is known for a day."""
        ticket, now_ms = f"{user_id}:{uuid4()}", to_ms(self._clock.now())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM auth_ticket WHERE updated_ms < ?", (now_ms - _KEPT_MS,))
            connection.execute(
                "INSERT INTO auth_ticket (ticket, user_id, updated_ms) VALUES (?, ?, ?)",
                (ticket, user_id, now_ms),
            )
        return ticket

    def open(self, user_id: str, ticket: str, component_type: str, component_id: str) -> str:
        """Return the secret that ends the session; one that was given before ends it no more.

        Args:
            user_id: Whose session it is.
            ticket: What `create` returned.
            component_type: What needs the account; also a service id.
            component_id: The component that will use the account; empty for none.

        Raises:
            NotFoundError: This user has no such session, or no flow with such a component.
        """
        state = secrets.token_urlsafe(24)
        with self._database.transaction() as connection:
            self._row(user_id, ticket)
            if component_id:
                accounts = UserAccounts(self._database, self._clock, user_id)
                accounts.require_component(component_id)
            connection.execute(
                "UPDATE auth_ticket SET component_type = ?, component_id = ?, state = ?,"
                " account_id = NULL, error = '', finished = 0, updated_ms = ? WHERE ticket = ?",
                (component_type, component_id, state, to_ms(self._clock.now()), ticket),
            )
        return state

    def status(self, user_id: str, ticket: str) -> AuthStatus:
        """Return how far a session is.

        Raises:
            NotFoundError: This user has no such session.
        """
        row = self._row(user_id, ticket)
        status: AuthStatus = {
            "accountId": row["account_id"],
            "tokenId": row["account_id"],
            "finished": bool(row["finished"]),
            "updatedAt": iso(row["updated_ms"]),
        }
        if row["error"]:
            status["error"] = row["error"]
        return status

    def finish(self, state: str, component_type: str, error: str) -> Outcome:
        """End a session: connect an account, unless there was an error.

        Args:
            state: What `open` returned, not more than an hour ago; it works once.
            component_type: As it was opened with.
            error: Why the person, or the service, refused; empty when they did not.

        Raises:
            NotFoundError: No session waits for this.
        """
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            row = self._database.row(
                "SELECT * FROM auth_ticket WHERE state = ? AND component_type = ?"
                " AND updated_ms > ?",
                (state, component_type, now_ms - _VALID_MS),
            )
            if row is None:
                raise NotFoundError("This link was used already, or is too old. Ask for a new one.")
            account_id = None if error else self._connect(row)
            connection.execute(
                "UPDATE auth_ticket SET state = NULL, account_id = ?, error = ?, finished = 1,"
                " updated_ms = ? WHERE ticket = ?",
                (account_id, error, now_ms, row["ticket"]),
            )
        return Outcome(row["ticket"], services_of(component_type)[0], error)

    def _connect(self, row: sqlite3.Row) -> str:
        accounts = UserAccounts(self._database, self._clock, row["user_id"])
        account = accounts.save(
            NewAccount(
                service=services_of(row["component_type"])[0],
                name=_ACCOUNT_NAME,
                profile={"name": _ACCOUNT_NAME},
            )
        )
        if row["component_id"]:
            with suppress(NotFoundError):  # its flow was deleted meanwhile
                accounts.bind(row["component_id"], account["accountId"])
        return account["accountId"]

    def _row(self, user_id: str, ticket: str) -> sqlite3.Row:
        row = self._database.row(
            "SELECT * FROM auth_ticket WHERE ticket = ? AND user_id = ?", (ticket, user_id)
        )
        if row is None:
            raise NotFoundError("There is no ticket with this id.")
        return row
