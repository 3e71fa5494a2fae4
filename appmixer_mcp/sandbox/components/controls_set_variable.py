"""SetVariable: sends the variables that its user named as one object."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._descriptor_fields import static_field
from appmixer_mcp.sandbox.components._inputs import entries, unusable
from appmixer_mcp.sandbox.components._output_paths import names_in
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    variables: dict[str, Json] = {}
    for one in entries("variables", ctx.content.get("variables")):
        name, kind = one.get("name"), one.get("type", "text")
        if not (isinstance(name, str) and name):
            raise unusable("variables", "holds a variable without a name")
        variables[name] = one.get(str(kind))
    ctx.send("out", variables)


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    return names_in(static_field(entry, "variables"))


COMPONENT = Component(
    type="appmixer.utils.controls.SetVariable",
    label="Set Variable",
    description="Names values, so that later components can use them.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="variables",
                    type="expression",
                    required=True,
                    tooltip='{"ADD": [{"name": "total", "type": "number", "number": 5}]}; types: '
                    "text, textarea, number, date, toggle, filepicker.",
                ),
            ),
            max_connections=1,
        ),
    ),
    out_ports=(OutPort(),),
    further_variables=_further_variables,
    receive=_receive,
)
