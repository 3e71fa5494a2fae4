"""People tasks: what flows ask persons to approve or reject."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError, InputError
from appmixer_mcp.results import Facts, Instant, Outcome, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CREATE, DECIDE, READ, Choice, ToolContext, Toolset

from ._choices import MOST_CHOICES, fitting, plain_part
from ._shared import Filters, Limit, Offset, Sort, TaskId, aware, sorted_by

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.tasks import Task as ApiTask

TOOLSET = Toolset("tasks", "What flows ask persons to approve or reject.")

Role = Annotated[
    Literal["approver", "requester"] | SkipJsonSchema[None],
    Field(description="Only tasks where the user is this; both if left out."),
]
Email = Annotated[str, Field(description="E-mail of who decides.", min_length=3)]
TitlePattern = Annotated[str, Field(description="Part of the title.")]
Secret = Annotated[
    SecretStr | SkipJsonSchema[None],
    Field(description="Another person's approver or requester secret."),
]

_NEWEST_FIRST = "created:-1"
_PART_OF_ID = re.compile(r"[0-9a-f-]{8,}")


class Task(Facts):
    """A people task."""

    task_id: str
    title: str
    status: str = Field(description="pending, approved, rejected, or due when time ran out.")
    requester: Text = Field(default=None, description="E-mail of who asks.")
    approver: Text = Field(default=None, description="E-mail of who decides.")
    decision_by: Instant = None
    decision_made_at: Instant = None
    created_at: Instant = None
    flow_id: Text = None


class TaskPage(Page):
    """People tasks."""

    items: list[Task]


class TaskCount(Result):
    """How many tasks."""

    count: int


class TaskDetail(Result):
    """One people task."""

    task: Task
    description: Text = None


class TaskDecided(Outcome):
    """What became of a task."""

    task: Task | SkipJsonSchema[None] = None


@TOOLSET.tool("List tasks", READ, selectable=Selectable(always=("task_id",)))
async def list_tasks(
    ctx: ToolContext,
    role: Role = None,
    pattern: TitlePattern = "",
    filter: Filters = [],
    sort: Sort = "",
    limit: Limit = 20,
    offset: Offset = 0,
    secret: Secret = None,
) -> TaskPage:
    """List people tasks, newest first; filter status:pending keeps the open ones."""
    client = await ctx.client()
    found = await client.tasks.list_tasks(
        role=role,
        pattern=pattern or None,
        filters=filter,
        sort=sorted_by(client, sort, _NEWEST_FIRST),
        limit=limit,
        offset=offset,
        secret=_open(secret),
    )
    total = None
    if offset or len(found) == limit:
        total = await client.tasks.count_tasks(
            role=role, pattern=pattern or None, filters=filter, secret=_open(secret)
        )
    return TaskPage.of([_task(one) for one in found], offset=offset, limit=limit, total=total)


@TOOLSET.tool("Count tasks", READ)
async def count_tasks(
    ctx: ToolContext,
    role: Role = None,
    pattern: TitlePattern = "",
    filter: Filters = [],
    secret: Secret = None,
) -> TaskCount:
    """Count people tasks, all or those that match."""
    client = await ctx.client()
    count = await client.tasks.count_tasks(
        role=role, pattern=pattern or None, filters=filter, secret=_open(secret)
    )
    return TaskCount(count=count)


@TOOLSET.tool("Get task", READ)
async def get_task(ctx: ToolContext, task_id: TaskId, secret: Secret = None) -> TaskDetail:
    """Show one people task with its description."""
    task = await (await ctx.client()).tasks.get_task(task_id, secret=_open(secret))
    shown = TaskDetail(task=_task(task), description=task.description or None)
    return shown if secret else shown.also_at("appmixer://tasks/{}", task_id)


@TOOLSET.tool("Create task", CREATE)
async def create_task(
    ctx: ToolContext,
    title: Annotated[str, Field(description="The question.", min_length=1, max_length=1000)],
    approver: Email,
    description: Annotated[str, Field(description="At length, Markdown.")] = "",
    requester: Annotated[str, Field(description="E-mail of who asks; else the user's own.")] = "",
    decision_by: Annotated[str, Field(description="ISO time, UTC unless it says else.")] = "",
) -> TaskDecided:
    """Open a people task: ask somebody to approve or reject something. No flow waits for it."""
    client = await ctx.client()
    task = await client.tasks.create_task(
        title,
        approver=approver,
        requester=requester or await _own_email(client),
        description=description,
        decision_by=_instant(decision_by),
    )
    return TaskDecided(
        done=True,
        message=f"Opened the task {quoted(task.title)}.",
        task=_task(task),
        next_step="get_task shows later what was decided.",
    )


async def _approve_impact(ctx: ToolContext, task_id: TaskId, secret: SecretStr | None) -> Impact:
    return await _decision_impact(ctx, "Approve", task_id, secret)


async def _reject_impact(ctx: ToolContext, task_id: TaskId, secret: SecretStr | None) -> Impact:
    return await _decision_impact(ctx, "Reject", task_id, secret)


@TOOLSET.tool("Approve task", DECIDE, preview=_approve_impact)
async def approve_task(ctx: ToolContext, task_id: TaskId, secret: Secret = None) -> TaskDecided:
    """Approve a people task in the approver's name; its flow goes on. Needs the person's yes."""
    task = await (await ctx.client()).tasks.approve_task(task_id, secret=_open(secret))
    return _decided("Approved", task)


@TOOLSET.tool("Reject task", DECIDE, preview=_reject_impact)
async def reject_task(ctx: ToolContext, task_id: TaskId, secret: Secret = None) -> TaskDecided:
    """Reject a people task in the approver's name; its flow goes on. Needs the person's yes."""
    task = await (await ctx.client()).tasks.reject_task(task_id, secret=_open(secret))
    return _decided("Rejected", task)


@TOOLSET.resource("appmixer://tasks/{task_id}", "People task")
async def task(ctx: ToolContext, task_id: TaskId) -> TaskDetail:
    """What get_task shows: who asks whom, until when, the description, and what was decided."""
    return await get_task(ctx, task_id)


@TOOLSET.completes("task_id")
async def complete_task(ctx: ToolContext, text: str) -> list[Choice]:
    """Find tasks, newest first; by a part of the id only among the newest."""
    return await _choices(ctx, text, [])


@TOOLSET.completes("open_task_id")
async def complete_open_task(ctx: ToolContext, text: str) -> list[Choice]:
    """Find tasks that wait for a decision."""
    return await _choices(ctx, text, ["status:pending"])


async def _choices(ctx: ToolContext, text: str, filters: list[str]) -> list[Choice]:
    client = await ctx.client()
    # The API looks for patterns in titles alone, and one dialect of it not even there.
    by_title = client.dialect == "appmixer" and not _PART_OF_ID.fullmatch(text)
    found = await client.tasks.list_tasks(
        pattern=plain_part(text) if by_title else None,
        filters=filters,
        sort=sorted_by(client, "", _NEWEST_FIRST),
        limit=MOST_CHOICES if client.dialect == "appmixer" else None,
        projection="-description",
    )
    return fitting([Choice(one.task_id, one.title or "") for one in found], text)


async def _decision_impact(
    ctx: ToolContext, verb: str, task_id: TaskId, secret: SecretStr | None
) -> Impact:
    task = await (await ctx.client()).tasks.get_task(task_id, secret=_open(secret))
    if task.status in ("approved", "rejected"):
        raise ConflictError(
            f"The task is already {task.status}; a decision cannot be taken back. list_tasks with "
            "filter status:pending shows what is open."
        )
    losses = [
        f"{quoted(task.requester)} asked {quoted(task.approver)} for it.",
        "A decision cannot be taken back, and a flow that waits for it goes on.",
    ]
    if task.status != "pending":
        losses.append(f"The task is already {quoted(task.status)}.")
    return Impact(
        question=f"{verb} the task {quoted(task.title)}?",
        losses=losses,
        identity={
            "task_id": task_id,
            "title": task.title or "",
            "status": task.status or "",
            "description": task.description or "",
        },
    )


def _decided(verb: str, task: "ApiTask") -> TaskDecided:
    return TaskDecided(
        done=True, message=f"{verb} the task {quoted(task.title)}.", task=_task(task)
    )


def _task(task: "ApiTask") -> Task:
    return Task(
        task_id=task.task_id,
        title=task.title or "",
        status=task.status or "",
        requester=task.requester,
        approver=task.approver,
        decision_by=task.decision_by,
        decision_made_at=task.decision_made_at,
        created_at=task.created_at,
        flow_id=task.flow_id or None,
    )


def _open(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


async def _own_email(client: "AppmixerClient") -> str:
    user = await client.users.get_user()
    email = user.email or user.username
    if not email:
        raise InputError("The tenant tells no e-mail address of the user. Give requester.")
    return email


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return aware(text)
    except ValueError as error:
        raise InputError(
            f"decision_by is no time: {quoted(text)}. Give one such as 2026-01-31T17:00Z."
        ) from error
