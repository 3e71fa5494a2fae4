"""People tasks: a question put to one person by a flow or a call, to be approved or rejected."""

import hashlib
import hmac
import secrets
import sqlite3
from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from appmixer_mcp.errors import ForbiddenError, InputError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.database import Database

Decision = Literal["approved", "rejected"]


class Task(TypedDict):
    """A task as the API shows it."""

    taskId: str
    id: str
    title: str
    description: str
    status: Literal["pending", "approved", "rejected", "due"]
    flowId: str
    approver: str
    requester: str
    decisionBy: NotRequired[str]
    decisionMade: NotRequired[str]
    public: bool
    created: str
    createdAt: str
    mtime: str
    isApprover: bool
    role: NotRequired[Literal["approver", "requester"]]
    """Of who looks; left out for whom it only belongs to."""


class NewTask(Task):
    """A task as the answer to its creation shows it."""

    approverSecret: str
    requesterSecret: str


class UserTasks:
    """Makes the tasks of one flow (or, with an empty flow id, of one user's calls)."""

    def __init__(
        self, database: Database, clock: Clock, user_id: str, flow_id: str, secret: bytes
    ) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id
        self._flow_id = flow_id
        self._secret = secret

    def create(
        self,
        *,
        title: str,
        description: str,
        requester: str,
        approver: str,
        decision_by: datetime | None,
    ) -> NewTask:
        """Store a pending task and return it as the API does, with both persons' secrets."""
        task_id = secrets.token_hex(12)
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO task (task_id, user_id, flow_id, title, description, status, approver,"
                " requester, decision_by_ms, created_ms, mtime_ms)"
                " VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?)",
                (
                    task_id, self._user_id, self._flow_id, title, description,
                    approver.lower(), requester.lower(),
                    None if decision_by is None else to_ms(decision_by), now_ms, now_ms,
                ),
            )  # fmt: skip
        return {
            **shown(find(self._database, task_id)),
            "approverSecret": person_secret(self._secret, approver),
            "requesterSecret": person_secret(self._secret, requester),
        }


def person_secret(key: bytes, email: str) -> str:
    """Return what lets a person act on their tasks without signing in.

    Source: documented; one secret for each e-mail address, valid for all tasks of that person.
    """
    # The key signs access tokens too: the colon keeps any address from being a token's content.
    return hmac.new(key, b"people-task:" + email.lower().encode(), hashlib.sha256).hexdigest()


def find(database: Database, task_id: str) -> sqlite3.Row:
    """Return the row of a task, whoever it belongs to.

    Raises:
        NotFoundError: There is no such task.
    """
    row = database.row("SELECT * FROM task WHERE task_id = ?", (task_id,))
    if row is None:
        raise NotFoundError("Task not found.")
    return row


def shown(task: sqlite3.Row, *, viewer: str = "") -> Task:
    """Return a task as the API shows it, without secrets.

    Args:
        task: A row of the table `task`.
        viewer: The e-mail address of who looks; `isApprover` and `role` are about them.
    """
    looks = viewer.lower()
    result: Task = {
        "taskId": task["task_id"],
        "id": task["task_id"],
        "title": task["title"],
        "description": task["description"],
        "status": task["status"],
        "flowId": task["flow_id"],
        "approver": task["approver"],
        "requester": task["requester"],
        "public": False,
        "created": iso(task["created_ms"]),
        "createdAt": iso(task["created_ms"]),
        "mtime": iso(task["mtime_ms"]),
        "isApprover": bool(looks) and looks == task["approver"],
    }
    if task["decision_by_ms"] is not None:
        result["decisionBy"] = iso(task["decision_by_ms"])
    if task["decision_made_ms"] is not None:
        result["decisionMade"] = iso(task["decision_made_ms"])
    if result["isApprover"]:
        result["role"] = "approver"
    elif looks and looks == task["requester"]:
        result["role"] = "requester"
    return result


def decide(
    database: Database, clock: Clock, task_id: str, decision: Decision, *, allowed: bool
) -> Task:
    """Approve or reject a task and return it; a due one can still be decided.

    Raises:
        NotFoundError: There is no such task.
        ForbiddenError: The caller is not its approver.
        InputError: It has been decided already.

    Source: documented, with these statuses and texts.
    """
    with database.transaction() as connection:
        task = find(database, task_id)
        if not allowed:
            raise ForbiddenError("Only the approver of this task can decide it.")
        if task["status"] in ("approved", "rejected"):
            verb = "approve" if decision == "approved" else "reject"
            raise InputError(f"Cannot {verb} task, already {task['status']}")
        now_ms = to_ms(clock.now())
        connection.execute(
            "UPDATE task SET status = ?, decision_made_ms = ?, mtime_ms = ? WHERE task_id = ?",
            (decision, now_ms, now_ms, task_id),
        )
        return shown(find(database, task_id))


def mark_due(database: Database, clock: Clock) -> list[Task]:
    """Mark every pending task whose time is over as due and return them, the oldest first."""
    now_ms = to_ms(clock.now())
    with database.transaction() as connection:
        overdue = connection.execute(
            "SELECT task_id FROM task WHERE status = 'pending' AND decision_by_ms < ?"
            " ORDER BY decision_by_ms",
            (now_ms,),
        ).fetchall()
        connection.executemany(
            "UPDATE task SET status = 'due', mtime_ms = ? WHERE task_id = ?",
            [(now_ms, row["task_id"]) for row in overdue],
        )
        return [shown(find(database, row["task_id"])) for row in overdue]
