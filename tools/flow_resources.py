"""What clients read about flows under an address, and what flows are built of."""

from typing import ClassVar

from appmixer_mcp.projections import WITHOUT_DESCRIPTOR
from appmixer_mcp.prompting import guide
from appmixer_mcp.results import Object, Result, Text
from appmixer_mcp.toolset import Choice, ToolContext

from ._choices import MOST_CHOICES, fitting, plain_part
from ._flow_models import FlowDetail, FlowPage, FlowSummary, summary
from ._flow_reading import whole_flow
from ._shared import FlowId
from ._validating import Problem, check
from .flows import TOOLSET, get_flow

_MOST_FLOWS = 1_000
_PAGE = 100


class FlowState(FlowDetail):
    """A flow with what is wrong with it."""

    problems: list[Problem]
    fully_checked: bool
    """False: the tenant did not say, so only the form of the descriptor was checked."""


class ComponentDetail(Result):
    """A component type."""

    component_type: str
    label: Text = None
    description: Text = None
    manifest: Object

    more_by: ClassVar[str] = "the tenant's own interface shows the rest"


@TOOLSET.resource("appmixer://flows", "Flows")
async def flows(ctx: ToolContext) -> FlowPage:
    """Every flow with its id, name and stage, last changed first; the first 1,000 of more."""
    client = await ctx.client()
    found: dict[str, FlowSummary] = {}  # a flow that changes meanwhile moves to another page
    total = None
    for offset in range(0, _MOST_FLOWS, _PAGE):
        page = await client.flows.list_flows(
            sort="mtime:-1", limit=_PAGE, offset=offset, projection=WITHOUT_DESCRIPTOR
        )
        found |= {flow.flow_id: summary(flow) for flow in page}
        if len(page) < _PAGE:
            break
    else:
        total = await client.flows.count_flows()
    return FlowPage.of(list(found.values()), offset=0, limit=_MOST_FLOWS, total=total)


@TOOLSET.resource("appmixer://flows/{flow_id}", "Flow")
async def flow(ctx: ToolContext, flow_id: FlowId) -> FlowState:
    """A flow's summary, components and wiring, and what keeps it from starting."""
    detail = await get_flow(ctx, flow_id)
    client = await ctx.client()
    checked = await check(client, await whole_flow(client, flow_id))
    return FlowState(**dict(detail), problems=checked.problems, fully_checked=not checked.note)


@TOOLSET.resource("appmixer://flows/{flow_id}/descriptor", "Flow descriptor")
async def flow_descriptor(ctx: ToolContext, flow_id: FlowId) -> FlowDetail:
    """A flow's whole definition, as update_flow takes it: component id -> entry."""
    return await get_flow(ctx, flow_id, "descriptor")


@TOOLSET.resource("appmixer://components/{component_type}", "Component")
async def component(ctx: ToolContext, component_type: str) -> ComponentDetail:
    """A component type's manifest without its icon: ports, their fields, settings, account."""
    found = await (await ctx.client()).components.get_component(component_type)
    return ComponentDetail(
        component_type=found.name,
        label=found.label,
        description=found.description,
        manifest=found.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"icon"}),
    )


@TOOLSET.resource("appmixer://guide/flows", "How to write flows", "text/markdown")
async def flow_guide(_ctx: ToolContext) -> str:
    """Our guide to flow descriptors: entries, wiring, how values travel, what is refused."""
    return guide()


@TOOLSET.completes("flow_id")
async def complete_flow(ctx: ToolContext, text: str) -> list[Choice]:
    """Find flows, those changed last first."""
    client = await ctx.client()
    found = await client.flows.list_flows(
        pattern=plain_part(text),
        sort="mtime:-1",
        limit=MOST_CHOICES,
        projection="flowId,name",
    )
    return fitting([Choice(flow.flow_id, flow.name or "") for flow in found], text)


@TOOLSET.completes("component_type")
async def complete_component_type(ctx: ToolContext, text: str) -> list[Choice]:
    """Find component types."""
    found = await (await ctx.client()).components.list_components()
    return fitting([Choice(one.component_type, one.label or "") for one in found], text)
