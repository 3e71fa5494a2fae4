"""People tasks, at the path of the documents and at that of the newer plugin."""

import hmac
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, StringConstraints, WithJsonSchema
from typing_extensions import TypedDict

from appmixer_mcp.errors import ForbiddenError, InputError, NotFoundError, NotSignedInError
from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.listing import Listing, listing
from appmixer_mcp.sandbox.markdown import rendered
from appmixer_mcp.sandbox.routes.endpoint import LISTING, Call, Count, Empty, Endpoint, Parameter
from appmixer_mcp.sandbox.task_webhooks import TaskWebhook
from appmixer_mcp.sandbox.tasks import Decision, NewTask, Task, UserTasks, person_secret

_MOUNTS = ("/people-task", "/plugins/appmixer/utils/tasks")
_YEARS = range(1970, 9000)

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
_Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")
]


class _TaskWanted(BaseModel):
    title: _Title
    description: str = ""
    requester: _Email
    approver: _Email
    decisionBy: datetime | None = None  # noqa: N815 - the API's name


class _TaskChange(BaseModel):
    title: _Title | None = None
    description: str | None = None
    requester: _Email | None = None
    approver: _Email | None = None
    decisionBy: datetime | None = None  # noqa: N815 - the API's name
    secret: str = ""


class _Secret(BaseModel):
    secret: str = ""


def _checked_url(url: str) -> str:
    parts = urlsplit(url)  # what is no URL at all is a ValueError
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    return url


class _Webhook(BaseModel):
    url: Annotated[
        str,
        StringConstraints(max_length=2_000),
        AfterValidator(_checked_url),
        WithJsonSchema({"type": "string", "format": "uri", "maxLength": 2_000}),
    ]
    taskId: str  # noqa: N815 - the API's name


class Plugin(TypedDict):
    """Which version of the plugin answers."""

    version: str


class Dashboard(TypedDict):
    """Where people decide on their tasks."""

    dashboardUrl: str


async def list_tasks(call: Call) -> Json:
    """List one person's tasks, newest first, with their descriptions as HTML."""
    asked = listing(call.query, identity="taskId", default_sort="created:-1")
    selected = await _selected(call, asked)
    return await call.services.database.read(
        lambda connection: _with_html(asked.page(selected(connection)))
    )


async def count_tasks(call: Call) -> Json:
    """Count one person's tasks."""
    selected = await _selected(call, listing(call.query))
    found: Count = {"count": len(await call.services.database.read(selected))}
    return found


async def create_task(call: Call) -> Json:
    """Make a task; only this answer carries the secrets of both persons."""
    body = await call.body(_TaskWanted)
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
    secret = call.query.get("secret", "")
    task = _visible(call, call.path("taskId"), secret)
    return listing(call.query, identity="taskId").project(
        tasks.shown(task, viewer=_viewer(call, task, secret))
    )


async def change_task(call: Call) -> Json:
    """Replace the parts of a task that its approver sends; a due one with time again is pending."""
    body = await call.body(_TaskChange)
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
        task = _visible(call, call.path("taskId"), secret)
        if not _acts_as(call, task["approver"], secret):
            raise ForbiddenError("Only the approver of this task can change it.")
        if task["status"] == "due" and decision_by is not None and decision_by > now:
            given["status"] = "pending"
        names = ", ".join(f"{name} = ?" for name in given)
        connection.execute(
            f"UPDATE task SET {names} WHERE task_id = ?",  # noqa: S608 - names from above
            (*given.values(), task["task_id"]),
        )
        changed = tasks.find(call.services.database, task["task_id"])
        return tasks.shown(changed, viewer=_viewer(call, changed, secret))


async def approve_task(call: Call) -> Json:
    """Say yes, and tell the flow that waits for it."""
    return await _decide(call, "approved")


async def reject_task(call: Call) -> Json:
    """Say no, and tell the flow that waits for it."""
    return await _decide(call, "rejected")


async def show_plugin(_: Call) -> Json:
    """Name the plugin's version."""
    plugin: Plugin = {"version": "1.0.0"}
    return plugin


async def show_dashboard(call: Call) -> Json:
    """Tell where people decide on their tasks, if the tenant has such a page."""
    url = call.services.config.dashboard_url
    if not url:
        raise InputError("The dashboard URL is not configured.")
    dashboard: Dashboard = {"dashboardUrl": url}
    return dashboard


async def add_webhook(call: Call) -> Json:
    """Register a URL that is called once a task is decided or due."""
    body = await call.body(_Webhook)
    task = _visible(call, body.taskId, "")
    return call.services.task_webhooks.add(call.user.user_id, task["task_id"], body.url)


async def remove_webhook(call: Call) -> Json:
    """Forget a URL that waits for a task's outcome."""
    call.services.task_webhooks.remove(call.user.user_id, call.path("webhookId"))
    nothing: Empty = {}
    return nothing


async def _decide(call: Call, decision: Decision) -> Json:
    secret = (await call.body(_Secret)).secret or call.query.get("secret", "")
    services = call.services
    with services.database.transaction():
        task = _visible(call, call.path("taskId"), secret)
        decided = tasks.decide(
            services.database,
            services.clock,
            task["task_id"],
            decision,
            allowed=_acts_as(call, task["approver"], secret),
        )
        services.engine.publish(f"task:{task['task_id']}", decided)
        services.task_webhooks.fire(task["task_id"])
    seen: Task = {**decided, "isApprover": True, "role": "approver"}
    return seen


