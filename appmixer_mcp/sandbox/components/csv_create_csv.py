"""CreateCSV: stores a text as a CSV file."""

from collections.abc import Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import DELIMITER
from appmixer_mcp.sandbox.components._csv_table import delimiter_of, read_table
from appmixer_mcp.sandbox.components._descriptor_fields import static_field
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    text = to_text(ctx.content.get("initialContent", ""))
    content = text.encode("utf-8", "replace")
    check_size(len(content))
    columns = _columns(text, ctx.content.get("delimiter"))
    file = ctx.files.create(to_text(ctx.content.get("filename", "")), content, "text/csv")
    ctx.send("out", {name: name for name in columns} | {"fileId": file["fileId"]})


def _columns(text: str, delimiter: Json) -> list[str]:
    first_line = text.lstrip("\r\n").partition("\n")[0]
    return read_table(first_line, delimiter_of(delimiter), with_header=True).columns()


def _further_variables(_port: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    text = static_field(entry, "initialContent")
    if not isinstance(text, str) or "{{{" in text:
        return ()
    try:
        columns = _columns(text, static_field(entry, "delimiter"))
    except ComponentFailedError:  # what cannot be read yet has no columns yet
        return ()
    return tuple(name for name in columns if name)


COMPONENT = Component(
    type="appmixer.utils.csv.CreateCSV",
    label="Create CSV",
    description="Stores a text as a CSV file.",
    version="1.0.1",
    in_ports=(
        InPort(
            fields=(
                Field(name="filename", required=True, tooltip="With its extension."),
                Field(
                    name="initialContent",
                    type="textarea",
                    required=True,
                    tooltip="The first line names the columns: name,age",
                ),
                DELIMITER,
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId",)),),
    further_variables=_further_variables,
    receive=_receive,
)
