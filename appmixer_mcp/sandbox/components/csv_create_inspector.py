"""CreateInspector: tells the inputs that the CSV components have with or without column names."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import (
    DELIMITER,
    FILTERS,
    INDEXES,
    PARSING,
    WITH_HEADERS,
)
from appmixer_mcp.sandbox.components._file_content import FILE_ID
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    fields = [FILE_ID, DELIMITER, *PARSING]
    if is_on(ctx.properties.get("filterRows", True)):
        fields.append(FILTERS if is_on(ctx.properties.get("withHeaders", True)) else INDEXES)
    inputs: dict[str, Json] = {
        one.name: {
            "type": one.type, "label": one.label or one.name, "index": index,
            "tooltip": one.tooltip, "required": one.required,
        }
        for index, one in enumerate(fields, 1)
    }  # fmt: skip
    ctx.send("out", {"inputs": inputs, "groups": {}})


COMPONENT = Component(
    type="appmixer.utils.csv.CreateInspector",
    label="Create Inspector",
    description="Tells the inputs that the CSV components have in common.",
    version="1.0.1",
    private=True,
    properties=(WITH_HEADERS, Field(name="filterRows", type="toggle", default=True)),
    in_ports=(InPort(),),
    out_ports=(OutPort(variables=("inputs", "groups")),),
    receive=_receive,
)
