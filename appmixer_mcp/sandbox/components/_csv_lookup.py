"""The CSV components that look something up in a file."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from appmixer_mcp.sandbox.components._csv_fields import Fields, Parsing
from appmixer_mcp.sandbox.components._csv_table import Table, delimiter_of, read_table
from appmixer_mcp.sandbox.components._file_content import file_id_of, text_of
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context, Json


@dataclass(frozen=True)
class Found:
    """A file, and what was looked up in it."""

    file_id: str
    value: Json


async def look_up(ctx: Context, find: Callable[[Table, Fields, Parsing], Json]) -> Found:
    """Read the file of a call and return what `find`, on a thread of its own, makes of it."""
    file_id = file_id_of(ctx)
    text = text_of(ctx, file_id)
    delimiter = delimiter_of(ctx.content.get("delimiter"))
    with_header = is_on(ctx.properties.get("withHeaders", True))

    def work() -> Json:
        table = read_table(text, delimiter, with_header=with_header)
        return find(table, ctx.content, Parsing.of(ctx.content))

    return Found(file_id, await anyio.to_thread.run_sync(work))
