"""Who wants to be told of a task's outcome under a URL, and telling them."""

import logging
import secrets
import sqlite3
from datetime import timedelta
from http import HTTPStatus
from typing import Literal, NotRequired

import anyio
from typing_extensions import TypedDict

from appmixer_mcp.errors import ComponentFailedError, InputError, NotFoundError
from appmixer_mcp.sandbox import tasks
from appmixer_mcp.sandbox.clock import Clock, from_ms, iso, to_ms
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.egress import Outgoing
from appmixer_mcp.sandbox.jsontext import dumps

_AT_ONCE = 50  # documented
_BETWEEN_ATTEMPTS = timedelta(minutes=10)  # documented
_MOST_ATTEMPTS = 144  # a day's (ours)
_AFTER_TROUBLE = timedelta(minutes=1)
_MOST_OF_A_TASK = 20  # of one user (ours): one decision must not become a thousand calls
_TIMEOUT_S = 10.0
_ANSWER_MAX_BYTES = 1_000_000
_ERROR_MAX = 500

logger = logging.getLogger(__name__)


class TaskWebhook(TypedDict):
    """A registered URL, as the API shows it."""

    webhookId: str
    url: str
    taskId: str
    status: Literal["pending", "sent", "fail"]
    created: str
    mtime: str
    error: NotRequired[str]


class TaskWebhooks:
    """Keeps webhooks of tasks and calls each once, with the task as the API shows it.

    What fails is repeated every ten minutes. A call that the end of the process interrupts is made
    again.

    Args:
        database: Where they are kept.
        clock: Says when to repeat.
        outgoing: Makes the calls, under the tenant's egress rule.
    """

    def __init__(self, database: Database, clock: Clock, outgoing: Outgoing) -> None:
        self._database = database
        self._clock = clock
        self._outgoing = outgoing
        self._woken = anyio.Event()

    def add(self, user_id: str, task_id: str, url: str) -> TaskWebhook:
        """Register a URL for the next outcome of a task: its decision, or that it is due.

        Raises:
            InputError: The user has registered too many for this task.
        """
        webhook_id, now_ms = secrets.token_hex(12), to_ms(self._clock.now())
        with self._database.transaction() as connection:
            (known,) = connection.execute(
                "SELECT count(*) FROM task_webhook WHERE task_id = ? AND user_id = ?",
                (task_id, user_id),
            ).fetchone()
            if known >= _MOST_OF_A_TASK:
                raise InputError(f"You have registered {known} webhooks for this task already.")
            connection.execute(
                "INSERT INTO task_webhook (webhook_id, user_id, task_id, url, status, created_ms,"
                " mtime_ms) VALUES (?, ?, ?, ?, 'pending', ?, ?)",
                (webhook_id, user_id, task_id, url, now_ms, now_ms),
            )
        return {
            "webhookId": webhook_id,
            "url": url,
            "taskId": task_id,
            "status": "pending",
            "created": iso(now_ms),
            "mtime": iso(now_ms),
        }

    def remove(self, user_id: str, webhook_id: str) -> None:
        """Forget a URL.

        Raises:
            NotFoundError: This user has registered no such one.
        """
        with self._database.transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM task_webhook WHERE webhook_id = ? AND user_id = ?",
                (webhook_id, user_id),
            )
            if not deleted.rowcount:
                raise NotFoundError("Webhook not found.")

    def fire(self, task_id: str) -> None:
        """Have the pending webhooks of a task called, in the transaction that decides it."""
        self._database.connection.execute(
            "UPDATE task_webhook SET due_ms = ? WHERE task_id = ? AND status = 'pending'",
            (to_ms(self._clock.now()), task_id),
        )
        self._database.after_commit(self._woken.set)

    async def run(self) -> None:
        """Call what is due until cancelled, from where the tenant was last left."""
        while True:
            self._woken = anyio.Event()
            try:
                await self._call_due()
                await self._until_due()
            except sqlite3.Error:  # the disk may be full; the next round finds them as well
                logger.exception("webhooks of tasks could not be called")
                await self._clock.sleep_until(self._clock.now() + _AFTER_TROUBLE)

    async def _call_due(self) -> None:
        rows = self._database.rows(
            "SELECT task.*, webhook_id, url, attempts FROM task_webhook JOIN task USING (task_id)"
            " WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
            (to_ms(self._clock.now()), _AT_ONCE),
        )
        errors: dict[str, str] = {}
        async with anyio.create_task_group() as group:
            for row in rows:
                group.start_soon(self._call, row, errors)
        for row in rows:
            self._settle(row, errors[row["webhook_id"]])

    async def _until_due(self) -> None:
        """Return once the next call is due, or somebody may have asked for one."""
        row = self._database.row(
            "SELECT due_ms FROM task_webhook WHERE due_ms IS NOT NULL ORDER BY due_ms"
        )
        async with anyio.create_task_group() as group:
            if row is not None:
                group.start_soon(self._wake_at, row["due_ms"])
            await self._woken.wait()
            group.cancel_scope.cancel()

    async def _wake_at(self, due_ms: int) -> None:
        await self._clock.sleep_until(from_ms(due_ms))
        self._woken.set()

    async def _call(self, row: sqlite3.Row, errors: dict[str, str]) -> None:
        """Make one call and note what went wrong; empty when nothing did."""
        try:
            answer = await self._outgoing.request(
                "POST",
                row["url"],
                headers={"Content-Type": "application/json"},
                content=dumps(tasks.shown(row)).encode(),
                timeout_s=_TIMEOUT_S,
                max_bytes=_ANSWER_MAX_BYTES,
            )
            is_taken = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
            error = "" if is_taken else f"The answer had the status {answer.status}."
        except ComponentFailedError as failure:
            error = str(failure)[:_ERROR_MAX]
        except Exception:  # one odd URL must not end the calls of all others
            logger.exception("a webhook of a task could not be called")
            error = "The call could not be made."
        errors[row["webhook_id"]] = error

    def _settle(self, row: sqlite3.Row, error: str) -> None:
        now = self._clock.now()
        is_repeated = bool(error) and row["attempts"] + 1 < _MOST_ATTEMPTS
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE task_webhook SET status = ?, error = ?, attempts = attempts + 1,"
                " due_ms = ?, mtime_ms = ? WHERE webhook_id = ?",
                (
                    "fail" if error else "sent",
                    error,
                    to_ms(now + _BETWEEN_ATTEMPTS) if is_repeated else None,
                    to_ms(now),
                    row["webhook_id"],
                ),
            )
