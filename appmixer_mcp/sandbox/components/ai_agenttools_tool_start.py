"""ToolStart: begins a chain of components that an assistant can call as a tool."""

from collections import Counter
from collections.abc import Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components import _tool_chain
from appmixer_mcp.sandbox.components._descriptor_fields import static_property
from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.components._output_paths import names_in
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    for call in _tool_chain.calls_for(ctx.component_id, ctx.original_content):
        _tool_chain.begin(ctx, call.get("id"))
        ctx.send("out", as_object(call.get("args")))


def _check(properties: Mapping[str, Json]) -> list[str]:
    try:
        listed = _tool_chain.parameters_of(properties)
    except ComponentFailedError as error:
        return [str(error)]
    counted = Counter(to_text(one["name"]) for one in listed)
    twice = [name for name, count in counted.items() if count > 1]
    return [f"The parameter {name!r} is declared twice." for name in twice] + [
        f"The type of the parameter {to_text(one['name'])!r} must be one of "
        f"{', '.join(_tool_chain.PARAMETER_TYPES)}."
        for one in listed
        if (one.get("type") or "string") not in _tool_chain.PARAMETER_TYPES
    ]


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return names_in(static_property(entry, "parameters"))


COMPONENT = Component(
    type=_tool_chain.START,
    label="Tool Start",
    description="Begins a chain of components that an assistant can call as a tool.",
    properties=(
        Field(name="description", type="textarea", tooltip="Tells the assistant when to call it."),
        Field(
            name="parameters",
            type="expression",
            tooltip='{"ADD": [{"name": "city", "type": "string", "description": "Of the person"}]}'
            "; types: string, number, boolean. The label of this component names the tool.",
        ),
    ),
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    further_variables=_further_variables,
    check=_check,
    receive=_receive,
)
