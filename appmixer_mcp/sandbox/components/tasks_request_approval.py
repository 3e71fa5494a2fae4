"""RequestApproval: asks a person to approve something and tells what they decided."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, OutPort
from appmixer_mcp.sandbox.components._approval import (
    TASK_PORT,
    create_task,
    outcome_ports,
    settle,
)
from appmixer_mcp.sandbox.context import Context, Json

_TOLD = (
    "id", "title", "description", "status", "approver", "requester", "decisionBy", "decisionMade",
)  # fmt: skip
_SECRETS = ("approverSecret", "requesterSecret")


async def _receive(ctx: Context) -> None:
    task = create_task(ctx)
    ctx.send("created", _told(task) | {name: task[name] for name in _SECRETS})


async def _on_event(ctx: Context, task: Json) -> None:
    ctx.send(task["status"], _told(task))
    settle(ctx, task)


def _told(task: Mapping[str, Json]) -> dict[str, Json]:
    return {name: task["taskId"] if name == "id" else task.get(name) for name in _TOLD}


COMPONENT = Component(
    type="appmixer.utils.tasks.RequestApproval",
    label="Request Approval",
    description="Makes a task for a person to approve or reject, and tells the outcome.",
    in_ports=(TASK_PORT,),
    out_ports=(OutPort(name="created", variables=(*_TOLD, *_SECRETS)), *outcome_ports(_TOLD)),
    webhook=True,
    receive=_receive,
    on_event=_on_event,
)
