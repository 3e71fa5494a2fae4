"""ToolOutput: ends a chain that was called as a tool, with its result."""

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort
from appmixer_mcp.sandbox.components import _tool_chain
from appmixer_mcp.sandbox.components._inputs import plain_text
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    if _tool_chain.end(ctx) is None:
        raise ComponentFailedError(
            "No call of a tool led here, or it was answered before. A chain begins with Tool Start "
            "and has one Tool Output.",
            retry=False,
        )
    ctx.respond(plain_text(ctx.content.get("output")))


COMPONENT = Component(
    type="appmixer.ai.agenttools.ToolOutput",
    label="Tool Output",
    description="Ends a chain that an assistant called as a tool, and gives it the result.",
    in_ports=(InPort(fields=(Field(name="output", type="textarea"),)),),
    receive=_receive,
)
