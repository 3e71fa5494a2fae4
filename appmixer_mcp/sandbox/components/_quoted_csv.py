"""CSV text from rows, made so that any spreadsheet reads it."""

import csv
import io
from collections.abc import Iterable, Sequence

from appmixer_mcp.sandbox.components._inputs import plain_text
from appmixer_mcp.sandbox.context import Json


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Json]]) -> bytes:
    """Return a table as CSV with every value quoted; objects and lists become JSON text."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([plain_text(value) for value in row] for row in rows)
    # Half a surrogate pair is no character, and so cannot be written.
    return written.getvalue().encode(errors="replace")
