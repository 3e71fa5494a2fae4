"""How a call of a tool travels: from a gateway to the start of a chain, and on to its end."""

import re
from collections.abc import Mapping

from appmixer_mcp.sandbox.components._inputs import as_object, entries
from appmixer_mcp.sandbox.context import Context, Follower, Json
from appmixer_mcp.sandbox.javascript import to_text

START = "appmixer.ai.agenttools.ToolStart"
PARAMETER_TYPES = ("string", "number", "boolean")
_UNFIT = re.compile(r"\W", re.ASCII)
_LONGEST_NAME = 64


def tool_of(start: Follower) -> dict[str, Json]:
    """Return a chain as a gateway announces it, by the component that begins it.

    Raises:
        ComponentFailedError: Its parameters have another shape (retry=False).
    """
    function: dict[str, Json] = {
        "name": name_of(start),
        "description": to_text(start.properties.get("description") or ""),
    }
    listed = parameters_of(start.properties)
    if listed:
        function["parameters"] = {
            "type": "object",
            "properties": {
                to_text(one["name"]): {
                    "type": one.get("type") or "string",
                    "description": to_text(one.get("description") or ""),
                }
                for one in listed
            },
        }
    return {"type": "function", "function": function}


def name_of(start: Follower) -> str:
    """Return what a gateway calls a chain: the id of what begins it, and its label."""
    return f"{start.component_id}_{_UNFIT.sub('_', start.label)}"[:_LONGEST_NAME]


def parameters_of(properties: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the parameters that a tool declares; entries without a name are left out.

    Raises:
        ComponentFailedError: They have another shape (retry=False).
    """
    return [one for one in entries("parameters", properties.get("parameters")) if one.get("name")]


def call_for(start: Follower, arguments: Mapping[str, Json], call_id: str) -> dict[str, Json]:
    """Return what a gateway sends to every chain; each takes the calls that are for it."""
    return {"toolCalls": [{"componentId": start.component_id, "args": arguments, "id": call_id}]}


def calls_for(component_id: str, content: Json) -> list[Mapping[str, Json]]:
    """Return those calls of a gateway's message that are for one component."""
    listed = entries("toolCalls", as_object(content), key="toolCalls")
    return [one for one in listed if one.get("componentId") == component_id]


def begin(ctx: Context, call_id: Json) -> None:
    """Note that the present run works on a call."""
    ctx.flow_state.set(_key(ctx), call_id)


def end(ctx: Context) -> Json:
    """Return the call that the present run works on, which is over; None if there is none."""
    call_id = ctx.flow_state.get(_key(ctx))
    ctx.flow_state.unset(_key(ctx))
    return call_id


def _key(ctx: Context) -> str:
    return f"tool:{ctx.correlation_id}"
