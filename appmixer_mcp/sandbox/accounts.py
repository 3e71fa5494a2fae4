"""Accounts of other services, and which component of which flow uses them."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """What somebody hands in to connect a service."""

    service: str
    """`vendor:service` or `vendor:service:module`."""
    name: str
    display_name: str | None = None
    profile: Mapping[str, Json] = field(default_factory=dict[str, Json])
    token: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Kept, and never shown again."""


class Account(TypedDict):
    """An account as the API shows it: nothing that would let anybody in."""

    accountId: str
    name: str
    displayName: str | None
    service: str
    label: str
    icon: str
    userId: str
    profileInfo: dict[str, Json]
    pre: dict[str, Json]
    revoked: bool
    valid: bool
    """The other dialect's word for not revoked."""


class UserAccounts:
    """The accounts of one user; nobody else's exist for it."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def every(self) -> list[Account]:
        """Return all accounts, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM account WHERE user_id = ? ORDER BY created_ms, rowid",
            (self._user_id,),
        )
        return [_shown(row) for row in rows]

    def one(self, account_id: str) -> Account:
        """Return one account.

        Raises:
            NotFoundError: This user has no such account.
        """
        row = self._database.row(
            "SELECT * FROM account WHERE account_id = ? AND user_id = ?",
            (account_id, self._user_id),
        )
        if row is None:
            raise NotFoundError("Account not found.")
        return _shown(row)

    def save(self, account: NewAccount) -> Account:
        """Store an account and return it; one of the same service and name is replaced.

        Source: seen in another client, not documented.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (user_id, service, name) DO UPDATE SET"
                " display_name = coalesce(excluded.display_name, display_name),"
                " profile_json = excluded.profile_json, secret_json = excluded.secret_json",
                (
                    secrets.token_hex(12), self._user_id, account.service, account.name,
                    account.display_name, dumps(account.profile), dumps(account.token),
                    to_ms(self._clock.now()),
                ),
            )  # fmt: skip
            row = connection.execute(
                "SELECT * FROM account WHERE user_id = ? AND service = ? AND name = ?",
                (self._user_id, account.service, account.name),
            ).fetchone()
        return _shown(row)

    def rename(self, account_id: str, display_name: str) -> None:
        """Give an account another display name.

        Raises:
            NotFoundError: This user has no such account.
        """
        with self._database.transaction() as connection:
            self.one(account_id)
            connection.execute(
                "UPDATE account SET display_name = ? WHERE account_id = ?",
                (display_name, account_id),
            )

    def delete(self, account_id: str) -> None:
        """Delete an account and unbind it everywhere.

        Raises:
            NotFoundError: This user has no such account.
        """
        with self._database.transaction() as connection:
            self.one(account_id)
            connection.execute("DELETE FROM account_binding WHERE account_id = ?", (account_id,))
            connection.execute("DELETE FROM account WHERE account_id = ?", (account_id,))

    def bind(self, component_id: str, account_id: str) -> None:
        """Have a component use an account.

        Raises:
            NotFoundError: This user has no such account, or no flow with such a component.
        """
        with self._database.transaction() as connection:
            self.one(account_id)
            self.require_component(component_id)
            connection.execute(
                "INSERT OR REPLACE INTO account_binding VALUES (?, ?, ?)",
                (self._user_id, component_id, account_id),
            )

    def copy_bindings(self, copies: Mapping[str, str]) -> None:
        """Have components use the accounts that others use.

        Args:
            copies: Component id -> id of the component of a saved flow that is like it.
        """
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO account_binding SELECT user_id, ?, account_id"
                " FROM account_binding WHERE user_id = ? AND component_id = ?",
                [(copy, self._user_id, component_id) for component_id, copy in copies.items()],
            )

    def unbind(self, component_id: str, account_id: str = "") -> None:
        """Have a component use no account (any more), or no longer this one.

        Raises:
            NotFoundError: This user has no flow with such a component.
        """
        with self._database.transaction() as connection:
            self.require_component(component_id)
            connection.execute(
                "DELETE FROM account_binding"
                " WHERE user_id = ? AND component_id = ? AND ? IN ('', account_id)",
                (self._user_id, component_id, account_id),
            )

    def bindings(self) -> dict[str, str]:
        """Return component id -> account id, for all components that have one."""
        rows = self._database.rows(
            "SELECT component_id, account_id FROM account_binding WHERE user_id = ?",
            (self._user_id,),
        )
        return {row["component_id"]: row["account_id"] for row in rows}

    def flows_using(self, connection: sqlite3.Connection, account_id: str) -> list[sqlite3.Row]:
        """Return (flow_id, name, stage) of the flows with a component that uses an account.

        For `Database.read`, as it looks into every flow.
        """
        return connection.execute(
            "SELECT flow_id, name, stage FROM flow WHERE user_id = ? AND EXISTS ("
            " SELECT 1 FROM json_each(descriptor_json) JOIN account_binding"
            " ON component_id = json_each.key AND account_binding.user_id = flow.user_id"
            " WHERE account_id = ?) ORDER BY name, flow_id",
            (self._user_id, account_id),
        ).fetchall()

    def usable_by(self, component_type: str) -> list[Account]:
        """Return the accounts of the service that a component type, or a service id, names."""
        services = services_of(component_type)
        return [account for account in self.every() if account["service"] in services]

    def require_component(self, component_id: str) -> None:
        """Make sure that one of the user's saved flows has a component.

        Raises:
            NotFoundError: None has.
        """
        found = self._database.row(
            "SELECT 1 FROM flow, json_each(descriptor_json) WHERE user_id = ? AND key = ?",
            (self._user_id, component_id),
        )
        if found is None:
            raise NotFoundError("Component not found in any of your flows")


def services_of(component_type: str) -> tuple[str, ...]:
    """Return the services whose accounts a component type can use, the likeliest first.

    Args:
        component_type: Also a service id, which is its own service.

    Returns:
        `vendor:service`, then `vendor:service:module`.
    """
    if ":" in component_type:
        return (component_type,)
    parts = component_type.split(".")
    return tuple(dict.fromkeys((":".join(parts[:2]), ":".join(parts[:3]))))


def _shown(row: sqlite3.Row) -> Account:
    return {
        "accountId": row["account_id"],
        "name": row["name"],
        "displayName": row["display_name"],
        "service": row["service"],
        "label": row["service"].split(":")[-1],
        "icon": "",
        "userId": row["user_id"],
        "profileInfo": json.loads(row["profile_json"]),
        "pre": {},
        "revoked": False,
        "valid": True,
    }
