"""The CSV components that change a file: the new content lies under the same file id."""

from collections.abc import Callable

import anyio

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._csv_fields import (
    DELIMITER,
    PARSING,
    WITH_HEADERS,
    Fields,
)
from appmixer_mcp.sandbox.components._csv_table import Table, delimiter_of, read_table
from appmixer_mcp.sandbox.components._file_content import (
    FILE_ID,
    check_size,
    file_id_of,
    text_of,
)
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context

Edit = Callable[[Table, Fields], None]
"""Changes a table as the fields say."""


def editing_component(
    name: str,
    label: str,
    description: str,
    *,
    fields: tuple[Field, ...],
    edit: Edit,
    always_headers: bool = False,
    version: str = "1.0.1",
) -> Component:
    """Return the component `appmixer.utils.csv.<name>`.

    Args:
        name: The last part of its type.
        label: How users see it.
        description: What it does, in one sentence.
        fields: Those beside the file, the delimiter and how cells are read.
        edit: What it does to the table. It runs on a thread of its own.
        always_headers: Whether its files always have a header; else a property says so, and
            fields how cells are compared.
        version: Of the component.
    """

    async def receive(ctx: Context) -> None:
        file_id = file_id_of(ctx)
        await ctx.lock(f"file:{file_id}")
        with_header = always_headers or is_on(ctx.properties.get("withHeaders", True))
        text = text_of(ctx, file_id)
        content = await anyio.to_thread.run_sync(_edited, text, with_header, edit, ctx.content)
        ctx.files.replace(file_id, content)
        ctx.send("fileId", {"fileId": file_id})

    shared = (FILE_ID, DELIMITER) if always_headers else (FILE_ID, DELIMITER, *PARSING)
    return Component(
        type=f"appmixer.utils.csv.{name}",
        label=label,
        description=description,
        version=version,
        properties=() if always_headers else (WITH_HEADERS,),
        in_ports=(InPort(fields=(*shared, *fields)),),
        out_ports=(OutPort(name="fileId", variables=("fileId",)),),
        receive=receive,
    )


def _edited(text: str, with_header: bool, edit: Edit, fields: Fields) -> bytes:  # noqa: FBT001 - a thread takes positions only
    table = read_table(text, delimiter_of(fields.get("delimiter")), with_header=with_header)
    edit(table, fields)
    content = table.text().encode()
    check_size(len(content))
    return content
