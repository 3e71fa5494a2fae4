"""RequestApproval: asks a person to approve something and tells what they decided."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, Context, Field, InPort, Json, OutPort
from appmixer_mcp.sandbox.components._inputs import instant
from appmixer_mcp.sandbox.javascript import to_text

_TOLD = (
    "id", "title", "description", "status", "approver", "requester", "decisionBy", "decisionMade",
)  # fmt: skip
_SECRETS = ("approverSecret", "requesterSecret")
_OUTCOMES = ("approved", "rejected", "due")


async def _receive(ctx: Context) -> None:
    title, description, requester, approver = (
        to_text(ctx.content.get(name, ""))
        for name in ("title", "description", "requester", "approver")
    )
    task = ctx.tasks.create(
        title=title,
        description=description,
        requester=requester,
        approver=approver,
        decision_by=instant("decisionBy", ctx.content.get("decisionBy")),
    )
    ctx.send("created", _told(task) | {name: task[name] for name in _SECRETS})
    ctx.listen(f"task:{task['taskId']}")


async def _on_event(ctx: Context, task: Json) -> None:
    ctx.send(task["status"], _told(task))
    if task["status"] != "due":  # a task that is overdue can still be decided
        ctx.unlisten(f"task:{task['taskId']}")


def _told(task: Mapping[str, Json]) -> dict[str, Json]:
    return {name: task["taskId"] if name == "id" else task.get(name) for name in _TOLD}


COMPONENT = Component(
    type="appmixer.utils.tasks.RequestApproval",
    label="Request Approval",
    description="Makes a task for a person to approve or reject, and tells the outcome.",
    in_ports=(
        InPort(
            name="task",
            fields=(
                Field(name="title", required=True),
                Field(name="description", type="textarea", required=True, tooltip="Markdown."),
                Field(name="requester", required=True, tooltip="E-mail of who asks."),
                Field(name="approver", required=True, tooltip="E-mail of who decides."),
                Field(name="decisionBy", type="date-time", required=True),
            ),
        ),
    ),
    out_ports=(
        OutPort(name="created", variables=(*_TOLD, *_SECRETS)),
        *(OutPort(name=outcome, variables=_TOLD) for outcome in _OUTCOMES),
    ),
    webhook=True,
    receive=_receive,
    on_event=_on_event,
)
