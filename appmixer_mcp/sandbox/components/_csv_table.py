"""A CSV file as rows of text, and how it is written back.

Rows that are made or changed are joined by the delimiter without quoting (documented), so a value
that holds the delimiter becomes two cells. Rows that nobody changes keep their text.
"""

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import tidy, to_number, to_text

MOST_CELLS = 500_000
"""Most cells, with one more for each row, of a table that is worked on as a whole (ours)."""

# Zeros that lead, and digits that a number would not keep, mean that the text is no quantity.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_BOOLEANS = {"true": True, "false": False}


@dataclass
class Row:
    """One record of a file."""

    cells: list[str]
    text: str | None = None
    """As it stands in the file, line end and all; None when it is new or was changed."""

    def cell(self, column: int) -> str:
        """Return a cell; empty where the row is too short."""
        return self.cells[column] if column < len(self.cells) else ""

    def put(self, column: int, value: str) -> None:
        """Change a cell; a row that is too short is filled up to it."""
        self.cells.extend([""] * (column + 1 - len(self.cells)))
        self.cells[column] = value
        self.text = None


@dataclass
class Table:
    """The rows of a file, the header apart when it has one."""

    header: Row | None
    rows: list[Row]
    delimiter: str

    def columns(self) -> list[str]:
        """Return the column names; empty when there is no header."""
        return [] if self.header is None else self.header.cells

    def width(self) -> int:
        """Return how many columns there are: those of the header, or else of the longest row."""
        if self.header is not None:
            return len(self.header.cells)
        return max((len(row.cells) for row in self.rows), default=0)

    def column(self, field: str, value: Json) -> int:
        """Return the position of a column, given by its name or, without a header, by its index.

        Raises:
            ComponentFailedError: There is no such column (retry=False).
        """
        if self.header is not None:
            name = to_text(value)
            if name in self._positions:
                return self._positions[name]
            listed = ", ".join(self.header.cells) or "none"
            raise unusable(field, f"names the column {name!r}; the file has {listed}")
        index = to_number(value)
        if value in (None, "") or index not in range(self._first_width):
            raise unusable(field, f"must be a column index from 0 to {self._first_width - 1}")
        return int(index)

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Column name -> position, as it was before any change; of two the first."""
        return {name: at for at, name in reversed(list(enumerate(self.columns())))}

    @cached_property
    def _first_width(self) -> int:
        return self.width()  # looks at every row, and a column is asked for again and again

    def text(self) -> str:
        """Return the file's new content; each changed row ends in a line feed.

        Raises:
            ComponentFailedError: It would be larger than `MOST_BYTES` (retry=False).
        """
        rows = self.rows if self.header is None else [self.header, *self.rows]
        # Cells that one change filled are one text in memory, but not in the file.
        check_size(sum(len(cell) + 1 for row in rows if row.text is None for cell in row.cells))
        lines = [
            f"{self.delimiter.join(row.cells)}\n" if row.text is None else row.text for row in rows
        ]
        for index, line in enumerate(lines[:-1]):
            if not line.endswith(("\n", "\r")):  # what was the last row is not any more
                lines[index] = f"{line}\n"
        return "".join(lines)


class _Lines:
    """Gives the lines of a text and remembers which were taken."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def read_table(text: str, delimiter: str, *, with_header: bool) -> Table:
    """Return the table that a CSV text holds; empty lines are left out.

    Args:
        text: CSV with quoting as in RFC 4180.
        delimiter: One character.
        with_header: Whether the first row names the columns. Without any row there is a header
            without columns.

    Raises:
        ComponentFailedError: It is no CSV, or has more than `MOST_CELLS` cells (retry=False).
    """
    lines = _Lines(text)
    rows: list[Row] = []
    count = 0
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            taken, lines.taken = "".join(lines.taken), []
            if not cells:
                continue
            rows.append(Row(cells, taken))
            count += len(cells) + 1
            check_cells(count)
    except (csv.Error, TypeError, ValueError) as error:
        raise ComponentFailedError(f"The file is no CSV: {error}.", retry=False) from error
    header = (rows.pop(0) if rows else Row([])) if with_header else None
    return Table(header, rows, delimiter)


def check_cells(count: int) -> None:
    """Refuse more than `MOST_CELLS` cells.

    Raises:
        ComponentFailedError: There are more (retry=False).
    """
    if count > MOST_CELLS:
        raise ComponentFailedError(
            f"The table has more than {MOST_CELLS:,} cells. Split it into smaller files.",
            retry=False,
        )


def delimiter_of(value: Json) -> str:
    r"""Return the delimiter that a field gives: one character, or `\t` spelled out; else a comma.

    Raises:
        ComponentFailedError: It is something else (retry=False).
    """
    if value in (None, ""):
        return ","
    text = "\t" if value == "\\t" else to_text(value)
    if len(text) != 1 or text in '"\r\n\0':
        raise unusable("delimiter", "must be one character, such as , or ;")
    return text


def parsed_cell(text: str, *, numbers: bool = True, booleans: bool = True) -> Json:
    """Return the number or boolean that a cell spells, or its text.

    Text such as `007`, or a number of more than 15 digits, stays text (ours).
    """
    if numbers and _NUMBER.fullmatch(text):
        return tidy(float(text))
    if booleans:
        return _BOOLEANS.get(text.lower(), text)
    return text
