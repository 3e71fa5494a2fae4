"""Tables in the formats that converters read and write: CSV, HTML, JSON and XLSX.

A table is a list of rows, the first of which names the columns. Everything here works on bytes from
strangers, takes a while, and is meant to run on a thread of its own.
"""

import csv
import html
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._csv_table import check_cells, parsed_cell, read_table
from appmixer_mcp.sandbox.components._inputs import plain_text
from appmixer_mcp.sandbox.components._xml_document import Element
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_text
from appmixer_mcp.sandbox.jsontext import dumps

Rows = list[list[Json]]

_DELIMITERS = ",;\t|"


def convert(content: bytes, source: str, target: str) -> bytes:
    """Return a table in another format.

    Args:
        content: The table in the format `source`.
        source: CSV, HTML, JSON or XLSX.
        target: Another one of them.

    Raises:
        ComponentFailedError: The content is no such table, or is too large (retry=False).
    """
    rows = _READERS[source](content)
    if target in _TYPED and source not in _TYPED:
        # CSV and HTML hold text only; the others know numbers and booleans.
        rows[1:] = [[parsed_cell(to_text(cell)) for cell in row] for row in rows[1:]]
    return _WRITERS[target](rows)


def _read_csv(content: bytes) -> Rows:
    text = _decoded(content)
    first_line = text.partition("\n")[0]
    # Ours: the reference gives converters no field for the delimiter.
    delimiter = max(_DELIMITERS, key=first_line.count)
    return [list(row.cells) for row in read_table(text, delimiter, with_header=False).rows]


def _read_html(content: bytes) -> Rows:
    """Return the rows of the first table (ours); what spans several cells counts once."""
    from lxml import etree  # noqa: PLC0415 - takes a while to load; most sandboxes never need it

    parser = etree.HTMLParser(encoding="utf-8" if _is_utf8(content) else None)
    try:
        document = cast("Element | None", etree.fromstring(content, parser))
    except (etree.LxmlError, ValueError) as error:
        raise _unreadable("HTML", error) from error
    table = None if document is None else next(document.iter("table"), None)
    if table is None:
        raise ComponentFailedError("The HTML file holds no table.", retry=False)
    rows: Rows = []
    count = 0
    for row in _html_rows(table):
        found = [cell for cell in row if cell.tag in ("td", "th")]
        count += len(found) + 1
        check_cells(count)
        rows.append([_html_text(cell) for cell in found])
    return rows


def _html_rows(table: Element) -> Iterator[Element]:
    """Give the rows of a table but not those of tables within it."""
    for one in table:
        if one.tag == "tr":
            yield one
        elif one.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in one if row.tag == "tr")


def _html_text(cell: Element) -> str:
    text = "".join(cell.itertext()) if next(iter(cell), None) is not None else cell.text or ""
    return " ".join(text.split())


def _read_json(content: bytes) -> Rows:
    try:
        value = json.loads(_decoded(content))
    except (ValueError, RecursionError) as error:
        raise _unreadable("JSON", error) from error
    records = value if is_list(value) else [value]
    objects = [one for one in records if is_object(one)]
    if len(objects) == len(records):
        columns = list(dict.fromkeys(str(name) for one in objects for name in one))
        check_cells((len(records) + 1) * (len(columns) + 1))
        return [list(columns), *([one.get(name) for name in columns] for one in objects)]
    if all(is_list(one) for one in records):
        check_cells(sum(len(one) + 1 for one in records))
        return [list(one) for one in records]
    raise ComponentFailedError(
        "The JSON file must hold a list of objects, or a list of lists, to become a table.",
        retry=False,
    )


def _write_csv(rows: Rows) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([[plain_text(cell) for cell in row] for row in rows])
    return buffer.getvalue().encode("utf-8", "replace")


def _write_html(rows: Rows) -> bytes:
    lines = ["<!DOCTYPE html>", '<html><head><meta charset="utf-8"></head><body><table>']
    for index, row in enumerate(rows):
        tag = "td" if index else "th"
        cells = "".join(f"<{tag}>{html.escape(plain_text(cell))}</{tag}>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</table></body></html>")
    return "\n".join(lines).encode("utf-8", "replace")


def _write_json(rows: Rows) -> bytes:
    columns = _distinct([plain_text(cell) for cell in rows[0]]) if rows else []
    records = [dict(_named(columns, row)) for row in rows[1:]]
    return dumps(records).encode()


def _named(columns: list[str], row: list[Json]) -> Mapping[str, Json]:
    """Return a row by column; cells beyond the last column are left out."""
    cells = [*row, *([None] * (len(columns) - len(row)))]
    return dict(zip(columns, cells, strict=False))


def _distinct(names: list[str]) -> list[str]:
    """Return column names of which none is empty and none occurs twice."""
    distinct: dict[str, None] = {}
    for position, name in enumerate(names, 1):
        wanted = name or f"column{position}"
        distinct[f"{wanted}_{position}" if wanted in distinct else wanted] = None
    return list(distinct)


def _read_xlsx(content: bytes) -> Rows:
    from appmixer_mcp.sandbox.components._workbooks import read_workbook  # noqa: PLC0415 - loads openpyxl

    return read_workbook(content)


def _write_xlsx(rows: Rows) -> bytes:
    from appmixer_mcp.sandbox.components._workbooks import write_workbook  # noqa: PLC0415 - loads openpyxl

    nested = (list, dict)
    return write_workbook(
        [[dumps(cell) if isinstance(cell, nested) else cell for cell in row] for row in rows]
    )


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig" if _is_utf8(content) else "latin-1")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(kind: str, error: Exception) -> ComponentFailedError:
    return ComponentFailedError(f"The file cannot be read as {kind}: {error}.", retry=False)


_TYPED = ("JSON", "XLSX")
_READERS: dict[str, Callable[[bytes], Rows]] = {
    "CSV": _read_csv, "HTML": _read_html, "JSON": _read_json, "XLSX": _read_xlsx,
}  # fmt: skip
_WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "CSV": _write_csv, "HTML": _write_html, "JSON": _write_json, "XLSX": _write_xlsx,
}  # fmt: skip
