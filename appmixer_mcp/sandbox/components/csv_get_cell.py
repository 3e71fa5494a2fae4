"""GetCell: sends one cell of the first row of a CSV file that matches."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import (
    CHOOSING,
    WITH_HEADERS,
    Fields,
    Parsing,
    chosen_rows,
)
from appmixer_mcp.sandbox.components._csv_lookup import look_up
from appmixer_mcp.sandbox.components._csv_table import Table
from appmixer_mcp.sandbox.components._file_content import FILE_ID
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    found = await look_up(ctx, _find)
    ctx.send("out", {"fileId": found.file_id, "cell": found.value})


def _find(table: Table, fields: Fields, parsing: Parsing) -> Json:
    field = "columnIndex" if table.header is None else "column"
    column = table.column(field, fields.get(field))
    rows = chosen_rows(table, fields)
    return parsing.cell(table.rows[rows[0]].cell(column)) if rows else None


COMPONENT = Component(
    type="appmixer.utils.csv.GetCell",
    label="Get Cell",
    description="Sends one cell of the first row of a CSV file that matches the filters.",
    version="1.0.1",
    properties=(WITH_HEADERS,),
    in_ports=(
        InPort(
            fields=(
                FILE_ID,
                *CHOOSING,
                Field(name="column", tooltip="With column names: which one."),
                Field(
                    name="columnIndex",
                    type="number",
                    tooltip="Without column names: which column, from 0.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "cell")),),
    receive=_receive,
)
