"""Components: what flows are built of, and publishing one's own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.ids import ComponentId
from appmixer_mcp.results import Facts, Outcome, Page, Text, Truth
from appmixer_mcp.toolset import DECIDE, DESTROY, READ, ToolContext, Toolset

from ._catalogue import Catalogue, Component, catalogue, forget, search
from ._component_options import ComponentOptionPage, options_of
from ._component_shape import ComponentDetail, shape_of
from ._local_files import LocalName
from ._shared import Limit, Offset, listed, plural

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

TOOLSET = Toolset("components", "What flows are built of: apps and component types.")

_LISTED = 10
_MOST_FLOWS = 100
_PAGE = 20

ComponentType = Annotated[
    str, Field(description="vendor.service.module.Component.", min_length=1, max_length=200)
]


class App(Facts):
    """An app."""

    app: str = Field(description="Its name; list_components takes it.")
    label: Text = None
    category: Text = None
    description: Text = None


class AppPage(Page):
    """Apps."""

    items: list[App]


class ComponentSummary(Facts):
    """A component type in a list."""

    component_type: str
    label: Text = None
    description: Text = None
    is_trigger: Truth = Field(default=None, description="True: it begins a flow.")


class ComponentPage(Page):
    """Component types."""

    items: list[ComponentSummary]


class ComponentsChanged(Outcome):
    """What became of published components."""

    components: list[str] = Field(
        default_factory=list[str],
        exclude_if=lambda found: not found,
        description="Their types, the first ones.",
    )


@TOOLSET.tool("List apps", READ)
async def list_apps(
    ctx: ToolContext,
    pattern: Annotated[str, Field(description="Part of the name, label or category.")] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> AppPage:
    """List the apps that this tenant has components for."""
    apps = (await catalogue(ctx)).apps
    wanted = pattern.casefold()
    found = [
        App(
            app=one.name,
            label=one.label,
            category=one.category,
            description=(one.description or "")[:200] or None,
        )
        for one in apps
        if wanted in f"{one.name} {one.label} {one.category}".casefold()
    ]
    return AppPage.of(found[offset : offset + limit], offset=offset, limit=limit, total=len(found))


@TOOLSET.tool("List components", READ)
async def list_components(
    ctx: ToolContext,
    app: Annotated[
        str, Field(description="Only this app's, from list_apps; with their descriptions.")
    ] = "",
    pattern: Annotated[str, Field(description="Part of the type or label.")] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> ComponentPage:
    """List component types by name; search_components finds them by what they do."""
    known = await catalogue(ctx)
    if app:
        await known.describe(await ctx.client(), app)
    found = [one for one in known.components() if not app or f"{one.type}.".startswith(f"{app}.")]
    if app and not found:
        raise NotFoundError(
            f"This tenant has no app {quoted(app)}. Call list_apps for those there are."
        )
    wanted = pattern.casefold()
    found = [one for one in found if wanted in f"{one.type} {one.label}".casefold()]
    items = [_summary(one) for one in found[offset : offset + limit]]
    return ComponentPage.of(items, offset=offset, limit=limit, total=len(found))


@TOOLSET.tool("Search components", READ)
async def search_components(
    ctx: ToolContext,
    query: Annotated[
        str, Field(description="Words for the task, such as: send slack message.", min_length=1)
    ],
    triggers_only: Annotated[bool, Field(description="Only those that begin a flow.")] = False,
    limit: Limit = 8,
    offset: Offset = 0,
) -> ComponentPage:
    """Find component types by what they do, the best first. get_component shows one in detail."""
    found = [one for one in await search(ctx, query) if one.is_trigger or not triggers_only]
    items = [_summary(one) for one in found[offset : offset + limit]]
    return ComponentPage.of(items, offset=offset, limit=limit, total=len(found))


@TOOLSET.tool("Get component", READ)
async def get_component(ctx: ToolContext, component_type: ComponentType) -> ComponentDetail:
    """Show a component type's ports, fields, settings and outputs, with an example entry."""
    client = await ctx.client()
    return shape_of(await client.components.get_component(component_type))


