"""AddColumn: puts a column into a CSV file."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_edit import editing_component
from appmixer_mcp.sandbox.components._csv_fields import Fields
from appmixer_mcp.sandbox.components._csv_table import Row, Table, check_cells
from appmixer_mcp.sandbox.components._inputs import plain_text, unusable

_BEFORE, _AFTER = "beforeColumn", "afterColumn"


def _edit(table: Table, fields: Fields) -> None:
    position = _position(table, fields)
    check_cells((len(table.rows) + 1) * (table.width() + 2))
    if table.header is not None:
        name = plain_text(fields.get("columnName"))
        if not name or name in table.header.cells:
            raise unusable("columnName", f"must be a name that no column has, not {name!r}")
        _insert(table.header, position, name)
    for row in table.rows:
        _insert(row, position, plain_text(fields.get("defaultValue")))


def _position(table: Table, fields: Fields) -> int:
    """Return where the column goes; behind the others when no column is given (ours)."""
    field = "index" if table.header is None else "positioningColumn"
    if fields.get(field) in (None, ""):
        return table.width()
    mode = fields.get("insertMode") or _AFTER
    if mode not in (_BEFORE, _AFTER):
        raise unusable("insertMode", f"must be {_AFTER} or {_BEFORE}")
    return table.column(field, fields[field]) + (mode == _AFTER)


def _insert(row: Row, position: int, value: str) -> None:
    row.cells.extend([""] * (position - len(row.cells)))
    row.cells.insert(position, value)
    row.text = None


COMPONENT = editing_component(
    "AddColumn",
    "Add Column",
    "Puts a column into a CSV file, with the same value in each row.",
    fields=(
        Field(name="columnName", tooltip="Needed with column names."),
        Field(name="insertMode", type="select", options=(_AFTER, _BEFORE), default=_AFTER),
        Field(
            name="positioningColumn",
            tooltip="With column names: the column beside which it goes. Empty: at the end.",
        ),
        Field(
            name="index",
            type="number",
            tooltip="Without column names: the index of the column beside which it goes.",
        ),
        Field(name="defaultValue", tooltip="What each row has in the new column."),
    ),
    edit=_edit,
)
