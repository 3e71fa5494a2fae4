"""People tasks: list, read, make, approve and reject."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from appmixer_mcp.errors import NotFoundError

from .call import Call, json_body, no_such, path, query
from .dialect import cut, refuse_arguments
from .models.base import Count, TaskId
from .models.tasks import Task
from .resource import Resource

_NOT_YOURS = (
    "The signed-in user may not see or decide this task: only its approver may, who is named in "
    "list_tasks, or whoever has the approver's secret."
)


class Tasks(Resource):
    """The tasks of the signed-in user; the `openapi` dialect can list and read them.

    Source: the documented path. Newer tenants are said to serve the same calls below
    `/plugins/appmixer/utils/tasks` (observed in clients).
    """

    async def list_tasks(
        self,
        *,
        role: str | None = None,
        pattern: str | None = None,
        secret: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sort: str | None = None,
        projection: str | None = None,
        filters: Sequence[str] = (),
    ) -> list[Task]:
        """Return one page of tasks; empty when none fits.

        Args:
            role: `approver` or `requester`; none means both.
            pattern: Part of the title.
            secret: A person's secret, to list that person's tasks instead of the user's.
            limit: Page size; the API's own default is 100.
            offset: Index of the first task, from 0.
            sort: `field:1` or `field:-1`.
            projection: Fields to leave out (`-description`); the `openapi` dialect sends all.
            filters: `field:value`; all have to hold.

        Raises:
            InputError: Among others that the `openapi` dialect has only `role`, limit and offset.
        """
        if self._openapi:
            refuse_arguments(
                "list_tasks", pattern=pattern, secret=secret, sort=sort, filters=tuple(filters)
            )
            return cut(await self._all(role), limit, offset)
        asked = query(
            {
                "role": role,
                "pattern": pattern,
                "secret": secret,
                "limit": limit,
                "offset": offset,
                "sort": sort,
                "projection": projection,
                "filter": filters,
            }
        )
        call = Call("GET", path("people-task", "tasks"), asked, secrets=_secrets(secret))
        return await self._transport.request(call, list[Task])

    async def count_tasks(
        self,
        *,
        role: str | None = None,
        pattern: str | None = None,
        secret: str | None = None,
        filters: Sequence[str] = (),
    ) -> int:
        """Return how many tasks fit; the arguments are those of `list_tasks`."""
        if self._openapi:
            refuse_arguments("count_tasks", pattern=pattern, secret=secret, filters=tuple(filters))
            return len(await self._all(role))
        asked = query({"role": role, "pattern": pattern, "secret": secret, "filter": filters})
        call = Call("GET", path("people-task", "tasks-count"), asked, secrets=_secrets(secret))
        return (await self._transport.request(call, Count)).count

    async def get_task(self, task_id: TaskId, secret: str | None = None) -> Task:
        """Return one task.

        Args:
            task_id: Which one.
            secret: The approver's or requester's, for somebody who is not signed in.

        Raises:
            NotFoundError: There is none.
        """
        if self._openapi:
            refuse_arguments("get_task", secret=secret)
            path(task_id)
            for task in await self._all(None):
                if task.task_id == task_id:
                    return task
            raise NotFoundError(_no_task(task_id)[404])
        call = Call(
            "GET",
            path("people-task", "tasks", task_id),
            query({"secret": secret}),
            advice=_no_task(task_id),
            secrets=_secrets(secret),
        )
        return await self._transport.request(call, Task)

    async def create_task(
        self,
        title: str,
        *,
        approver: str,
        requester: str,
        description: str = "",
        decision_by: datetime | None = None,
    ) -> Task:
        """Ask a person to approve or reject something; no flow waits for it.

        Args:
            title: The question in a line.
            approver: E-mail address of the person who decides.
            requester: E-mail address of the person who asks.
            description: The question at length, Markdown.
            decision_by: Until when the decision is wanted, aware.

        Returns:
            The task, the only answer with the secrets of both persons.
        """
        self._needs_appmixer("create_task")
        content = {
            "title": title,
            "description": description or None,
            "approver": approver,
            "requester": requester,
            "decisionBy": decision_by and decision_by.astimezone(UTC).isoformat(),
        }
        given = {name: value for name, value in content.items() if value is not None}
        call = Call("POST", path("people-task", "tasks"), body=json_body(given))
        return await self._transport.request(call, Task)

    async def approve_task(self, task_id: TaskId, *, secret: str | None = None) -> Task:
        """Approve a task; the flow that asked goes on.

        Args:
            task_id: Which one.
            secret: The approver's, for somebody who is not signed in.

        Raises:
            InputError: It is decided already.
            ForbiddenError: Somebody else has to decide it.
        """
        return await self._decide(task_id, "approve", secret)

    async def reject_task(self, task_id: TaskId, *, secret: str | None = None) -> Task:
        """Reject a task; otherwise as `approve_task`."""
        return await self._decide(task_id, "reject", secret)

    async def _all(self, role: str | None) -> list[Task]:
        call = Call("GET", path("people-task", "tasks"), query({"role": role}))
        return await self._transport.request(call, list[Task])

    async def _decide(
        self, task_id: TaskId, decision: Literal["approve", "reject"], secret: str | None
    ) -> Task:
        self._needs_appmixer(f"{decision}_task")
        call = Call(
            "PUT",
            path("people-task", "tasks", task_id, decision),
            # In the body, not in the address, which servers and proxies write to their logs.
            body=json_body({"secret": secret} if secret else {}),
            advice=_no_task(task_id)
            | {400: f"The task was not {decision}{'d' if decision == 'approve' else 'ed'}."},
            secrets=_secrets(secret),
        )
        return await self._transport.request(call, Task)


def _secrets(secret: str | None) -> tuple[str, ...]:
    return (secret,) if secret else ()


def _no_task(task_id: TaskId) -> dict[int, str]:
    return no_such("task", task_id, "list_tasks") | {403: _NOT_YOURS}
