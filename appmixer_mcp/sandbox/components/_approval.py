"""What the two components that ask a person for approval have in common."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import emails, instant, unusable
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

TASK_PORT = InPort(
    name="task",
    fields=(
        Field(name="title", required=True),
        Field(name="description", type="textarea", required=True, tooltip="Markdown."),
        Field(name="requester", required=True, tooltip="E-mail of who asks."),
        Field(name="approver", required=True, tooltip="E-mail of who decides."),
        Field(name="decisionBy", type="date-time", required=True),
    ),
)
_OUTCOMES = ("approved", "rejected", "due")


def outcome_ports(variables: tuple[str, ...]) -> tuple[OutPort, ...]:
    """Return the ports for what may become of a task."""
    return tuple(OutPort(name=outcome, variables=variables) for outcome in _OUTCOMES)


def create_task(ctx: Context) -> Mapping[str, Json]:
    """Make the task that the fields describe, and listen for what becomes of it.

    Raises:
        ComponentFailedError: A person has no address, or the date is none (retry=False).
    """
    title, description = (to_text(ctx.content[name]) for name in ("title", "description"))
    task = ctx.tasks.create(
        title=title,
        description=description,
        requester=_email(ctx, "requester"),
        approver=_email(ctx, "approver"),
        decision_by=instant("decisionBy", ctx.content.get("decisionBy")),
    )
    ctx.listen(_topic(task))
    return task


def settle(ctx: Context, task: Json) -> None:
    """Listen no longer to a task that was decided; one that is overdue can still be."""
    if task["status"] != "due":
        ctx.unlisten(_topic(task))


def _email(ctx: Context, field: str) -> str:
    found = emails(field, to_text(ctx.content[field]))  # a task that is nobody's waits for ever
    if len(found) > 1:
        raise unusable(field, "must be an e-mail address, and one only")
    return found[0]


def _topic(task: Mapping[str, Json]) -> str:
    return f"task:{task['taskId']}"
