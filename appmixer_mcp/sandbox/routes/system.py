"""What the tenant says about itself."""

from appmixer_mcp import __version__
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


async def show(_: Call) -> Json:
    """Answer that the tenant lives, and which version it is."""
    return {"name": "appmixer-mcp sandbox", "version": __version__, "status": "ok"}


ENDPOINTS = (Endpoint("GET", "/", show, auth="none"),)
