"""Excel workbooks; imported where one is read or written, since openpyxl takes a while to load."""

import io
import math
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._csv_table import check_cells
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import tidy

_UNPACKED_MAX_BYTES = 50_000_000
_MOST_COLUMNS = 16_384
_MOST_TEXT = 32_767

Rows = list[list[Json]]


def read_workbook(content: bytes) -> Rows:
    """Return the rows of a workbook's first sheet; dates are ISO text, formulas their last result.

    Raises:
        ComponentFailedError: It is no workbook, unpacks to more than 50 MB, or has too many cells
            (retry=False).
    """
    try:
        _check_unpacked(content)
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = workbook.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size may be made up
            return _rows(sheet.iter_rows(values_only=True))
        finally:
            workbook.close()
    except ComponentFailedError:
        raise
    except Exception as error:  # openpyxl raises anything on a file that is damaged
        raise ComponentFailedError(
            f"The file cannot be read as an Excel workbook (.xlsx): {type(error).__name__}.",
            retry=False,
        ) from error


def write_workbook(rows: Rows) -> bytes:
    """Return a workbook with one sheet.

    Args:
        rows: Texts, numbers, booleans and nulls. A text that looks like a formula stays text.

    Raises:
        ComponentFailedError: A row has more cells than a sheet can hold (retry=False).
    """
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Sheet1")
    for row in rows:
        if len(row) > _MOST_COLUMNS:
            raise ComponentFailedError(
                f"A sheet holds {_MOST_COLUMNS:,} columns; a row has {len(row):,}.", retry=False
            )
        cells: list[object] = []
        for value in row:
            if isinstance(value, str):
                text = ILLEGAL_CHARACTERS_RE.sub("", value)[:_MOST_TEXT]
                cell = WriteOnlyCell(sheet, text)
                cell.data_type = "s"
                cells.append(cell)
            elif isinstance(value, float) and not math.isfinite(value):
                cells.append(None)
            else:
                cells.append(value)
        sheet.append(cells)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _check_unpacked(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # Reading an entry ends at the size that is declared here, so a bomb cannot lie about it.
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _UNPACKED_MAX_BYTES:
        raise ComponentFailedError(
            f"The workbook unpacks to {unpacked:,} bytes; at most {_UNPACKED_MAX_BYTES:,} are "
            "read. Split it into smaller files.",
            retry=False,
        )


def _rows(given: Iterable[tuple[object, ...]]) -> Rows:
    rows: Rows = []
    count = 0
    for cells in given:
        row = [_shown(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        count += len(row) + 1
        check_cells(count)
        rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _shown(value: object) -> Json:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float):
        return tidy(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
