"""JsonToXml: writes JSON as XML."""

import anyio

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on, parsed, unusable
from appmixer_mcp.sandbox.components._xml_fields import (
    IGNORE_ATTRIBUTES,
    PREFIX,
    TEXT_NAME,
    naming_of,
    short_text,
)
from appmixer_mcp.sandbox.components._xml_json import XmlWriter
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_number

_MOST_INDENT = 16
_ARRAY_NAME = Field(
    name="arrayNodeName", tooltip="When the JSON is a list: the name of the element of each item."
)


async def _receive(ctx: Context) -> None:
    writer = XmlWriter(
        naming_of(ctx.content),
        array_name=short_text(ctx.content, _ARRAY_NAME),
        indent=_indent(ctx.content.get("indentBy")) if is_on(ctx.content.get("format")) else "",
        suppress_empty=is_on(ctx.content.get("suppressEmptyNode")),
    )
    try:
        value = parsed("json", ctx.content.get("json"))
        xml = await anyio.to_thread.run_sync(writer.write, value)
    except RecursionError as error:
        raise ComponentFailedError("The JSON is nested too deeply.", retry=False) from error
    ctx.send("out", {"xml": xml})


def _indent(value: Json) -> str:
    width = 2 if value in (None, "") else to_number(value)
    if width not in range(1, _MOST_INDENT + 1):
        raise unusable("indentBy", f"must be a whole number from 1 to {_MOST_INDENT}")
    return " " * int(width)


COMPONENT = Component(
    type="appmixer.utils.xml.JsonToXml",
    label="JSON to XML",
    description="Writes JSON as XML.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="json",
                    type="textarea",
                    required=True,
                    label="JSON",
                    tooltip='An object, or its JSON text: {"book": {"@id": 1, "title": "A"}}',
                ),
                _ARRAY_NAME,
                PREFIX,
                TEXT_NAME,
                IGNORE_ATTRIBUTES,
                Field(
                    name="suppressEmptyNode",
                    type="toggle",
                    default=False,
                    tooltip="Write <a/> instead of <a></a>.",
                ),
                Field(
                    name="format",
                    type="toggle",
                    default=False,
                    tooltip="Write each element on a line of its own.",
                ),
                Field(name="indentBy", type="number", tooltip="Spaces a level when formatted; 2."),
            )
        ),
    ),
    out_ports=(OutPort(variables=("xml",)),),
    receive=_receive,
)
