"""The users of the tenant, for its administrators."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any

import anyio
from pydantic import BaseModel, Field, StringConstraints

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jobs import Jobs, JobStatus, Ticket
from appmixer_mcp.sandbox.listing import Listing, listing
from appmixer_mcp.sandbox.routes.endpoint import (
    PAGE,
    SELECTION,
    Call,
    Count,
    Endpoint,
    Parameter,
)
from appmixer_mcp.sandbox.user_removal import remove_user
from appmixer_mcp.sandbox.users import UserChange, UserShown

_PATTERN_IN = ("username", "email", "id")
_Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]
_Words = Annotated[list[_Word], Field(max_length=50)]


class _Changes(BaseModel):
    scope: _Words | None = None
    vendor: _Word | _Words | None = None
    metadata: dict[str, Any] | None = None
    email: str | None = None
    username: str | None = None
    password: str | None = None

    def change(self) -> UserChange:
        """Return what changes."""
        vendor = [self.vendor] if isinstance(self.vendor, str) else self.vendor
        return UserChange(
            username=self.username,
            email=self.email,
            password=self.password,
            scope=None if self.scope is None else tuple(dict.fromkeys(self.scope)),
            vendor=None if vendor is None else tuple(vendor),
            metadata=self.metadata,
        )


async def list_users(call: Call) -> list[dict[str, Json]]:
    """List the users, oldest first."""
    asked = listing(call.query, identity="id")
    selected = _selected(call, asked)
    return await call.services.database.read(lambda connection: asked.page(selected(connection)))


async def count_users(call: Call) -> Count:
    """Count the users."""
    selected = _selected(call, listing(call.query))
    return {"count": len(await call.services.database.read(selected))}


async def get_user_by_id(call: Call) -> UserShown:
    """Show one user."""
    return call.services.users.one(call.path("userId")).shown()


async def update_user(call: Call) -> UserShown:
    """Change a user: scopes, vendors, names, password, metadata."""
    body = await call.body(_Changes)
    return (await call.services.users.change(call.path("userId"), body.change())).shown()


async def delete_user(call: Call) -> Ticket:
    """Delete a user with everything of theirs; it is done when the ticket is given out."""
    services, user_id = call.services, call.path("userId")
    services.users.one(user_id)
    with anyio.CancelScope(shield=True):  # a caller who leaves must not leave it half done
        await remove_user(services.database, services.engine, services.clock, user_id)
    return {"ticket": _jobs(call).done(user_id, steps=1)}


async def get_user_delete_status(call: Call) -> JobStatus:
    """Show how far the deletion of a user is: done."""
    return _jobs(call).status(call.path("ticket"), call.path("userId"))


def _selected(call: Call, asked: Listing) -> Callable[[sqlite3.Connection], list[UserShown]]:
    def selected(connection: sqlite3.Connection) -> list[UserShown]:
        users = (user.shown() for user in call.services.users.every(connection))
        return asked.select(users, pattern_in=_PATTERN_IN)

    return selected


def _jobs(call: Call) -> Jobs:
    return Jobs(call.services.database, call.services.clock, call.user.user_id)


ENDPOINTS = (
    Endpoint(
        "GET", "/users", list_users, admin=True,
        query=(*PAGE, *SELECTION, Parameter(name="sort", repeated=True)), answer=list[UserShown],
    ),
    Endpoint("GET", "/users/count", count_users, admin=True, query=SELECTION, answer=Count),
    Endpoint("GET", "/users/{userId}", get_user_by_id, admin=True, answer=UserShown),
    Endpoint(
        "PUT", "/users/{userId}", update_user, admin=True,
        body=_Changes, answer=UserShown, statuses=(409,),
    ),
    Endpoint("DELETE", "/users/{userId}", delete_user, admin=True, answer=Ticket),
    Endpoint(
        "GET", "/users/{userId}/delete-status/{ticket}", get_user_delete_status,
        admin=True, answer=JobStatus,
    ),
)  # fmt: skip
