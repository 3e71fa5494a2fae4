"""DeleteColumns: takes columns out of a CSV file."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import INDEXES, Fields, names, positions
from appmixer_mcp.sandbox.components._csv_table import Table
from appmixer_mcp.sandbox.components._inputs import unusable


def _edit(table: Table, fields: Fields) -> None:
    gone = _columns(table, fields)
    for row in table.rows if table.header is None else (table.header, *table.rows):
        row.cells = [cell for at, cell in enumerate(row.cells) if at not in gone]
        row.text = None


def _columns(table: Table, fields: Fields) -> set[int]:
    field = "indexes" if table.header is None else "columns"
    if fields.get(field) in (None, ""):
        raise unusable(field, "is empty; say which columns to delete")
    if table.header is None:
        return positions(field, fields[field])
    return {table.column(field, name) for name in names(field, fields[field])}


COMPONENT = editing_component(
    "DeleteColumns",
    "Delete Columns",
    "Deletes columns of a CSV file.",
    fields=(
        Field(name="columns", tooltip="With column names: those to delete, as a list or a,b."),
        INDEXES,
    ),
    edit=_edit,
)
