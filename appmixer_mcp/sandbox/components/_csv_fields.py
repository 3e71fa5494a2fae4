"""What the fields of the CSV components say: which rows, which columns, how cells are read."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.comparison import order
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._csv_table import MOST_CELLS, Row, Table, parsed_cell
from appmixer_mcp.sandbox.components._inputs import entries, is_on, plain_text, unusable
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, loosely_equal, to_text
from appmixer_mcp.sandbox.pattern import search

Fields = Mapping[str, Json]

DELIMITER = Field(
    name="delimiter", default=",", required=True, tooltip="One character, such as , or ;"
)
PARSING = (
    Field(name="parseNumbers", type="toggle", default=True, tooltip="Read 17 as a number."),
    Field(name="parseBooleans", type="toggle", default=True, tooltip="Read true as a boolean."),
)
WITH_HEADERS = Field(
    name="withHeaders",
    type="toggle",
    default=True,
    label="Use column names",
    tooltip="Whether the first row names the columns; else columns are told by their index.",
)
FILTERS = Field(
    name="filters",
    type="expression",
    tooltip='{"OR": [{"AND": [{"column": "age", "operator": ">", "value": 17}]}]}; operators: '
    "= != > >= < <= regex. Without column names a column is its index.",
)
INDEX = Field(name="index", type="number", tooltip="Which row, from 0, the header not counted.")
INDEXES = Field(name="indexes", tooltip="Which ones, from 0, such as 0,3,6-7.")

CHOOSING = (DELIMITER, *PARSING, FILTERS, INDEX)
"""What says which row is looked up, beside the file."""

_LONGEST_S = 10.0  # for the filters on all rows
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", re.ASCII)


@dataclass(frozen=True)
class Parsing:
    """How the text of a cell is read."""

    numbers: bool
    booleans: bool

    @staticmethod
    def of(fields: Fields) -> "Parsing":
        """Return what `parseNumbers` and `parseBooleans` say; both are on when unset."""
        numbers, booleans = (is_on(fields.get(one.name, True)) for one in PARSING)
        return Parsing(numbers, booleans)

    def cell(self, text: str) -> Json:
        """Return the value of a cell."""
        return parsed_cell(text, numbers=self.numbers, booleans=self.booleans)

    def shown(self, table: Table, row: Row, row_format: Json = "object") -> Json:
        """Return a row as column name -> value; as a list when there is no header, or on wish."""
        if table.header is None or row_format == "array":
            return [self.cell(text) for text in row.cells]
        columns = enumerate(table.header.cells)
        return {name: self.cell(row.cell(index)) for index, name in columns}


def chosen_rows(table: Table, fields: Fields) -> list[int]:
    """Return the positions of the rows that `index`, `indexes` or else `filters` choose, in order.

    Raises:
        ComponentFailedError: None of them is set, or one cannot be understood (retry=False).
        InputError: A regular expression is none, or takes too long.
    """
    for name in ("index", "indexes"):
        if fields.get(name) not in (None, ""):
            wanted = positions(name, fields[name])
            return [at for at in sorted(wanted) if at < len(table.rows)]
    matches = row_test(table, fields)
    if matches is None:
        raise unusable("filters", "is empty; say which rows, for example by their column values")
    return [at for at, row in enumerate(table.rows) if matches(row)]


def row_test(table: Table, fields: Fields) -> Callable[[Row], bool] | None:
    """Return the test that `filters` make: any OR of which each AND holds; None when unset."""
    groups = [
        [_condition(table, one, Parsing.of(fields)) for one in entries("filters", group, "AND")]
        for group in entries("filters", fields.get("filters"), "OR")
    ]
    if not groups:
        return None
    ends_s = time.monotonic() + _LONGEST_S

    def in_time(holds: Callable[[Row], bool], row: Row) -> bool:
        if time.monotonic() > ends_s:
            raise ComponentFailedError(
                "The filters take too long on so many rows. Use fewer or simpler ones.", retry=False
            )
        return holds(row)

    return lambda row: any(all(in_time(holds, row) for holds in group) for group in groups)


def positions(field: str, value: Json) -> set[int]:
    """Return the positions that a text such as `0,3,6-7` lists, both ends included.

    Raises:
        ComponentFailedError: It is something else (retry=False).
    """
    found: set[int] = set()
    listed = 0
    for part in to_text(value).split(","):
        bounds = _RANGE.fullmatch(part)
        if bounds is None:
            raise unusable(field, "must list positions from 0, such as 0,3,6-7")
        first = int(bounds[1])
        last = int(bounds[2]) if bounds[2] else first
        listed += max(0, last - first) + 1
        if listed > MOST_CELLS:  # more than any table has
            raise unusable(field, "covers too many positions")
        found.update(range(first, last + 1))
    return found


def values_of(table: Table, field: str, value: Json) -> dict[int, str]:
    """Return position -> cell for entries such as `{"AND": [{"column": "a", "value": 1}]}`.

    Raises:
        ComponentFailedError: They have another shape, or name no column (retry=False).
    """
    return {
        table.column(field, one.get("column")): plain_text(one.get("value"))
        for one in entries(field, value, "AND")
    }


def named_values(table: Table, field: str, value: Mapping[str, Json]) -> dict[int, str]:
    """Return position -> cell for an object of column name -> value."""
    return {table.column(field, name): plain_text(one) for name, one in value.items()}


def new_row(table: Table, cells: Mapping[int, str]) -> Row:
    """Return a row as wide as the table with some cells filled."""
    return Row([cells.get(column, "") for column in range(table.width())])


def listed_row(field: str, value: Json, delimiter: str) -> Row:
    """Return the row that a list, or a text of cells with delimiters, stands for."""
    if is_list(value):
        return Row([plain_text(one) for one in value])
    if is_object(value) or value is None:
        raise unusable(field, "must be a list of cells, or a text with delimiters")
    return Row(to_text(value).split(delimiter))


def names(field: str, value: Json) -> list[str]:
    """Return the names that a list, an expression or a text with commas holds, in order."""
    if is_object(value):
        return [to_text(one.get("column", "")) for one in entries(field, value, "AND")]
    listed = value if is_list(value) else to_text(value or "").split(",")
    return list(dict.fromkeys(name for one in listed if (name := to_text(one).strip())))


def _condition(table: Table, one: Mapping[str, Json], parsing: Parsing) -> Callable[[Row], bool]:
    column = table.column("filters", one.get("column"))
    operator, expected = one.get("operator", "="), one.get("value")
    if operator == "regex":
        return lambda row: search(to_text(expected), row.cell(column)) is not None
    test = _OPERATORS.get(operator) if isinstance(operator, str) else None
    if test is None:
        known = " ".join((*_OPERATORS, "regex"))
        raise ComponentFailedError(
            f"There is no operator {operator!r}. There are: {known}.", retry=False
        )
    return lambda row: test(parsing.cell(row.cell(column)), expected)


def _equal(left: Json, right: Json) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return to_text(left).lower() == to_text(right).lower()
    return loosely_equal(left, right)


_OPERATORS: dict[str, Callable[[Json, Json], bool]] = {
    "=": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": lambda left, right: order(left, right) == 1,
    ">=": lambda left, right: order(left, right) in (0, 1),
    "<": lambda left, right: order(left, right) == -1,
    "<=": lambda left, right: order(left, right) in (-1, 0),
}
