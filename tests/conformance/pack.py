"""What the official conformance suite looks for, put beside whatever a server serves."""

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    RequestParams,
    SetLevelRequestParams,
)

from tests.conformance import content, questions


def extend(server: MCPServer[Any]) -> None:
    """Register every fixture, each in the SDK's own way."""
    for tool in (*content.TOOLS, *questions.TOOLS):
        server.add_tool(tool, structured_output=False)
    listed = server._tool_manager.get_tool("json_schema_2020_12_tool")
    assert listed is not None
    listed.parameters = content.KEYWORDS  # no signature gives such a schema
    for prompt in (*content.PROMPTS, *questions.PROMPTS):
        server.add_prompt(Prompt.from_function(prompt))
    _add_resources(server)
    _add_changes(server)
    _add_handlers(server)


def _add_resources(server: MCPServer[Any]) -> None:
    server.resource("test://static-text", mime_type="text/plain")(content.static_text)
    server.resource("test://static-binary", mime_type="image/png")(content.static_binary)
    server.resource("test://watched-resource", mime_type="text/plain")(content.watched)
    template = server.resource("test://template/{id}/data", mime_type="application/json")
    template(content.of_template)


def _add_changes(server: MCPServer[Any]) -> None:
    """Register what changes the lists under the eyes of those who listen."""

    async def test_trigger_tool_change(ctx: Context) -> str:
        """Serve a tool more, or one less."""
        if server._tool_manager.get_tool("test_now_and_then"):
            server.remove_tool("test_now_and_then")
        else:
            server.add_tool(content.test_simple_text, name="test_now_and_then")
        await ctx.notify_tools_changed()
        return "The tools are others now."

    async def test_trigger_prompt_change(ctx: Context) -> str:
        """Serve a prompt more, or one less."""
        if server._prompt_manager.get_prompt("test_now_and_then"):
            server.remove_prompt("test_now_and_then")
        else:
            more = Prompt.from_function(content.test_simple_prompt, name="test_now_and_then")
            server.add_prompt(more)
        await ctx.notify_prompts_changed()
        return "The prompts are others now."

    server.add_tool(test_trigger_tool_change, structured_output=False)
    server.add_tool(test_trigger_prompt_change, structured_output=False)


def _add_handlers(server: MCPServer[Any]) -> None:
    """Serve methods of older clients that we do not serve ourselves."""

    async def nothing(_ctx: ServerRequestContext[Any, Any], _params: RequestParams) -> EmptyResult:
        return EmptyResult()

    async def no_completions(
        _ctx: ServerRequestContext[Any, Any], _params: CompleteRequestParams
    ) -> CompleteResult:
        return CompleteResult(completion=Completion(values=[]))

    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, nothing)
    if lowlevel.get_request_handler("completion/complete") is None:
        lowlevel.add_request_handler("completion/complete", CompleteRequestParams, no_completions)
