"""Flows started, stopped, and checked for what keeps them from starting."""

from typing import Literal, NotRequired

import anyio
from pydantic import BaseModel
from typing_extensions import TypedDict

from appmixer_mcp.sandbox.flow_variables import variable_problems
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.flow_problems import (
    ComponentProblems,
    grouped,
    refuse,
    start_problems,
)
from appmixer_mcp.sandbox.routes.sharing import owned_flow, permitted_flow


class _Command(BaseModel):
    command: Literal["start", "stop"]


class Commanded(TypedDict):
    """Which flow it was; the ticket, with `background`, is the flow's id."""

    flowId: str
    ticket: NotRequired[str]


class StopStatus(TypedDict):
    """How far a stop is."""

    status: Literal["completed"]
    stepsTotal: int
    stepsDone: int


class Validation(TypedDict):
    """What keeps a flow from starting, or will not work in it; empty when nothing does."""

    errors: list[ComponentProblems]


async def command_flow(call: Call) -> Commanded:
    """Start or stop a flow; a stop in the background is over before the answer is sent."""
    body = await call.body(_Command)
    if body.command == "start":
        return await start_flow(call)
    answer = await stop_flow(call)
    if flag(call.query, "background"):
        answer["ticket"] = answer["flowId"]
    return answer


async def start_flow(call: Call) -> Commanded:
    """Start a flow, one's own or one shared for it; one that runs already stays as it is."""
    flow, services = permitted_flow(call, "start"), call.services
    if flow["stage"] != "running":
        refuse(start_problems(services, flow["userId"], flow["flow"]))
    with anyio.CancelScope(shield=True):
        await services.engine.start_flow(flow["flowId"])
    return {"flowId": flow["flowId"]}


async def stop_flow(call: Call) -> Commanded:
    """Stop a flow, one's own or one shared for it; one that does not run stays as it is."""
    flow_id = permitted_flow(call, "stop")["flowId"]
    with anyio.CancelScope(shield=True):
        await call.services.engine.stop_flow(flow_id)
    return {"flowId": flow_id}


async def get_coordinator_status(call: Call) -> StopStatus:
    """Show how far a stop in the background is: done."""
    permitted_flow(call, "stop")
    return {"status": "completed", "stepsTotal": 1, "stepsDone": 1}


async def validate_flow(call: Call) -> Validation:
    """List what keeps a flow from starting, and variables that never have a value.

    The latter do not keep it from starting here, where they resolve to nothing (ours).
    """
    flow = owned_flow(call)
    descriptor = flow["flow"]
    found = start_problems(call.services, flow["userId"], descriptor)
    return {"errors": grouped([*found, *variable_problems(descriptor)])}


ENDPOINTS = (
    Endpoint(
        "POST", "/flows/{flowId}/coordinator", command_flow,
        query=(Parameter(name="background", kind="boolean"),),
        body=_Command, answer=Commanded, statuses=(403, 409),
    ),
    Endpoint(
        "GET", "/flows/{flowId}/coordinator/status", get_coordinator_status,
        answer=StopStatus, statuses=(403,),
    ),
    Endpoint("PUT", "/flows/{flowId}/start", start_flow, answer=Commanded, statuses=(403, 409)),
    Endpoint("PUT", "/flows/{flowId}/stop", stop_flow, answer=Commanded, statuses=(403,)),
    Endpoint(
        "GET", "/flows/{flowId}/validate", validate_flow, answer=Validation, statuses=(403,)
    ),
)  # fmt: skip
