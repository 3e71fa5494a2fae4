"""LoadFileLines: sends one message for each line of a file."""

import io
from itertools import islice

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._file_content import FILE_ID, content_of, file_id_of
from appmixer_mcp.sandbox.components._many_messages import MOST_MESSAGES, on_parts, send_in_parts
from appmixer_mcp.sandbox.context import Context, Json


async def _receive(ctx: Context) -> None:
    text = content_of(ctx, file_id_of(ctx)).decode("utf-8-sig", "replace")
    lines: list[Json] = [
        {"index": index, "line": line.removesuffix("\n")}
        for index, line in enumerate(islice(io.StringIO(text, newline=None), MOST_MESSAGES + 1))
    ]
    send_in_parts(ctx, "content", lines)


COMPONENT = Component(
    type="appmixer.utils.files.LoadFileLines",
    label="Load File Lines",
    description="Sends one message for each line of a file, in order.",
    in_ports=(InPort(fields=(FILE_ID,)),),
    out_ports=(OutPort(name="content", variables=("index", "line")),),
    receive=_receive,
    on_timeout=on_parts,
)
