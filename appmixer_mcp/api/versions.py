"""Versions of flows: list, keep, restore. Older tenants have none."""

from typing import Literal

from .call import Call, json_body, path, query, shown
from .models.base import FlowId
from .models.versions import FlowVersion, FlowVersionPage
from .resource import Resource


class Versions(Resource):
    """The versions of the signed-in user's own flows.

    Source: observed; neither the SDK nor the documentation has these calls. No call shows what
    a version holds.
    """

    async def list_flow_versions(
        self, flow_id: FlowId, *, limit: int | None = None, offset: int | None = None
    ) -> FlowVersionPage | None:
        """Return one page of versions; None when the tenant has no versions, or not this flow.

        Args:
            flow_id: Whose versions.
            limit: Page size; the API's own default is 100.
            offset: Index of the first version, from 0.
        """
        self._needs_appmixer("list_flow_versions")
        asked = query({"limit": limit, "offset": offset})
        return await self._transport.find(
            Call("GET", path("flows", flow_id, "versions"), asked), FlowVersionPage
        )

    async def save_flow_version(
        self, flow_id: FlowId, *, label: str = "", kind: Literal["manual", "autosave"] = "manual"
    ) -> FlowVersion | None:
        """Keep the flow's present descriptor; None when the tenant has no versions.

        Args:
            flow_id: Which flow.
            label: What people see, at most 255 characters.
            kind: `autosave` for one that nobody asked for.
        """
        self._needs_appmixer("save_flow_version")
        content = {"type": kind, "label": label} if label else {"type": kind}
        call = Call("POST", path("flows", flow_id, "versions"), body=json_body(content))
        return await self._transport.find(call, FlowVersion)

    async def restore_flow_version(self, flow_id: FlowId, version_id: str) -> None:
        """Replace the flow's descriptor with that of a version; the flow should be stopped.

        Raises:
            NotFoundError: There is no such version.
            ConflictError: The flow runs, on tenants that refuse it then.
        """
        self._needs_appmixer("restore_flow_version")
        call = Call(
            "POST",
            path("flows", flow_id, "versions", version_id, "restore"),
            body=json_body({}),
            advice={
                404: f"The flow has no version {shown(version_id)}. Call list_flow_versions for "
                "those there are.",
                409: "A running flow is not restored. Call stop_flow first.",
            },
            about_flow=True,
        )
        await self._transport.send(call)
