"""RemoveFile: deletes a file."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import FILE_ID, file_id_of
from appmixer_mcp.sandbox.context import Context

_TOLD = ("fileId", "filename", "contentType", "length", "md5", "uploadDate")


async def _receive(ctx: Context) -> None:
    file_id = file_id_of(ctx)
    await ctx.lock(f"file:{file_id}")
    ctx.send("deleted", dict(ctx.files.remove(file_id)))


COMPONENT = Component(
    type="appmixer.utils.files.RemoveFile",
    label="Remove File",
    description="Deletes a file and tells what it was.",
    in_ports=(InPort(fields=(FILE_ID,)),),
    out_ports=(OutPort(name="deleted", variables=_TOLD),),
    receive=_receive,
)
