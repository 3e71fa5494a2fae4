"""AddRows: adds a list of rows at the end of a CSV file."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import Fields, listed_row, named_values, new_row
from appmixer_mcp.sandbox.components._csv_table import Table, check_cells
from appmixer_mcp.sandbox.components._inputs import parsed, unusable
from appmixer_mcp.sandbox.javascript import is_list, is_object


def _edit(table: Table, fields: Fields) -> None:
    rows = parsed("rows", fields.get("rows"))
    if not is_list(rows):
        raise unusable("rows", "must be a list of objects or of lists, or its JSON text")
    check_cells(len(rows) * (table.width() + 1))
    for one in rows:
        if is_object(one):
            table.rows.append(new_row(table, named_values(table, "rows", one)))
        else:
            table.rows.append(listed_row("rows", one, table.delimiter))


COMPONENT = editing_component(
    "AddRows",
    "Add Rows",
    "Adds a list of rows at the end of a CSV file.",
    fields=(
        Field(
            name="rows",
            type="textarea",
            required=True,
            tooltip='A list, or its JSON text: [{"name": "Ada"}] by column, [["Ada"]] by position.',
        ),
    ),
    edit=_edit,
    always_headers=True,
    version="1.0.0",
)
