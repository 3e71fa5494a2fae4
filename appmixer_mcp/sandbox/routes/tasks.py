"""People tasks, at the path of the documents and at that of the newer plugin."""

import hmac
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from appmixer_mcp.errors import ForbiddenError, InputError, NotFoundError, NotSignedInError
from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import Listing, listing
from appmixer_mcp.sandbox.routes.endpoint import Auth, Call, Endpoint, Method
from appmixer_mcp.sandbox.tasks import Decision, UserTasks, person_secret

_MOUNTS = ("/people-task", "/plugins/appmixer/utils/tasks")
_YEARS = range(1970, 9000)

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
_Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")
]


class _Task(BaseModel):
    title: _Title
    description: str = ""
    requester: _Email
    approver: _Email
    decisionBy: datetime | None = None  # noqa: N815 - the API's name


class _Change(BaseModel):
    title: _Title | None = None
    description: str | None = None
    requester: _Email | None = None
    approver: _Email | None = None
    decisionBy: datetime | None = None  # noqa: N815 - the API's name
    secret: str = ""


class _Secret(BaseModel):
    secret: str = ""


async def list_tasks(call: Call) -> Json:
    """List one person's tasks, newest first; descriptions stay the Markdown that they are."""
    asked = listing(call.query, default_sort="created:-1")
    return asked.page(_selected(call, asked))


async def count_tasks(call: Call) -> Json:
    """Count one person's tasks."""
    return {"count": len(_selected(call, listing(call.query)))}


async def create_task(call: Call) -> Json:
    """Make a task; only this answer carries the secrets of both persons."""
    body = await call.body(_Task)
    made_by = UserTasks(
        call.services.database, call.services.clock, call.user.user_id, "", _key(call)
    )
    return made_by.create(
        title=body.title,
        description=body.description,
        requester=body.requester,
        approver=body.approver,
        decision_by=_aware(body.decisionBy),
    )


async def show_task(call: Call) -> Json:
    """Show one task to its approver, its requester and the user whose flow asked."""
    task = _visible(call, call.query.get("secret", ""))
    return listing(call.query).project(tasks.shown(task, viewer=_email(call)))


async def change_task(call: Call) -> Json:
    """Replace the parts of a task that its approver sends; a due one with time again is pending."""
    body = await call.body(_Change)
    secret = body.secret or call.query.get("secret", "")
    decision_by = _aware(body.decisionBy)
    now = call.services.clock.now()
    columns = {
        "title": body.title,
        "description": body.description,
        "requester": body.requester and body.requester.lower(),
        "approver": body.approver and body.approver.lower(),
        "decision_by_ms": decision_by and to_ms(decision_by),
        "mtime_ms": to_ms(now),
    }
    given = {name: value for name, value in columns.items() if value is not None}
    with call.services.database.transaction() as connection:
        task = _visible(call, secret)
        if not _acts_as(call, task["approver"], secret):
            raise ForbiddenError("Only the approver of this task can change it.")
        if task["status"] == "due" and decision_by is not None and decision_by > now:
            given["status"] = "pending"
        names = ", ".join(f"{name} = ?" for name in given)
        connection.execute(
            f"UPDATE task SET {names} WHERE task_id = ?",  # noqa: S608 - names from above
            (*given.values(), task["task_id"]),
        )
        return tasks.shown(tasks.find(call.services.database, task["task_id"]), viewer=_email(call))


async def approve_task(call: Call) -> Json:
    """Say yes, and tell the flow that waits for it."""
    return await _decide(call, "approved")


async def reject_task(call: Call) -> Json:
    """Say no, and tell the flow that waits for it."""
    return await _decide(call, "rejected")


async def show_plugin(_: Call) -> Json:
    """Name the plugin's version."""
    return {"version": "1.0.0"}


async def show_dashboard(_: Call) -> Json:
    """Refuse: the sandbox sends no mails, and so has no page they could lead to."""
    raise InputError("The dashboard URL is not configured.")