async def _selected(call: Call, asked: Listing) -> Callable[[sqlite3.Connection], list[Task]]:
    email = await _person(call)
    role = call.query.get("role", "")
    if role not in ("", "approver", "requester"):
        raise InputError("role must be approver or requester.")

    def selected(connection: sqlite3.Connection) -> list[Task]:
        rows = connection.execute(
            "SELECT * FROM task WHERE (approver = ? AND ? <> 'requester')"
            " OR (requester = ? AND ? <> 'approver')",
            (email, role, email, role),
        )
        shown = (tasks.shown(row, viewer=email) for row in rows)
        return asked.select(shown, pattern_in=("title",))

    return selected


def _with_html(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        task | {"description": rendered(task["description"])} if "description" in task else task
        for task in listed
    ]


async def _person(call: Call) -> str:
    """Return whose tasks are listed: the secret's owner, else the signed-in user."""
    secret = call.query.get("secret", "")
    if not secret:
        return call.user.email
    key = _key(call)

    def owner(connection: sqlite3.Connection) -> str:
        persons = connection.execute("SELECT approver FROM task UNION SELECT requester FROM task")
        return next((email for (email,) in persons if _is_secret_of(key, email, secret)), "")

    email = await call.services.database.read(owner)
    if not email:
        raise ForbiddenError("This secret belongs to nobody.")
    return email


def _visible(call: Call, task_id: str, secret: str) -> sqlite3.Row:
    """Return a task, if the caller may see it.

    A stranger is told the same as about a task that is not there; a wrong secret is forbidden.
    """
    if call.visitor is None and not secret:
        raise NotSignedInError("Send an access token, or the secret of the approver.")
    task = tasks.find(call.services.database, task_id)
    is_owner = call.visitor is not None and call.visitor.user_id == task["user_id"]
    if is_owner or any(_acts_as(call, task[role], secret) for role in ("approver", "requester")):
        return task
    if secret:
        raise ForbiddenError("This secret is not one of this task's.")
    raise NotFoundError("Task not found.")


def _acts_as(call: Call, email: str, secret: str) -> bool:
    """Say whether the caller is this person, by token or by secret."""
    by_token = call.visitor is not None and call.visitor.email == email
    return by_token or (bool(secret) and _is_secret_of(_key(call), email, secret))


def _viewer(call: Call, task: sqlite3.Row, secret: str) -> str:
    """Return as which of the task's persons the caller looks at it; empty as none."""
    persons: tuple[str, str] = (task["approver"], task["requester"])
    return next((person for person in persons if _acts_as(call, person, secret)), "")


def _is_secret_of(key: bytes, email: str, secret: str) -> bool:
    return hmac.compare_digest(person_secret(key, email).encode(), secret.encode())


def _key(call: Call) -> bytes:
    return call.services.config.jwt_key.get_secret_value().encode()


def _aware(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    if instant.year not in _YEARS:
        raise InputError(f"decisionBy must lie between {_YEARS[0]} and {_YEARS[-1]}.")
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _endpoints(mount: str) -> tuple[Endpoint, ...]:
    one, secret = f"{mount}/tasks/{{taskId}}", Parameter(name="secret")
    several = (*LISTING, secret, Parameter(name="role", options=("approver", "requester")))
    return (
        Endpoint(
            "GET", f"{mount}/tasks", list_tasks, "optional",
            query=several, answer=list[Task], statuses=(403,),
        ),
        Endpoint("POST", f"{mount}/tasks", create_task, body=_TaskWanted, answer=NewTask),
        Endpoint(
            "GET", f"{mount}/tasks-count", count_tasks, "optional",
            query=several, answer=Count, statuses=(403,),
        ),
        Endpoint(
            "GET", one, show_task, "optional",
            query=(secret, Parameter(name="projection")), answer=Task, statuses=(403,),
        ),
        Endpoint(
            "PUT", one, change_task, "optional",
            query=(secret,), body=_TaskChange, answer=Task, statuses=(403,),
        ),
        Endpoint(
            "PUT", f"{one}/approve", approve_task, "optional",
            query=(secret,), body=_Secret, answer=Task, statuses=(403,),
        ),
        Endpoint(
            "PUT", f"{one}/reject", reject_task, "optional",
            query=(secret,), body=_Secret, answer=Task, statuses=(403,),
        ),
        Endpoint(
            "POST", f"{mount}/webhooks", add_webhook,
            body=_Webhook, answer=TaskWebhook, statuses=(404,),
        ),
        Endpoint("DELETE", f"{mount}/webhooks/{{webhookId}}", remove_webhook, answer=Empty),
    )  # fmt: skip


ENDPOINTS = (
    *(endpoint for mount in _MOUNTS for endpoint in _endpoints(mount)),
    Endpoint("GET", "/plugins/appmixer/utils/tasks/", show_plugin, auth="none", answer=Plugin),
    Endpoint(
        "GET", "/plugins/appmixer/utils/tasks/dashboard-url", show_dashboard, answer=Dashboard
    ),
)
