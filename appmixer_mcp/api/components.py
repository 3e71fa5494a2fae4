"""Component types: what flows are built of."""

import re

from appmixer_mcp.errors import NotFoundError

from .call import Call, path, query, shown
from .models.components import ComponentManifest, ComponentName
from .resource import Resource

_TYPE = re.compile(r"[^.*\s]+(?:\.[^.*\s]+){3}")


class Components(Resource):
    """The component types of the tenant, as far as the signed-in user sees them."""

    async def list_components(self) -> list[ComponentName]:
        """Return every component type; a tenant may have thousands."""
        return await self._transport.request(Call("GET", path("components")), list[ComponentName])

    async def get_component(self, component_type: str) -> ComponentManifest:
        """Return a component type's manifest.

        Args:
            component_type: For example `appmixer.utils.http.Get`.

        Raises:
            NotFoundError: The tenant has none of this type, or not for this user.
        """
        missing = (
            f"This tenant has no component {shown(component_type)}. A type is "
            "vendor.service.module.Component, as get_flow shows it for each component."
        )
        if not _TYPE.fullmatch(component_type):
            raise NotFoundError(missing)  # a shorter selector asks for many manifests
        asked = query({"manifest": "yes", "selector": component_type})
        call = Call("GET", path("components"), asked, advice={404: missing})
        for manifest in await self._transport.request(call, list[ComponentManifest]):
            if manifest.name == component_type:
                return manifest
        raise NotFoundError(missing)
