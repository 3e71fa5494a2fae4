"""Flows: list, read, build, run and remove them."""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import source_links
from appmixer_mcp.projections import WITHOUT_DESCRIPTOR
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CREATE, DESTROY, READ, RUN, ToolContext, Toolset

from ._flow_conflicts import remember
from ._flow_models import (
    FlowAuthentication,
    FlowChanged,
    FlowComponent,
    FlowCount,
    FlowDetail,
    FlowPage,
    summary,
)
from ._flow_previews import delete_impact, refuse_unsound, update_impact
from ._flow_reading import whole_flow
from ._flow_restoring import deleted_state
from ._flow_writing import note_made_flow, write_flow
from ._keeping import keep
from ._shared import (
    DESCRIPTOR_OF_FLOW,
    LOGS_OF_FLOW,
    Filters,
    FlowId,
    Limit,
    Name,
    Offset,
    Sort,
    plural,
)

TOOLSET = Toolset("flows", "List, read, build, run and remove flows.")

Descriptor = Annotated[
    dict[str, Any],
    Field(
        description="Component id (a UUID) -> {type, label, x, y, source, config, errorHandling}; "
        "source: in port -> {source component id: [out ports]}."
    ),
]
CustomFields = Annotated[dict[str, Any], Field(description="Own metadata; list_flows filters it.")]
Pattern = Annotated[str, Field(description="Part of the flow's name or id.")]


@TOOLSET.tool("List flows", READ, selectable=Selectable(always=("flow_id",)))
async def list_flows(
    ctx: ToolContext,
    pattern: Pattern = "",
    filter: Filters = [],
    sort: Sort = "mtime:-1",
    limit: Limit = 20,
    offset: Offset = 0,
    shared_with_permissions: Annotated[
        str, Field(description="Only flows shared with these: read,start,stop.")
    ] = "",
) -> FlowPage:
    """List flows with their stage, last changed first; get_flow shows one in detail."""
    client = await ctx.client()
    flows = await client.flows.list_flows(
        pattern=pattern or None,
        filters=filter,
        sort=sort,
        limit=limit,
        offset=offset,
        projection=WITHOUT_DESCRIPTOR,
        shared_with_permissions=shared_with_permissions or None,
    )
    total = None
    if (offset or len(flows) == limit) and not shared_with_permissions:
        total = await client.flows.count_flows(pattern=pattern or None, filters=filter)
    items = [summary(flow) for flow in flows]
    return FlowPage.of(items, offset=offset, limit=limit, total=total)


@TOOLSET.tool("Count flows", READ)
async def count_flows(
    ctx: ToolContext,
    pattern: Pattern = "",
    filter: Filters = [],
) -> FlowCount:
    """Count flows, all or those that match."""
    client = await ctx.client()
    count = await client.flows.count_flows(pattern=pattern or None, filters=filter)
    return FlowCount(count=count)


@TOOLSET.tool("Get flow", READ, selectable=Selectable(always=("component_id",), of="components"))
async def get_flow(
    ctx: ToolContext,
    flow_id: FlowId,
    detail: Annotated[
        Literal["summary", "components", "descriptor"],
        Field(description="descriptor is the whole definition and long; take it to edit."),
    ] = "components",
    component_ids: Annotated[
        list[str], Field(description="Only these components; all if empty.")
    ] = [],
) -> FlowDetail:
    """Show one flow: its summary, its components and wiring, or its descriptor."""
    flow = await whole_flow(await ctx.client(), flow_id)
    descriptor = flow.flow or {}
    wanted = {
        one: entry for one, entry in descriptor.items() if not component_ids or one in component_ids
    }
    unknown = [one for one in component_ids if one not in descriptor]
    base_url = str((await ctx.client()).get("base_url"))
    at = "appmixer://flows/{}/descriptor" if detail == "descriptor" else "appmixer://flows/{}"
    return FlowDetail(
        flow_id=flow.flow_id,
        name=flow.name or "",
        stage=flow.stage or "",
        version=remember(ctx, flow),
        description=flow.description,
        created_at=flow.created_at,
        modified_at=flow.modified_at,
        started_at=flow.started_at,
        stopped_at=flow.stopped_at,
        component_count=len(descriptor),
        unknown_components=unknown or None,
        custom_fields=flow.custom_fields or None,
        components=[
            _component(one, entry, f"{base_url}/flows/{flow.flow_id}")
            for one, entry in wanted.items()
        ]
        if detail == "components"
        else None,
        descriptor=wanted if detail == "descriptor" else None,
    ).also_at(at, flow.flow_id)


@TOOLSET.tool("Create flow", CREATE)
async def create_flow(
    ctx: ToolContext,
    name: Name,
    descriptor: Descriptor = {},
    custom_fields: CustomFields = {},
) -> FlowChanged:
    """Create a stopped flow from a descriptor, or an empty one.

    A malformed descriptor is refused with every problem, and nothing is created. Whether component
    types, ports and fields exist is checked by start_flow.
    """
    refuse_unsound(descriptor)
    properties = {"customFields": custom_fields} if custom_fields else None
    flow_id = await (await ctx.client()).flows.create_flow(name, descriptor, properties)
    size = plural(len(descriptor), "component")
    return FlowChanged(
        done=True,
        message=f"Created the flow {quoted(name)} with {size}, stopped.",
        flow_id=flow_id,
        stage="stopped",
        next_step="start_flow runs it." if descriptor else "update_flow or edit_flow fills it.",
        **await note_made_flow(ctx, flow_id, tool="create_flow"),
    )


