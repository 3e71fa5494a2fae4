"""UpdateRows: changes cells of the rows of a CSV file that match a filter."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import FILTERS, Fields, chosen_rows, values_of
from appmixer_mcp.sandbox.components._csv_table import Table


def _edit(table: Table, fields: Fields) -> None:
    values = values_of(table, "values", fields.get("values"))
    for at in chosen_rows(table, fields):
        for column, value in values.items():
            table.rows[at].put(column, value)


COMPONENT = editing_component(
    "UpdateRows",
    "Update Rows",
    "Changes cells of every row of a CSV file that matches the filters.",
    fields=(
        FILTERS,
        Field(
            name="values",
            type="expression",
            required=True,
            tooltip='{"AND": [{"column": "age", "value": 18}]}; without column names a column is '
            "its index.",
        ),
    ),
    edit=_edit,
)
