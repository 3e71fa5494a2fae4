"""RequestApproval: asks a person to approve something and tells what they decided."""

import re
from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, Context, Field, InPort, Json, OutPort
from appmixer_mcp.sandbox.components._inputs import instant, unusable
from appmixer_mcp.sandbox.javascript import to_text

_TOLD = (
    "id", "title", "description", "status", "approver", "requester", "decisionBy", "decisionMade",
)  # fmt: skip
_SECRETS = ("approverSecret", "requesterSecret")
_OUTCOMES = ("approved", "rejected", "due")
_EMAIL = re.compile(r"[^\s@]{1,128}@[^\s@]{1,128}")


async def _receive(ctx: Context) -> None:
    title, description = (to_text(ctx.content[name]) for name in ("title", "description"))
    task = ctx.tasks.create(
        title=title,
        description=description,
        requester=_email(ctx, "requester"),
        approver=_email(ctx, "approver"),
        decision_by=instant("decisionBy", ctx.content.get("decisionBy")),
    )
    ctx.send("created", _told(task) | {name: task[name] for name in _SECRETS})
    ctx.listen(f"task:{task['taskId']}")


async def _on_event(ctx: Context, task: Json) -> None:
    ctx.send(task["status"], _told(task))
    if task["status"] != "due":  # a task that is overdue can still be decided
        ctx.unlisten(f"task:{task['taskId']}")


def _email(ctx: Context, field: str) -> str:
    email = to_text(ctx.content[field]).strip()
    if not _EMAIL.fullmatch(email):  # a task that is nobody's would wait for ever
        raise unusable(field, "must be an e-mail address")
    return email


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
