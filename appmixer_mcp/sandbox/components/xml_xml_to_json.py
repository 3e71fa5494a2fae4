"""XmlToJson: reads XML into JSON."""

import anyio

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.components._xml_document import read_xml, xml_bytes
from appmixer_mcp.sandbox.components._xml_fields import (
    IGNORE_ATTRIBUTES,
    PREFIX,
    TEXT_NAME,
    naming_of,
)
from appmixer_mcp.sandbox.components._xml_json import (
    DECLARATION,
    Reading,
    declaration_of,
    to_json,
)
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

_TOGGLES = (
    Field(
        name="parseTagValue", type="toggle", default=True,
        tooltip="Read 17 as a number and true as a boolean.",
    ),
    Field(name="parseAttributeValue", type="toggle", default=True, tooltip="Likewise, attributes."),
    Field(name="trimValues", type="toggle", default=True, tooltip="Cut off blanks around values."),
    Field(
        name="removeNSPrefix", type="toggle", default=False, label="Remove namespace prefix",
        tooltip="Read <a:b> as b.",
    ),
    Field(
        name="alwaysCreateTextNode", type="toggle", default=False,
        tooltip="Put text under its name even where there is nothing beside it.",
    ),
    Field(
        name="ignoreDeclaration", type="toggle", default=False,
        tooltip="Leave out what <?xml ...?> says.",
    ),
)  # fmt: skip

_LONGEST_DECLARATION = 300


async def _receive(ctx: Context) -> None:
    content = xml_bytes("xml", ctx.content.get("xml"))
    on = {one.name: is_on(ctx.content.get(one.name, one.default)) for one in _TOGGLES}
    naming = naming_of(ctx.content)
    listed = to_text(ctx.content.get("alwaysArray") or "").split(",")
    reading = Reading(
        naming=naming,
        parse_text=on["parseTagValue"],
        parse_attributes=on["parseAttributeValue"],
        trim=on["trimValues"],
        remove_prefixes=on["removeNSPrefix"],
        always_text_name=on["alwaysCreateTextNode"],
        always_lists=frozenset(path.strip() for path in listed),
    )
    found: dict[str, Json] = {}
    if not on["ignoreDeclaration"]:
        declared = declaration_of(content[:_LONGEST_DECLARATION].decode(errors="replace"), naming)
        if declared:
            found[DECLARATION] = declared

    found |= await anyio.to_thread.run_sync(lambda: to_json(read_xml(content), reading))
    ctx.send("out", {"json": found})


COMPONENT = Component(
    type="appmixer.utils.xml.XmlToJson",
    label="XML to JSON",
    description="Reads XML into JSON.",
    in_ports=(
        InPort(
            fields=(
                Field(name="xml", type="textarea", required=True, label="XML"),
                PREFIX,
                TEXT_NAME,
                IGNORE_ATTRIBUTES,
                *_TOGGLES,
                Field(
                    name="alwaysArray",
                    tooltip="Elements that are lists even when they occur once: root.item,root.tag",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("json",)),),
    receive=_receive,
)
