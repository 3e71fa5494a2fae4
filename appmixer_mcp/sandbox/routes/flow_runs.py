"""Flows started, stopped, and checked for what keeps them from starting."""

from typing import Literal

import anyio
from pydantic import BaseModel

from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.flow_problems import grouped, refuse
from appmixer_mcp.sandbox.routes.flows import owned_flow


class _Command(BaseModel):
    command: Literal["start", "stop"]


async def command_flow(call: Call) -> Json:
    """Start or stop a flow; a stop in the background is over before the answer is sent."""
    body = await call.body(_Command)
    if body.command == "start":
        return await start_flow(call)
    answer = await stop_flow(call)
    return answer | {"ticket": answer["flowId"]} if flag(call.query, "background") else answer


async def start_flow(call: Call) -> dict[str, Json]:
    """Start a flow; one that runs already stays as it is."""
    flow, engine = owned_flow(call), call.services.engine
    if flow["stage"] != "running":
        refuse(engine.validate(flow["flow"]))
    with anyio.CancelScope(shield=True):
        await engine.start_flow(flow["flowId"])
    return {"flowId": flow["flowId"]}


async def stop_flow(call: Call) -> dict[str, Json]:
    """Stop a flow; one that does not run stays as it is."""
    flow_id = owned_flow(call)["flowId"]
    with anyio.CancelScope(shield=True):
        await call.services.engine.stop_flow(flow_id)
    return {"flowId": flow_id}


async def show_status(call: Call) -> Json:
    """Show how far a stop in the background is: done."""
    owned_flow(call)
    return {"status": "completed", "stepsTotal": 1, "stepsDone": 1}


async def validate_flow(call: Call) -> Json:
    """List what keeps a flow from starting; nothing when it can start."""
    return {"errors": grouped(call.services.engine.validate(owned_flow(call)["flow"]))}


ENDPOINTS = (
    Endpoint("POST", "/flows/{flowId}/coordinator", command_flow),
    Endpoint("GET", "/flows/{flowId}/coordinator/status", show_status),
    Endpoint("PUT", "/flows/{flowId}/start", start_flow),
    Endpoint("PUT", "/flows/{flowId}/stop", stop_flow),
    Endpoint("GET", "/flows/{flowId}/validate", validate_flow),
)
