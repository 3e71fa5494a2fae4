"""The component types that the tenant has."""

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


async def list_components(call: Call) -> Json:
    """List component types, or with `manifest=yes` their manifests; none of them is private."""
    selector = call.query.get("selector", "").rstrip(".*")
    found = [
        component
        for component in components.every()
        if not selector or f"{component.type}.".startswith(f"{selector}.")
    ]
    if flag(call.query, "manifest"):
        return [component.manifest() for component in found]
    if call.services.config.dialect == "openapi":
        return [{"name": one.type, "label": one.label, "type": one.type} for one in found]
    return [component.type for component in found]


ENDPOINTS = (Endpoint("GET", "/components", list_components, auth="optional"),)
