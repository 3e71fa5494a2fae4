"""ExportCSV: sends the content of a CSV file as text."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import FILE_ID, file_id_of, text_of
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    ctx.send("content", {"content": text_of(ctx, file_id_of(ctx))})


COMPONENT = Component(
    type="appmixer.utils.csv.ExportCSV",
    label="Export CSV",
    description="Sends the content of a CSV file as text.",
    version="1.0.1",
    in_ports=(InPort(fields=(FILE_ID,)),),
    out_ports=(OutPort(name="content", variables=("content",)),),
    receive=_receive,
)
