"""XPath: sends what an XPath expression finds in an XML text."""

import json

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._confined import confined
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.components._xml_document import xml_bytes
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_MOST_EXPRESSION = 2_000


async def _receive(ctx: Context) -> None:
    expression = to_text(ctx.content.get("xpath") or "").strip()
    if not expression or "\0" in expression or len(expression) > _MOST_EXPRESSION:
        raise unusable("xpath", "must be an expression such as //title")
    document = xml_bytes("xml", ctx.content.get("xml"))
    given = b"\0".join((expression.encode("utf-8", "replace"), document))
    found = await confined("_xpath:evaluate", given)
    ctx.send("out", {"result": json.loads(found)})


COMPONENT = Component(
    type="appmixer.utils.xml.XPath",
    label="XPath",
    description="Sends what an XPath expression finds in an XML text.",
    in_ports=(
        InPort(
            fields=(
                Field(name="xml", type="textarea", required=True, label="XML"),
                Field(
                    name="xpath",
                    required=True,
                    label="XPath expression",
                    tooltip="Such as //title, //book/@id or count(//book).",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("result",)),),
    receive=_receive,
)