async def _decide(call: Call, decision: Decision) -> Json:
    secret = (await call.body(_Secret)).secret or call.query.get("secret", "")
    services = call.services
    with services.database.transaction():
        task = _visible(call, secret)
        decided = tasks.decide(
            services.database,
            services.clock,
            task["task_id"],
            decision,
            allowed=_acts_as(call, task["approver"], secret),
        )
        services.engine.publish(f"task:{task['task_id']}", decided)
    return decided | {"isApprover": True}


def _selected(call: Call, asked: Listing) -> list[dict[str, Json]]:
    email = _person(call)
    role = call.query.get("role", "")
    if role not in ("", "approver", "requester"):
        raise InputError("role must be approver or requester.")
    rows = call.services.database.rows(
        "SELECT * FROM task WHERE (approver = ? AND ? <> 'requester')"
        " OR (requester = ? AND ? <> 'approver')",
        (email, role, email, role),
    )
    return asked.select((tasks.shown(row, viewer=email) for row in rows), pattern_in=("title",))


def _person(call: Call) -> str:
    """Return whose tasks are listed: the secret's owner, else the signed-in user."""
    secret = call.query.get("secret", "")
    if not secret:
        return call.user.email
    rows = call.services.database.rows("SELECT approver FROM task UNION SELECT requester FROM task")
    for row in rows:
        if _is_secret_of(call, row["approver"], secret):
            return str(row["approver"])
    raise ForbiddenError("This secret belongs to nobody.")


def _visible(call: Call, secret: str) -> sqlite3.Row:
    """Return the task of the path, if the caller may see it.

    A stranger is told the same as about a task that is not there; a wrong secret is forbidden.
    """
    if call.visitor is None and not secret:
        raise NotSignedInError("Send an access token, or the secret of the approver.")
    task = tasks.find(call.services.database, call.path("taskId"))
    is_owner = call.visitor is not None and call.visitor.user_id == task["user_id"]
    if is_owner or any(_acts_as(call, task[role], secret) for role in ("approver", "requester")):
        return task
    if secret:
        raise ForbiddenError("This secret is not one of this task's.")
    raise NotFoundError("Task not found.")


def _acts_as(call: Call, email: str, secret: str) -> bool:
    """Say whether the caller is this person, by token or by secret."""
    by_token = call.visitor is not None and call.visitor.email == email
    return by_token or (bool(secret) and _is_secret_of(call, email, secret))


def _is_secret_of(call: Call, email: str, secret: str) -> bool:
    return hmac.compare_digest(person_secret(_key(call), email).encode(), secret.encode())


def _key(call: Call) -> bytes:
    return call.services.config.jwt_key.get_secret_value().encode()


def _email(call: Call) -> str:
    return call.visitor.email if call.visitor else ""


def _aware(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    if instant.year not in _YEARS:
        raise InputError(f"decisionBy must lie between {_YEARS[0]} and {_YEARS[-1]}.")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_ROUTES: tuple[tuple[Method, str, Callable[[Call], Awaitable[Json]], Auth], ...] = (
    ("GET", "/tasks", list_tasks, "optional"),
    ("POST", "/tasks", create_task, "required"),
    ("GET", "/tasks-count", count_tasks, "optional"),
    ("GET", "/tasks/{taskId}", show_task, "optional"),
    ("PUT", "/tasks/{taskId}", change_task, "optional"),
    ("PUT", "/tasks/{taskId}/approve", approve_task, "optional"),
    ("PUT", "/tasks/{taskId}/reject", reject_task, "optional"),
)
ENDPOINTS = (
    *(
        Endpoint(method, mount + path, handler, auth)
        for mount in _MOUNTS
        for method, path, handler, auth in _ROUTES
    ),
    Endpoint("GET", "/plugins/appmixer/utils/tasks/", show_plugin, auth="none"),
    Endpoint("GET", "/plugins/appmixer/utils/tasks/dashboard-url", show_dashboard),
)
