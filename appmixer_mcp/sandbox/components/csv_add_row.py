"""AddRow: adds a row at the end of a CSV file."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import Fields, listed_row, new_row, values_of
from appmixer_mcp.sandbox.components._csv_table import Table


def _edit(table: Table, fields: Fields) -> None:
    if table.header is None:
        table.rows.append(listed_row("row", fields.get("row"), table.delimiter))
    else:
        values = values_of(table, "rowWithColumns", fields.get("rowWithColumns"))
        table.rows.append(new_row(table, values))


COMPONENT = editing_component(
    "AddRow",
    "Add Row",
    "Adds a row at the end of a CSV file.",
    fields=(
        Field(
            name="rowWithColumns",
            type="expression",
            tooltip='With column names: {"AND": [{"column": "age", "value": 17}]}; the other cells '
            "are empty.",
        ),
        Field(
            name="row",
            tooltip="Without column names: the cells as a list, or as text with delimiters.",
        ),
    ),
    edit=_edit,
)
