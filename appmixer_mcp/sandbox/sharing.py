"""Flows that their owners let others see, start or stop.

Source: documented; that without `read` only the flow's head is seen is ours. E-mail addresses are
not verified: whoever signs up with one gets what is shared with it.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired, cast, get_args

from typing_extensions import TypedDict

from appmixer_mcp.sandbox.users import User

Permission = Literal["read", "start", "stop"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
"""What can be shared."""
Kind = Literal["email", "domain", "scope"]


class ShareShown(TypedDict):
    """An entry of `sharedWith`; one of the first three is there."""

    email: NotRequired[str]
    domain: NotRequired[str]
    scope: NotRequired[str]
    permissions: list[Permission]


@dataclass(frozen=True, kw_only=True)
class Share:
    """Whom a flow is shared with, and what they may do."""

    kind: Kind
    recipient: str
    """An e-mail address, what stands behind its @, or a scope that a user has."""
    permissions: tuple[Permission, ...]

    def shown(self) -> ShareShown:
        """Return the entry as the API does."""
        shown: dict[str, str | list[Permission]] = {
            self.kind: self.recipient,
            "permissions": list(self.permissions),
        }
        return cast("ShareShown", shown)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one user may do with somebody else's flow."""

    shares: tuple[Share, ...]
    """The entries that are about this user."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that any of the entries permits."""
        return frozenset(one for share in self.shares for one in share.permissions)


def save_shares(connection: sqlite3.Connection, flow_id: str, shares: Sequence[Share]) -> None:
    """Share a flow with these and nobody else, in the caller's transaction."""
    connection.execute("DELETE FROM flow_share WHERE flow_id = ?", (flow_id,))
    connection.executemany(
        "INSERT INTO flow_share VALUES (?, ?, ?, ?, ?)",
        [
            (flow_id, position, share.kind, share.recipient, json.dumps(share.permissions))
            for position, share in enumerate(shares)
        ],
    )


def shares_of_user(connection: sqlite3.Connection, user_id: str) -> dict[str, list[Share]]:
    """Return flow id -> whom it is shared with, of every flow of a user that is shared."""
    found: dict[str, list[Share]] = {}
    for row in connection.execute(
        "SELECT flow_share.* FROM flow JOIN flow_share USING (flow_id) WHERE user_id = ?"
        " ORDER BY flow_id, position",
        (user_id,),
    ):
        found.setdefault(row["flow_id"], []).append(_share(row))
    return found


def shares_of_flow(connection: sqlite3.Connection, flow_id: str) -> list[Share]:
    """Return whom a flow is shared with; empty when with nobody."""
    rows = connection.execute(
        "SELECT * FROM flow_share WHERE flow_id = ? ORDER BY position", (flow_id,)
    )
    return [_share(row) for row in rows]


def grants(
    connection: sqlite3.Connection, user: User, *, flow_id: str | None = None
) -> Mapping[str, Grant]:
    """Return flow id -> what somebody else lets a user do with it; their own flows are not in it.

    Args:
        connection: Of the database.
        user: Whom flows are shared with.
        flow_id: Only this flow.
    """
    who: list[tuple[str, str]] = [("email", user.email), *(("scope", one) for one in user.scope)]
    _, at, domain = user.email.rpartition("@")
    if at:
        who.append(("domain", domain))
    # Question marks only; a row value in a list of values would not use the index.
    is_about = " OR ".join(["(kind = ? AND recipient = ?)"] * len(who))
    rows = connection.execute(
        "SELECT flow_share.* FROM flow_share JOIN flow USING (flow_id)"  # noqa: S608 - see above
        f" WHERE ({is_about}) AND flow.user_id <> ?"
        " AND (? IS NULL OR flow_id = ?) ORDER BY flow_id, position",
        (*(value for pair in who for value in pair), user.user_id, flow_id, flow_id),
    )
    found: dict[str, list[Share]] = {}
    for row in rows:
        found.setdefault(row["flow_id"], []).append(_share(row))
    return {flow_id: Grant(shares=tuple(shares)) for flow_id, shares in found.items()}


def readable_flow_ids(connection: sqlite3.Connection, user: User) -> tuple[str, ...]:
    """Return the flows of others that a user may read, and so their logs and failed messages."""
    return tuple(
        flow_id
        for flow_id, grant in grants(connection, user).items()
        if "read" in grant.permissions
    )


def _share(row: sqlite3.Row) -> Share:
    return Share(
        kind=row["kind"],
        recipient=row["recipient"],
        permissions=tuple(json.loads(row["permissions_json"])),
    )
