"""GenerateOutputPort: tells the columns of a CSV text or file, for lists of variables."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import DELIMITER
from appmixer_mcp.sandbox.components._csv_table import delimiter_of, read_table
from appmixer_mcp.sandbox.components._file_content import text_of
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text


async def _receive(ctx: Context) -> None:
    options: list[Json] = [{"label": "fileId", "value": "fileId"}]
    options += [{"label": name, "value": name} for name in _columns(ctx)]
    ctx.send("out", options)


def _columns(ctx: Context) -> list[str]:
    file_id = ctx.properties.get("fileId")
    text = ctx.properties.get("initialContent")
    text = text_of(ctx, to_text(file_id)) if file_id else to_text(text or "")
    delimiter = delimiter_of(ctx.properties.get("delimiter"))
    return read_table(text.partition("\n")[0], delimiter, with_header=True).columns()


COMPONENT = Component(
    type="appmixer.utils.csv.GenerateOutputPort",
    label="Generate Output Port",
    description="Tells the columns of a CSV text or file as options of an out port.",
    version="1.0.1",
    private=True,
    properties=(
        Field(name="initialContent", type="textarea"),
        DELIMITER,
        Field(name="fileId", type="filepicker"),
    ),
    in_ports=(InPort(),),
    out_ports=(OutPort(),),
    receive=_receive,
)