@TOOLSET.tool("Get component options", replace(READ, open_world=True))  # services are asked
async def get_component_options(
    ctx: ToolContext,
    component_type: ComponentType,
    field: Annotated[str, Field(description="Of get_component.", min_length=1)],
    port: Annotated[
        str, Field(description="Its in port; properties for a setting; the first if empty.")
    ] = "",
    values: Annotated[
        dict[str, Any], Field(description="Values of the fields that its options depend on.")
    ] = {},
    component_id: Annotated[
        str, Field(description="A component of a saved flow, whose account is used.")
    ] = "",
    pattern: Annotated[str, Field(description="Part of the label.")] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> ComponentOptionPage:
    """List the values a field can take, such as channels or tables; asks the service if needed."""
    client = await ctx.client()
    manifest = await client.components.get_component(component_type)
    found = await options_of(
        client, manifest, field, port=port, values=values, component_id=ComponentId(component_id)
    )
    wanted = pattern.casefold()
    kept = [one for one in found.options if wanted in f"{one.label} {one.value}".casefold()]
    return ComponentOptionPage.of(
        kept[offset : offset + limit],
        offset=offset,
        limit=limit,
        total=len(kept),
        depends_on=found.missing,
    )


async def _publish_impact(
    ctx: ToolContext,
    manifest: dict[str, Any],
    archive_base64: str,
    from_file: str,
    replace_all: bool,
) -> Impact:
    from ._publishing import archive_of  # noqa: PLC0415 - few publish, and every start would wait

    archive = await archive_of(ctx, manifest, archive_base64, from_file)
    there = set((await _fresh(ctx)).types)
    new = [one for one in archive.components if one not in there]
    old = [one for one in archive.components if one in there]
    losses = [f"Publishes {listed(new)} for the users of this tenant"] if new else []
    if old:
        losses.append(f"Replaces {listed(old)}; flows that use them run with the new ones")
    if replace_all:
        losses.append("Removes what the service has and the archive has not")
    size = plural(len(archive.components), "component")
    return Impact(
        question=f"Publish {size} of {archive.service}?",
        losses=losses,
        identity={"archive": archive.digest, "replaced": ",".join(sorted(old))},
    )


@TOOLSET.tool("Publish component", DECIDE, preview=_publish_impact)
async def publish_component(
    ctx: ToolContext,
    manifest: Annotated[
        dict[str, Any], Field(description="One component.json, if there is no archive.")
    ] = {},
    archive_base64: Annotated[
        str, Field(description="A zip archive, as the appmixer CLI packs it.")
    ] = "",
    from_file: LocalName = "",
    replace_all: Annotated[
        bool, Field(description="Remove what the service has and the archive has not.")
    ] = False,
) -> ComponentsChanged:
    """Publish components of one's own on the tenant. Needs a vendor's rights. Asks first."""
    from ._publishing import archive_of, published  # noqa: PLC0415 - likewise

    archive = await archive_of(ctx, manifest, archive_base64, from_file)
    forget(ctx)
    message = await published(ctx, archive, replace_all=replace_all)
    return ComponentsChanged(done=True, message=message, components=archive.components[:_LISTED])


async def _delete_impact(ctx: ToolContext, selector: str) -> Impact:
    gone = _selected(await _fresh(ctx), selector)
    users, looked_at_all = await _flows_with(await ctx.client(), gone, ctx)
    losses = [f"{listed(gone)}, for good"]
    if users:
        losses.append(f"No longer start: {listed(users)}")
    if not looked_at_all:
        losses.append(f"Only the {_MOST_FLOWS} flows that were changed last were looked at")
    return Impact(
        question=f"Uninstall {plural(len(gone), 'component')} of {quoted(selector)}?",
        losses=losses,
        identity={"components": ",".join(gone)},
    )


@TOOLSET.tool("Delete component", DESTROY, preview=_delete_impact)
async def delete_component(
    ctx: ToolContext,
    selector: Annotated[
        str,
        Field(description="vendor.service[.module[.Component]].", min_length=3, max_length=200),
    ],
) -> ComponentsChanged:
    """Uninstall a published component, module or service. Shows first which flows use it."""
    forget(ctx)
    await (await ctx.client()).components.delete_components(selector)
    return ComponentsChanged(done=True, message=f"Uninstalled {quoted(selector)}.")


async def _fresh(ctx: ToolContext) -> Catalogue:
    forget(ctx)
    return await catalogue(ctx)


def _selected(known: Catalogue, selector: str) -> list[str]:
    if "." not in selector:
        raise InputError("selector names at least a service: vendor.service.")
    found = [one for one in known.types if f"{one}.".startswith(f"{selector}.")]
    if not found:
        raise NotFoundError(
            f"This tenant has no components of {quoted(selector)}. list_components names them."
        )
    return found


async def _flows_with(
    client: "AppmixerClient", types: list[str], ctx: ToolContext
) -> tuple[list[str], bool]:
    """Return the names of flows that use one of some component types, and whether all were seen."""
    ctx.progress("looks for flows that use them")
    gone, users = set(types), list[str]()
    for offset in range(0, _MOST_FLOWS, _PAGE):
        page = await client.flows.list_flows(
            sort="mtime:-1", limit=_PAGE, offset=offset, projection="flowId,name,flow"
        )
        for flow in page:
            entries = (flow.flow or {}).values()
            used = {str(entry.get("type")) for entry in entries if isinstance(entry, dict)}
            users += [quoted(flow.name)] if used & gone else []
        if len(page) < _PAGE:
            return users, True
    return users, False


def _summary(one: Component) -> ComponentSummary:
    return ComponentSummary(
        component_type=one.type,
        label=one.label or None,
        description=one.description or None,
        is_trigger=True if one.is_trigger else None,
    )
