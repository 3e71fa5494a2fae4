"""Gateways through which flows offer tools to MCP servers."""

import httpx2

from .call import Call, path
from .models.gateways import Gateway
from .resource import Resource


class Gateways(Resource):
    """The MCP gateways that the signed-in user's flows have announced."""

    async def list_gateways(self) -> list[Gateway] | None:
        """Return them all; None when the tenant has no such thing.

        Source: a plugin, which a tenant need not have.
        """
        self._needs_appmixer("list_gateways")
        call = Call("GET", path("plugins", "appmixer", "ai", "mcptools", "gateways"))
        return await self._transport.find(call, list[Gateway])

    def is_of_this_tenant(self, gateway: Gateway) -> bool:
        """Say whether the address that a gateway names is the one its component has here."""
        if not (gateway.flow_id and gateway.component_id and gateway.webhook):
            return False
        own = path("flows", gateway.flow_id, "components", gateway.component_id)
        try:
            named = httpx2.URL(gateway.webhook)
        except httpx2.InvalidURL:
            return False
        return named == httpx2.URL(f"{self._transport.session.base_url}{own}")
