"""Versions of a flow: what its descriptor was, kept by the tenant."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.results import Facts, Instant, Number, Page, Result, Text
from appmixer_mcp.toolset import CREATE, DESTROY, READ, ToolContext, Toolset

from ._flow_models import FlowChanged
from ._flow_reading import whole_flow
from ._flow_writing import RESTARTS, flow_identity, flow_losses, write_flow
from ._shared import DESCRIPTOR_OF_FLOW, FlowId, Limit, Offset, plural

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.versions import FlowVersion as ApiVersion

TOOLSET = Toolset("versions", "What flows were: versions that the tenant keeps.")

_PAGE = 100


class FlowVersion(Facts):
    """A kept descriptor."""

    version_id: str
    number: Number = None
    kind: Text = Field(default=None, description="manual, or autosave: kept before a change.")
    label: Text = None
    kept_at: Instant = None


class FlowVersionPage(Page):
    """Versions of a flow."""

    items: list[FlowVersion]


class FlowVersionKept(Result):
    """A version that was kept."""

    version: FlowVersion


@TOOLSET.tool("List flow versions", READ)
async def list_flow_versions(
    ctx: ToolContext, flow_id: FlowId, limit: Limit = 20, offset: Offset = 0
) -> FlowVersionPage:
    """List the versions of a flow, the newest first. What one holds shows only restoring it."""
    client = await ctx.client()
    found = await client.versions.list_flow_versions(flow_id, limit=limit, offset=offset)
    if found is None:
        await _refuse(client, flow_id)
    items = [_version(one) for one in found.items]
    return FlowVersionPage.of(items, offset=offset, limit=limit, total=found.total_count)


@TOOLSET.tool("Save flow version", CREATE)
async def save_flow_version(
    ctx: ToolContext,
    flow_id: FlowId,
    label: Annotated[str, Field(description="What people see.", max_length=255)] = "",
) -> FlowVersionKept:
    """Keep what a flow is now as a version; restore_flow_version brings it back."""
    client = await ctx.client()
    kept = await client.versions.save_flow_version(flow_id, label=label)
    if kept is None:
        await _refuse(client, flow_id)
    return FlowVersionKept(version=_version(kept))


VersionId = Annotated[str, Field(description="From list_flow_versions.", min_length=1)]


async def _restore_impact(ctx: ToolContext, flow_id: FlowId, version_id: str) -> Impact:
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    version = await _found(client, flow_id, version_id)
    undo = await flow_losses(ctx, flow)
    back = "" if undo or ctx.journal is None else "; undo_change brings it back"
    present = plural(len(flow.flow or {}), "component")
    losses = [
        f"Its present {present}, for those of {_named(version)}{back}",
        *([RESTARTS] if flow.stage == "running" else []),
        *undo,
    ]
    return Impact(
        question=f"Restore the flow {quoted(flow.name)} ({flow.stage}) from a version?",
        losses=losses,
        identity=flow_identity(flow, losses) | {"version_id": version_id},
    )


@TOOLSET.tool(
    "Restore flow version", DESTROY, preview=_restore_impact, changes=(DESCRIPTOR_OF_FLOW,)
)
async def restore_flow_version(
    ctx: ToolContext, flow_id: FlowId, version_id: VersionId
) -> FlowChanged:
    """Replace a flow's descriptor with that of a version. Asks first; a running flow runs on."""
    client = await ctx.client()
    before = await whole_flow(client, flow_id)

    async def restore() -> None:
        await client.versions.restore_flow_version(flow_id, version_id)

    fields: dict[str, Any] = {"flow": None}  # which descriptor it will be, no call tells
    written = await write_flow(ctx, before, fields, tool="restore_flow_version", by=restore)
    message = f"The flow {quoted(before.name)} is what it was in that version."
    return FlowChanged(
        done=True,
        message=" ".join([message, *written.notes]),
        flow_id=flow_id,
        stage=written.stage,
        version=written.version,
        change_id=written.change_id,
    )


async def _refuse(client: "AppmixerClient", flow_id: FlowId) -> NoReturn:
    """Say why the tenant had no answer: there is no such flow, or there are no versions at all."""
    await client.flows.get_flow(flow_id, projection="flowId")
    raise NotFoundError(
        "This tenant keeps no versions of flows. list_changes shows what was changed with these "
        "tools, and undo_change takes it back."
    )


async def _found(client: "AppmixerClient", flow_id: FlowId, version_id: str) -> "ApiVersion":
    seen = 0
    while True:
        page = await client.versions.list_flow_versions(flow_id, limit=_PAGE, offset=seen)
        if page is None:
            await _refuse(client, flow_id)
        for one in page.items:
            if one.version_id == version_id:
                return one
        seen += len(page.items)
        if not page.items or seen >= page.total_count:
            raise NotFoundError(
                f"The flow has no version {quoted(version_id)}. Call list_flow_versions for those "
                "there are."
            )


def _named(version: "ApiVersion") -> str:
    name = f"version {version.version_number}" if version.version_number else "the version"
    label = f" {quoted(version.label)}" if version.label else ""
    at = f" of {version.btime:%Y-%m-%d %H:%M} UTC" if version.btime else ""
    return f"{name}{label}{at}"


def _version(version: "ApiVersion") -> FlowVersion:
    return FlowVersion(
        version_id=version.version_id,
        number=version.version_number,
        kind=version.type,
        label=version.label or None,
        kept_at=version.btime,
    )
