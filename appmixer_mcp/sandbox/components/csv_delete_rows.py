"""DeleteRows: takes rows out of a CSV file."""

from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import FILTERS, INDEXES, Fields, chosen_rows
from appmixer_mcp.sandbox.components._csv_table import Table


def _edit(table: Table, fields: Fields) -> None:
    gone = set(chosen_rows(table, fields))
    table.rows = [row for at, row in enumerate(table.rows) if at not in gone]


COMPONENT = editing_component(
    "DeleteRows",
    "Delete Rows",
    "Deletes the rows of a CSV file that match the filters, or those at some positions.",
    fields=(FILTERS, INDEXES),
    edit=_edit,
)
