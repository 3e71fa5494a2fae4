"""ArchiveFile: makes a zip file of a file."""

import anyio

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._archives import add_to_zip
from appmixer_mcp.sandbox.components._file_content import (
    FILE_ID,
    content_of,
    file_id_of,
    renamed,
)
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    """Make a new file and leave the given one (ours; of the platform only the fields are known)."""
    file_id = file_id_of(ctx)
    content = content_of(ctx, file_id)
    name = str(ctx.files.info(file_id)["filename"])
    packed = await anyio.to_thread.run_sync(add_to_zip, b"", [(name, content)], ctx.now)
    made = ctx.files.create(renamed(name, "zip"), packed, "application/zip")
    ctx.send("out", {"fileId": made["fileId"]})


COMPONENT = Component(
    type="appmixer.utils.files.ArchiveFile",
    label="Archive File",
    description="Packs a file into a new zip file.",
    in_ports=(InPort(fields=(FILE_ID,)),),
    out_ports=(OutPort(variables=("fileId",)),),
    receive=_receive,
)
