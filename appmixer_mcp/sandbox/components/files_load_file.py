"""LoadFile: sends a file's content as text."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import FILE_ID, content_of, file_id_of
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    content = content_of(ctx, file_id_of(ctx))
    ctx.send("content", {"content": content.decode("utf-8-sig", "replace")})


COMPONENT = Component(
    type="appmixer.utils.files.LoadFile",
    label="Load File",
    description="Sends the content of a file as text.",
    in_ports=(InPort(fields=(FILE_ID,)),),
    out_ports=(OutPort(name="content", variables=("content",)),),
    receive=_receive,
)
