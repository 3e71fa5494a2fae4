"""FlowCallOutput: gives the flow that called this one its result."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_field
from appmixer_mcp.sandbox.components._inputs import entries
from appmixer_mcp.sandbox.components._output_paths import names_in
from appmixer_mcp.sandbox.components._subflow import by_name, caller_of_correlation
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    listed = entries("output", ctx.content.get("output"))
    payload = [{key: one.get(key) for key in ("name", "type", "value")} for one in listed]
    output = by_name(payload)
    caller = caller_of_correlation(ctx)
    if caller is None:  # such as a run that a webhook call began, whose caller gets it so (ours)
        ctx.respond(output)
    else:
        ctx.trigger(
            caller.flow_id,
            caller.component_id,
            {"correlationId": caller.call_id, "payload": payload},
            correlation_id=caller.call_id,
        )
    ctx.send("out", {"output": output})


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(f"output.{name}" for name in names_in(static_field(entry, "output")))


COMPONENT = Component(
    type="appmixer.utils.subflows.FlowCallOutput",
    label="Flow Call Output",
    description="Gives the flow that called this one its result, and goes on.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="output",
                    type="expression",
                    tooltip='{"ADD": [{"name": "total", "type": "number", "value": 5}]}',
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("output",)),),
    further_variables=_further_variables,
    receive=_receive,
)
