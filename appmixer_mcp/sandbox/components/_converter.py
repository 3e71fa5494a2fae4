"""The components that convert a file which holds a table into another format."""

import anyio

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import (
    FILE_ID,
    content_of,
    file_id_of,
    renamed,
)
from appmixer_mcp.sandbox.components._tables import convert
from appmixer_mcp.sandbox.context import Context

_MEDIA_TYPES = {
    "CSV": "text/csv",
    "HTML": "text/html",
    "JSON": "application/json",
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def converter_component(source: str, target: str) -> Component:
    """Return the component `appmixer.utils.converters.<source>2<target>`."""

    async def receive(ctx: Context) -> None:
        file_id = file_id_of(ctx)
        content = content_of(ctx, file_id)
        converted = await anyio.to_thread.run_sync(convert, content, source, target)
        name = renamed(str(ctx.files.info(file_id)["filename"]), target.lower())
        made = ctx.files.create(name, converted, _MEDIA_TYPES[target])
        ctx.send("out", {"fileId": made["fileId"], "fileName": made["filename"]})

    return Component(
        type=f"appmixer.utils.converters.{source}2{target}",
        label=f"{source} to {target}",
        description=f"Converts a file with a table from {source} to {target}.",
        in_ports=(InPort(fields=(FILE_ID,)),),
        out_ports=(OutPort(variables=("fileId", "fileName")),),
        receive=receive,
    )
