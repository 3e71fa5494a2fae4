"""SaveFile: stores a text as a file."""

import base64
import binascii
import re

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text
from appmixer_mcp.sandbox.jsontext import dumps

# Node's ascii writes one byte for each character, as latin-1 does.
_CODECS = {"ascii": "latin-1", "utf8": "utf-8", "utf16le": "utf-16-le"}
_ENCODINGS = (*_CODECS, "base64", "hex")
_BLANKS = re.compile(r"\s+")
_TOLD = ("fileId", "filename", "contentType", "length", "md5", "uploadDate")


async def _receive(ctx: Context) -> None:
    content = _bytes(ctx.content.get("content"), ctx.content.get("contentEncoding") or "utf8")
    check_size(len(content))
    filename, mimetype = (to_text(ctx.content.get(name, "")) for name in ("filename", "mimetype"))
    ctx.send("file", dict(ctx.files.create(filename, content, mimetype)))


def _bytes(value: Json, encoding: Json) -> bytes:
    """Return the bytes that a text stands for; what is no text is stored as JSON (documented)."""
    if encoding not in _ENCODINGS:
        raise unusable("contentEncoding", f"must be one of {', '.join(_ENCODINGS)}")
    text = value if isinstance(value, str) else dumps(value)
    if encoding in _CODECS:
        return text.encode(_CODECS[encoding], "replace")
    packed = _BLANKS.sub("", text)
    try:
        return (
            bytes.fromhex(packed) if encoding == "hex" else base64.b64decode(packed, validate=True)
        )
    except (ValueError, binascii.Error) as error:
        raise unusable("content", f"is no valid {encoding}") from error


COMPONENT = Component(
    type="appmixer.utils.files.SaveFile",
    label="Save File",
    description="Stores a text, or bytes given as text, as a file.",
    in_ports=(
        InPort(
            fields=(
                Field(name="filename", required=True, tooltip="With its extension."),
                Field(name="mimetype", required=True, tooltip="The media type, such as text/csv."),
                Field(
                    name="content",
                    type="textarea",
                    required=True,
                    tooltip="What is no text is stored as JSON.",
                ),
                Field(
                    name="contentEncoding",
                    type="select",
                    required=True,
                    default="utf8",
                    options=_ENCODINGS,
                    tooltip="How the content stands for bytes.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(name="file", variables=_TOLD),),
    receive=_receive,
)
