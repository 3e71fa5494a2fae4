"""DataUri2File: stores what a data URI holds as a file."""

import base64
import binascii
import mimetypes
import re
from urllib.parse import unquote_to_bytes

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_MOST_HEADER = 500
_BLANKS = re.compile(r"\s+")


async def _receive(ctx: Context) -> None:
    uri = to_text(ctx.content.get("dataUri", "")).strip()
    header, comma, data = uri.partition(",")
    if not (header[:5].lower() == "data:" and comma and len(header) <= _MOST_HEADER):
        raise unusable("dataUri", "must look like data:text/plain;base64,SGVsbG8=")
    about = header[5:]
    media_type = about.partition(";")[0].strip().lower() or "text/plain"
    content = _decoded(data, is_base64=about.lower().endswith(";base64"))
    check_size(len(content))
    extension = mimetypes.guess_extension(media_type) or ""
    name = to_text(ctx.content.get("fileName") or "").strip() or f"file{extension}"
    made = ctx.files.create(name, content, media_type)
    ctx.send("out", {"fileId": made["fileId"], "fileName": made["filename"]})


def _decoded(data: str, *, is_base64: bool) -> bytes:
    content = unquote_to_bytes(data)
    if not is_base64:
        return content
    try:
        return base64.b64decode(_BLANKS.sub("", content.decode("ascii")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unusable("dataUri", "holds no valid base64") from error


COMPONENT = Component(
    type="appmixer.utils.converters.DataUri2File",
    label="Data URI to File",
    description="Stores what a data URI holds as a file.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="dataUri",
                    type="textarea",
                    required=True,
                    label="Data URI",
                    tooltip="Such as data:text/plain;base64,SGVsbG8=",
                ),
                Field(name="fileName", tooltip="Empty: a name made from the media type."),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "fileName")),),
    receive=_receive,
)
