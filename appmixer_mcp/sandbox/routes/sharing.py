"""Whose flow the path names, and what the caller may do with it."""

import sqlite3
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from appmixer_mcp.errors import ForbiddenError, NotFoundError
from appmixer_mcp.sandbox.routes.endpoint import Call
from appmixer_mcp.sandbox.sharing import Kind, Permission, Share, grants
from appmixer_mcp.sandbox.user_flows import FlowShown, UserFlows, shown

MOST_SHARES = 1_000
"""Most entries of `sharedWith` (ours)."""
_Recipient = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254, pattern=r"^\S+$")
]


class SharedWith(BaseModel):
    """An entry of `sharedWith` as it is sent; exactly one of the first three is needed."""

    email: _Recipient | None = None
    domain: _Recipient | None = None
    scope: _Recipient | None = None
    permissions: Annotated[list[Permission], Field(max_length=10)]

    def share(self) -> Share:
        """Return the entry."""
        kind, recipient = self.recipients()[0]
        return Share(
            kind=kind,
            recipient=recipient.removeprefix("@") if kind == "domain" else recipient,
            permissions=tuple(dict.fromkeys(self.permissions)),
        )

    def recipients(self) -> list[tuple[Kind, str]]:
        """Return each recipient that is named."""
        named: dict[Kind, str | None] = {
            "email": self.email, "domain": self.domain, "scope": self.scope
        }  # fmt: skip
        return [(kind, recipient) for kind, recipient in named.items() if recipient is not None]


def _one_recipient(entry: SharedWith) -> SharedWith:
    if len(entry.recipients()) != 1:
        raise ValueError("name one of email, domain and scope")
    return entry


ShareEntry = Annotated[SharedWith, AfterValidator(_one_recipient)]
"""For fields of bodies."""


def user_flows(call: Call) -> UserFlows:
    """Return the flows of who calls."""
    return UserFlows(call.services.database, call.services.clock, call.user.user_id)


def owned_flow(call: Call) -> FlowShown:
    """Return the flow that the path names, descriptor and all, if it is the caller's own.

    Raises:
        NotFoundError: There is no such flow, or none that the caller may know of.
        ForbiddenError: It is shared with the caller, and only its owner may do this.
    """
    flow_id = call.path("flowId")
    own = user_flows(call)
    if not own.has(flow_id) and grants(_connection(call), call.user, flow_id=flow_id):
        raise ForbiddenError("The flow is shared with you; only its owner can do this.")
    return own.one(flow_id)


def permitted_flow(call: Call, *permissions: Permission) -> FlowShown:
    """Return the flow that the path names, if it is the caller's own or shared with them.

    Args:
        call: The call.
        permissions: Which of them the owner must have given; any one of them will do.

    Raises:
        NotFoundError: There is no such flow, or none that the caller may know of.
        ForbiddenError: It is shared with the caller, but not for this.
    """
    flow_id = call.path("flowId")
    own = user_flows(call)
    if own.has(flow_id):
        return own.one(flow_id)
    grant = grants(_connection(call), call.user, flow_id=flow_id).get(flow_id)
    row = call.services.database.row("SELECT * FROM flow WHERE flow_id = ?", (flow_id,))
    if grant is None or row is None:
        raise NotFoundError("Flow not found.")
    if not grant.permissions.intersection(permissions):
        wanted = " or ".join(permissions)
        raise ForbiddenError(f"The flow is shared with you without the permission to {wanted} it.")
    return shown(row, grant.shares)


def _connection(call: Call) -> sqlite3.Connection:
    return call.services.database.connection
