"""ImportCSV: tells the column names of a CSV file that is already there."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import DELIMITER
from appmixer_mcp.sandbox.components._csv_lookup import look_up
from appmixer_mcp.sandbox.components._file_content import FILE_ID
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    found = await look_up(ctx, lambda table, _fields, _parsing: table.columns())
    ctx.send("out", {name: name for name in found.value} | {"fileId": found.file_id})


COMPONENT = Component(
    type="appmixer.utils.csv.ImportCSV",
    label="Import CSV",
    description="Brings a CSV file into the flow and tells the names of its columns.",
    version="1.0.1",
    in_ports=(InPort(fields=(FILE_ID, DELIMITER)),),
    out_ports=(OutPort(variables=("fileId",)),),
    receive=_receive,
)
