"""PDF2Text: stores the text of a PDF as a file."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._confined import confined
from appmixer_mcp.sandbox.components._file_content import (
    FILE_ID,
    content_of,
    file_id_of,
    renamed,
)
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context, Json

_LONGEST_S = 60.0


async def _receive(ctx: Context) -> None:
    file_id = file_id_of(ctx)
    content = content_of(ctx, file_id)
    text = await confined("_pdf_text:text_of_pdf", content, within_s=_LONGEST_S)
    name = renamed(str(ctx.files.info(file_id)["filename"]), "txt")
    made = ctx.files.create(name, text, "text/plain")
    told: dict[str, Json] = {
        "fileId": made["fileId"],
        "fileName": made["filename"],
        "length": made["length"],
        "uploadDate": made["uploadDate"],
        "md5": made["md5"],
    }
    if is_on(ctx.content.get("outputTextContent")):
        told["textContent"] = text.decode()
    ctx.send("out", told)


COMPONENT = Component(
    type="appmixer.utils.converters.PDF2Text",
    label="PDF to Text",
    description="Stores the text of a PDF as a file.",
    in_ports=(
        InPort(
            fields=(
                FILE_ID,
                Field(
                    name="outputTextContent",
                    type="toggle",
                    default=False,
                    tooltip="Send the text itself, too.",
                ),
            )
        ),
    ),
    out_ports=(
        OutPort(variables=("fileId", "fileName", "length", "uploadDate", "md5", "textContent")),
    ),
    receive=_receive,
)
