"""Versions of a flow: listed, kept, restored."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints
from typing_extensions import TypedDict

from appmixer_mcp.sandbox.flow_versions import (
    FlowVersions,
    VersionList,
    VersionShown,
    VersionType,
)
from appmixer_mcp.sandbox.listing import flag, listing
from appmixer_mcp.sandbox.routes.endpoint import PAGE, Call, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.flow_changes import change_flow
from appmixer_mcp.sandbox.routes.sharing import owned_flow
from appmixer_mcp.sandbox.user_flows import FlowChange


class _NewVersion(BaseModel):
    type: VersionType
    label: Annotated[str, StringConstraints(max_length=255)] = ""


class Restored(TypedDict):
    """Which version the flow is again."""

    flowId: str
    versionId: str
    result: str


async def list_flow_versions(call: Call) -> VersionList:
    """List a flow's versions, the newest first."""
    asked = listing(call.query)
    return _versions(call, owned_flow(call)["flowId"]).page(asked.limit, asked.offset)


async def create_flow_version(call: Call) -> VersionShown:
    """Keep a flow's present descriptor as a version; of each type the newest 50 are kept."""
    body = await call.body(_NewVersion)
    return _versions(call, owned_flow(call)["flowId"]).keep(body.type, body.label)


async def restore_flow_version(call: Call) -> Restored:
    """Replace a flow's descriptor by that of a version; as an update of the flow would."""
    flow, version_id = owned_flow(call), call.path("versionId")
    descriptor = _versions(call, flow["flowId"]).descriptor(version_id)
    force = flag(call.query, "forceUpdate")
    await change_flow(call.services, flow, FlowChange(descriptor=descriptor), force=force)
    return {"flowId": flow["flowId"], "versionId": version_id, "result": "restored"}


def _versions(call: Call, flow_id: str) -> FlowVersions:
    return FlowVersions(call.services.database, call.services.clock, flow_id)


ENDPOINTS = (
    Endpoint(
        "GET", "/flows/{flowId}/versions", list_flow_versions,
        query=PAGE, answer=VersionList, statuses=(403,),
    ),
    Endpoint(
        "POST", "/flows/{flowId}/versions", create_flow_version,
        body=_NewVersion, answer=VersionShown, statuses=(403,),
    ),
    Endpoint(
        "POST", "/flows/{flowId}/versions/{versionId}/restore", restore_flow_version,
        query=(Parameter(name="forceUpdate", kind="boolean"),),
        answer=Restored, statuses=(403, 409),
    ),
)  # fmt: skip
