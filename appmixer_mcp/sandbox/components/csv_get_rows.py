"""GetRows: sends the rows of a CSV file, all at once or one by one."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import (
    DELIMITER,
    FILTERS,
    PARSING,
    WITH_HEADERS,
    Fields,
    Parsing,
    row_test,
)
from appmixer_mcp.sandbox.components._csv_lookup import look_up
from appmixer_mcp.sandbox.components._csv_table import Table
from appmixer_mcp.sandbox.components._file_content import FILE_ID
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.components._many_messages import on_parts, send_in_parts
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    filtered = is_on(ctx.properties.get("filterRows", True))

    def find(table: Table, fields: Fields, parsing: Parsing) -> Json:
        matches = row_test(table, fields) if filtered else None
        return [parsing.shown(table, row) for row in table.rows if matches is None or matches(row)]

    found = await look_up(ctx, find)
    if is_on(ctx.content.get("allAtOnce", True)):
        ctx.send("out", {"fileId": found.file_id, "rows": found.value})
        return
    # Ours: `rows` is then the one row itself, so that its columns can be referred to.
    send_in_parts(ctx, "out", [{"fileId": found.file_id, "rows": row} for row in found.value])


COMPONENT = Component(
    type="appmixer.utils.csv.GetRows",
    label="Get Rows",
    description="Sends the rows of a CSV file that match the filters, all at once or one by one.",
    version="1.0.1",
    properties=(
        WITH_HEADERS,
        Field(
            name="filterRows",
            type="toggle",
            default=True,
            tooltip="Send only rows that match the filters; off: all of them.",
        ),
    ),
    in_ports=(
        InPort(
            fields=(
                FILE_ID,
                DELIMITER,
                *PARSING,
                FILTERS,
                Field(
                    name="allAtOnce",
                    type="toggle",
                    default=True,
                    tooltip="On: one message with a list; off: one message for each row.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "rows")),),
    receive=_receive,
    on_timeout=on_parts,
)
