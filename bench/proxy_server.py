"""What one writes by hand for one endpoint: a tool that gets, and returns a model.

It finds the address of the API where ours does, in APPMIXER_BASE_URL.
"""

import os
from datetime import datetime

import httpx2
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel, Field
from starlette.applications import Starlette

url = os.environ["APPMIXER_BASE_URL"]
server = MCPServer("proxy", log_level="WARNING")  # by default it logs more than ours does
client = httpx2.AsyncClient(headers={"Authorization": "Bearer token"})


class Flow(BaseModel):
    """A flow in a list."""

    flow_id: str = Field(validation_alias="flowId")
    name: str
    stage: str
    modified_at: datetime = Field(validation_alias="mtime")
    started_at: datetime | None = Field(default=None, validation_alias="started")


class Flows(BaseModel):
    """One page of flows."""

    items: list[Flow]


@server.tool()
async def list_flows(limit: int = 20, offset: int = 0) -> Flows:
    """List flows."""
    response = await client.get(f"{url}/flows", params={"limit": limit, "offset": offset})
    response.raise_for_status()
    return Flows(items=[Flow.model_validate(flow) for flow in response.json()])


def create_app() -> Starlette:
    """Return what `uvicorn --factory` serves."""
    return server.streamable_http_app()


if __name__ == "__main__":
    server.run("stdio")
