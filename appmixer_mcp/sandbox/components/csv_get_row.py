"""GetRow: sends the first row of a CSV file that matches."""

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
    ctx.send("out", {"fileId": found.file_id, "row": found.value})


def _find(table: Table, fields: Fields, parsing: Parsing) -> Json:
    rows = chosen_rows(table, fields)
    return parsing.shown(table, table.rows[rows[0]], fields.get("rowFormat")) if rows else None


COMPONENT = Component(
    type="appmixer.utils.csv.GetRow",
    label="Get Row",
    description="Sends the first row of a CSV file that matches the filters, or one by position.",
    version="1.0.1",
    properties=(WITH_HEADERS,),
    in_ports=(
        InPort(
            fields=(
                FILE_ID,
                *CHOOSING,
                Field(
                    name="rowFormat",
                    type="select",
                    options=("object", "array"),
                    default="object",
                    tooltip="Without column names a row is always an array.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "row")),),
    receive=_receive,
)