@TOOLSET.tool("Update flow", DESTROY, preview=update_impact, changes=(DESCRIPTOR_OF_FLOW,))
async def update_flow(
    ctx: ToolContext,
    flow_id: FlowId,
    name: Annotated[str, Field(description="A new name.", max_length=255)] = "",
    descriptor: Annotated[
        dict[str, Any] | SkipJsonSchema[None],
        Field(description="The whole new descriptor; entries not in it are removed."),
    ] = None,
    custom_fields: Annotated[
        dict[str, Any] | SkipJsonSchema[None], Field(description="The new custom fields.")
    ] = None,
) -> FlowChanged:
    """Change a flow's name, descriptor or custom fields; take get_flow's descriptor and edit it.

    Asks first when components would go, over half would change, or the flow runs.
    """
    before = await whole_flow(await ctx.client(), flow_id)
    update: dict[str, Any] = {"name": name} if name else {}
    if descriptor is not None:
        update["flow"] = descriptor
    if custom_fields is not None:
        update["customFields"] = custom_fields
    written = await write_flow(ctx, before, update, tool="update_flow")
    said = f"Changed the flow {quoted(name or before.name)}."
    return FlowChanged(
        done=True,
        message=" ".join((said, *written.notes)),
        flow_id=flow_id,
        stage=written.stage,
        version=written.version,
        change_id=written.change_id,
    )


@TOOLSET.tool("Clone flow", CREATE)
async def clone_flow(ctx: ToolContext, flow_id: FlowId) -> FlowChanged:
    """Make a stopped copy of a flow, with new component ids; update_flow renames it."""
    clone_id = await (await ctx.client()).flows.clone_flow(flow_id)
    return FlowChanged(
        done=True,
        message=f"Copied the flow {flow_id}.",
        flow_id=clone_id,
        stage="stopped",
        **await note_made_flow(ctx, clone_id, tool="clone_flow"),
    )


@TOOLSET.tool(
    "Delete flow",
    DESTROY,
    preview=delete_impact,
    changes=(DESCRIPTOR_OF_FLOW, LOGS_OF_FLOW),
)
async def delete_flow(ctx: ToolContext, flow_id: FlowId) -> FlowChanged:
    """Delete a flow. Shows what would be lost first; undo_change brings the flow back."""
    client = await ctx.client()
    flow = await client.flows.get_flow(flow_id)
    state = await deleted_state(client, flow)
    async with keep(ctx, "flow", flow_id, flow.name or "", state, tool="delete_flow") as kept:
        await client.flows.delete_flow(flow_id)
        kept.done(None)
    return FlowChanged(
        done=True,
        message=f"Deleted the flow {quoted(flow.name)}.",
        flow_id=flow_id,
        change_id=kept.change_id,
    )


@TOOLSET.tool("Start flow", RUN)
async def start_flow(ctx: ToolContext, flow_id: FlowId) -> FlowChanged:
    """Start a flow, so that its triggers listen; one that runs already stays so."""
    await (await ctx.client()).flows.start_flow(flow_id)
    return FlowChanged(
        done=True,
        message=f"The flow {flow_id} runs.",
        flow_id=flow_id,
        stage="running",
        next_step="query_logs with this flow_id shows what it does.",
    )


@TOOLSET.tool("Stop flow", RUN)
async def stop_flow(ctx: ToolContext, flow_id: FlowId) -> FlowChanged:
    """Stop a flow; messages on their way are dropped. One that is stopped already stays so."""
    await (await ctx.client()).flows.stop_flow(flow_id)
    return FlowChanged(
        done=True, message=f"The flow {flow_id} is stopped.", flow_id=flow_id, stage="stopped"
    )


@TOOLSET.tool("Get flow authentication", READ)
async def get_flow_authentication(ctx: ToolContext, flow_id: FlowId) -> FlowAuthentication:
    """Show which components of a flow need an account, and which accounts they can use."""
    found = await (await ctx.client()).flows.get_flow_authentication(flow_id)
    return FlowAuthentication(flow_id=flow_id, components=found.components, services=found.services)


def _component(component_id: str, entry: Any, flow_url: str) -> FlowComponent:
    component_type = str(entry.get("type"))
    links = sorted(source_links(entry.get("source")))
    webhook = not links and "webhook" in component_type.lower()
    return FlowComponent(
        component_id=component_id,
        type=component_type,
        label=entry.get("label"),
        sources=[f"{sender}.{out_port} -> {in_port}" for in_port, sender, out_port in links],
        webhook_url=f"{flow_url}/components/{component_id}" if webhook else None,
    )
