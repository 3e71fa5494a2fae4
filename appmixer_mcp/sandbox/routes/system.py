"""What the tenant says about itself."""

import anyio.to_thread
from starlette.responses import Response
from typing_extensions import TypedDict

from appmixer_mcp import __version__
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


class ApiInfo(TypedDict):
    """That the tenant lives, and which version it is."""

    name: str
    version: str
    status: str


async def get_api_info(_: Call) -> ApiInfo:
    """Say that the tenant lives, and which version it is."""
    return {"name": "appmixer-mcp sandbox", "version": __version__, "status": "ok"}


async def get_openapi_document(call: Call) -> Response:
    """Return this document."""
    content: bytes = await anyio.to_thread.run_sync(call.request.app.state.openapi)
    return Response(content, media_type="application/json")


ENDPOINTS = (
    Endpoint("GET", "/", get_api_info, auth="none", answer=ApiInfo),
    Endpoint("GET", "/openapi.json", get_openapi_document, auth="none", ours=True),
)
