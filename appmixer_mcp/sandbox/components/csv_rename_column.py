"""RenameColumn: gives a column of a CSV file another name."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import Fields
from appmixer_mcp.sandbox.components._csv_table import Table
from appmixer_mcp.sandbox.components._inputs import plain_text, unusable


def _edit(table: Table, fields: Fields) -> None:
    column = table.column("columnName", fields.get("columnName"))
    name = plain_text(fields.get("newColumnName"))
    if not name or name in table.columns():
        raise unusable("newColumnName", f"must be a name that no column has, not {name!r}")
    if table.header is not None:
        table.header.put(column, name)


COMPONENT = editing_component(
    "RenameColumn",
    "Rename Column",
    "Gives a column of a CSV file another name.",
    fields=(
        Field(name="columnName", required=True, tooltip="What it is called now."),
        Field(name="newColumnName", required=True),
    ),
    edit=_edit,
    always_headers=True,
)
