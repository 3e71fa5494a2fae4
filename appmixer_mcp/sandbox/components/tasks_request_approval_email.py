"""RequestApprovalEmail: asks a person for approval by mail and tells what they decided."""

from collections.abc import Mapping
from urllib.parse import urlencode

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.components._approval import (
    TASK_PORT,
    create_task,
    outcome_ports,
    settle,
)
from appmixer_mcp.sandbox.context import Context, Json

_TOLD = (
    "taskId", "title", "description", "status", "approver", "requester", "decisionBy",
    "decisionMade",
)  # fmt: skip


async def _receive(ctx: Context) -> None:
    if not ctx.dashboard_url:
        raise ComponentFailedError(
            "The tenant has no dashboard URL, which the links in the mails lead to. Set it, or use "
            "appmixer.utils.tasks.RequestApproval.",
            retry=False,
        )
    task = create_task(ctx)
    ctx.send_mail(
        to=[task["approver"]],
        subject=f"Approval requested: {task['title']}",
        text=_approver_text(ctx.dashboard_url, task),
    )
    ctx.send_mail(
        to=[task["requester"]],
        subject=f"You requested an approval: {task['title']}",
        text=_requester_text(ctx.dashboard_url, task),
    )


async def _on_event(ctx: Context, task: Json) -> None:
    ctx.send(task["status"], task)
    settle(ctx, task)


def _approver_text(dashboard_url: str, task: Mapping[str, Json]) -> str:
    secret = task["approverSecret"]
    approve, reject = (
        _link(dashboard_url, taskId=task["taskId"], action=action, secret=secret)
        for action in ("approve", "reject")
    )
    every = _link(dashboard_url, secret=secret, role="approver")
    return (
        f"{task['requester']} asks you to decide by {task['decisionBy']}:\n\n{task['title']}\n\n"
        f"{task['description']}\n\nApprove: {approve}\nReject: {reject}\nAll your tasks: {every}\n"
    )


def _requester_text(dashboard_url: str, task: Mapping[str, Json]) -> str:
    every = _link(dashboard_url, secret=task["requesterSecret"], role="requester")
    return (
        f"{task['approver']} was asked to decide by {task['decisionBy']}:\n\n{task['title']}\n\n"
        f"{task['description']}\n\nAll your requests: {every}\n"
    )


def _link(dashboard_url: str, **query: str) -> str:
    return f"{dashboard_url}{'&' if '?' in dashboard_url else '?'}{urlencode(query)}"


COMPONENT = Component(
    type="appmixer.utils.tasks.RequestApprovalEmail",
    label="Request Approval Email",
    description="Asks a person by mail to approve or reject, and tells the outcome.",
    in_ports=(TASK_PORT,),
    out_ports=outcome_ports(_TOLD),
    webhook=True,
    receive=_receive,
    on_event=_on_event,
)
