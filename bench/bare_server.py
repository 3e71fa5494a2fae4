"""The least that an MCP server of this SDK can be: one tool that does nothing."""

from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

server = MCPServer("bare", log_level="WARNING")  # by default it logs more than ours does


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


def create_app() -> Starlette:
    """Return what `uvicorn --factory` serves."""
    return server.streamable_http_app()


if __name__ == "__main__":
    server.run("stdio")
