"""ValidateXml: tells whether a text is well-formed XML."""

import anyio

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._xml_document import xml_bytes
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    content = xml_bytes("xml", ctx.content.get("xml"))
    ctx.send("out", await anyio.to_thread.run_sync(_validated, content))


def _validated(content: bytes) -> dict[str, Json]:
    """Return `{isValid}`, with `err: {code, msg, line, col}` when it is not well-formed.

    The codes are those of libxml2, such as `ERR_TAG_NAME_MISMATCH` (ours).
    """
    from lxml import etree  # noqa: PLC0415 - takes a while to load, and most sandboxes never need it

    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True
    )
    try:
        etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        code = next((one.type_name for one in parser.error_log), "ERR_DOCUMENT_EMPTY")
        return {
            "isValid": False,
            "err": {"code": code, "msg": error.msg, "line": line, "col": column},
        }
    return {"isValid": True}


COMPONENT = Component(
    type="appmixer.utils.xml.ValidateXml",
    label="Validate XML",
    description="Tells whether a text is well-formed XML, and if not, where it goes wrong.",
    in_ports=(InPort(fields=(Field(name="xml", type="textarea", required=True, label="XML"),)),),
    out_ports=(OutPort(variables=("isValid", "err.code", "err.msg", "err.line", "err.col")),),
    receive=_receive,
)
