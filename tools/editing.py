"""Edits of flows: small operations instead of a whole new descriptor."""

from typing import TYPE_CHECKING, Annotated, Any

import anyio
from anyio import to_thread
from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.editing import (
    OPERATIONS,
    ComponentType,
    Edited,
    component_type,
    edit,
    readable_diff,
    types_named,
)
from appmixer_mcp.errors import (
    AppmixerError,
    ForbiddenError,
    InputError,
    NotFoundError,
    UnexpectedAnswerError,
)
from appmixer_mcp.flow_diff import is_same
from appmixer_mcp.results import Outcome, Text
from appmixer_mcp.toolset import DESTROY, ToolContext

from ._flow_conflicts import refuse_stale, remember
from ._flow_reading import whole_flow
from ._flow_writing import (
    RESTARTS,
    flow_identity,
    flow_losses,
    flow_version,
    write_flow,
)
from ._shared import DESCRIPTOR_OF_FLOW, FlowId, plural
from ._validating import Checked, Problem, check, problems_in
from .authoring import TOOLSET

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

_TOOL = "edit_flow"
_MOST_DIFFERENCES = 30
_MOST_PROBLEMS = 20
_MOST_OPERATIONS = 200
_ASKED_AT_ONCE = 4
_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_MAP: dict[str, Any] = {"type": "object", "properties": {}}  # of whatever the component takes

Operations = Annotated[
    list[dict[str, Any]],
    WithJsonSchema(
        {
            "type": "array",
            "description": (
                "Like {op: add, component: Mail, type: T, from: Hook, fields: {text: Hi "
                "{{Hook.out.name | g_trim}}}}. add: type, from connects it. remove, rename "
                "(label), move (x, y), configure or error_handling (properties), set (fields): "
                "component. connect, disconnect, insert (type or component): from, to. replace: "
                "others refer to to, not component. null removes."
            ),
            "items": {
                "type": "object",
                "properties": {
                    "op": {"type": "string", "enum": list(OPERATIONS)},
                    "component": {
                        "type": "string",
                        "description": "Label or id, as from, to; a new one's name.",
                    },
                    "type": _TEXT,
                    "label": _TEXT,
                    "from": _TEXT,
                    "to": _TEXT,
                    "out_port": _TEXT,
                    "in_port": _TEXT,
                    "fields": {**_MAP, "description": "Of the in port."},
                    "properties": {**_MAP, "description": "Of no port."},
                    "x": _NUMBER,
                    "y": _NUMBER,
                },
                "required": ["op"],
                "additionalProperties": False,
            },
        }
    ),
]
Version = Annotated[str, Field(description="get_flow's version.")]


class FlowEdited(Outcome):
    """What became of a flow's components."""

    change_id: Text = Field(default=None, description="undo_change takes it back.")
    version: Text = Field(default=None, description="base_version of the next edit.")
    stage: Text = None
    ids: dict[str, str] = Field(
        default_factory=dict,
        exclude_if=lambda ids: not ids,
        description="What you called a new component -> its id.",
    )
    diff: list[str] = Field(default_factory=list, exclude_if=lambda lines: not lines)
    new_problems: list[Problem] | SkipJsonSchema[None] = Field(
        default=None, description="What was not wrong before."
    )
    warnings: list[str] = Field(default_factory=list, exclude_if=lambda texts: not texts)


async def _edit_impact(
    ctx: ToolContext, flow_id: FlowId, base_version: str, operations: list[dict[str, Any]]
) -> Impact | None:
    """Ask when the flow runs, over half of its components go, or it could not be undone."""
    _refuse_count(operations)
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    await refuse_stale(ctx, flow, base_version, _TOOL)
    count, removed = len(flow.flow or {}), sum(one.get("op") == "remove" for one in operations)
    losses = [RESTARTS] if flow.stage == "running" else []
    if removed * 2 > count:
        losses.append(f"Removes {removed} of {plural(count, 'component')}")
    losses += await flow_losses(ctx, flow)
    if not losses:
        return None
    before: dict[str, Any] = flow.flow or {}
    edited = await _edited(client, before, operations)  # nobody is asked about what cannot be done
    return Impact(
        question=f"Edit the flow {quoted(flow.name)} ({flow.stage})?",
        losses=[
            *losses,
            *readable_diff(before, edited.descriptor, most=_MOST_DIFFERENCES, whole=True),
            *edited.warnings,
        ],
        identity=flow_identity(flow, losses),
    )


@TOOLSET.tool("Edit flow", DESTROY, preview=_edit_impact, changes=(DESCRIPTOR_OF_FLOW,))
async def edit_flow(
    ctx: ToolContext, flow_id: FlowId, base_version: Version, operations: Operations
) -> FlowEdited:
    """Change a flow by small operations, all or none; shows new problems.

    Asks first when the flow runs (it restarts) or over half would go.
    """
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    await refuse_stale(ctx, flow, base_version, _TOOL)
    before: dict[str, Any] = flow.flow or {}
    edited = await _edited(client, before, operations)
    if is_same(edited.descriptor, before):
        return FlowEdited(
            done=True,
            message=f"The flow {quoted(flow.name)} is like that already.",
            version=flow_version(flow),
            stage=flow.stage,
            warnings=edited.warnings,
        )
    ctx.progress("checks the flow as it is")
    known = await _checked(client, flow)
    ctx.progress("writes the flow")
    written = await write_flow(ctx, flow, {"flow": edited.descriptor}, tool=_TOOL)
    after = flow.model_copy(update={"flow": edited.descriptor})
    ctx.progress("checks the flow as it will be")
    found = await _checked(client, after)
    remember(ctx, after, written.version)
    old = set(map(_said, known.problems))
    new = [one for one in found.problems if _said(one) not in old]
    more = len(new) - _MOST_PROBLEMS
    notes = [*written.notes, *([f"Of the new problems, {more} more are left out."] * (more > 0))]
    done = f"Edited the flow {quoted(flow.name)}: {plural(len(operations), 'operation')}."
    return FlowEdited(
        done=True,
        message=" ".join([done, *notes, *([found.note] if found.note else [])]),
        change_id=written.change_id,
        version=written.version,
        stage=written.stage,
        ids=edited.ids,
        diff=readable_diff(before, edited.descriptor, most=_MOST_DIFFERENCES),
        new_problems=new[:_MOST_PROBLEMS] or None,
        warnings=edited.warnings,
    )


async def _edited(
    client: "AppmixerClient", before: dict[str, Any], operations: list[dict[str, Any]]
) -> Edited:
    try:
        types = await _types(client, types_named(before, operations))
        # Of thousands of components it takes seconds, in which others are served.
        return await to_thread.run_sync(edit, before, operations, types)
    except RecursionError:
        raise InputError("The values are nested too deeply. Nothing was changed.") from None


async def _types(client: "AppmixerClient", names: list[str]) -> dict[str, ComponentType | None]:
    """Return what the tenant knows of types; what it does not tell is left out."""
    found: dict[str, ComponentType | None] = {}
    limit = anyio.Semaphore(_ASKED_AT_ONCE)

    async def ask(name: str) -> None:
        async with limit:
            try:
                manifest = await client.components.get_component(name)
                found[name] = component_type(manifest.model_dump(by_alias=True))
            except NotFoundError:
                found[name] = None
            except (ForbiddenError, UnexpectedAnswerError):
                return

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(ask, name)
    return found


async def _checked(client: "AppmixerClient", flow: "Flow") -> Checked:
    """Have the flow checked; a tenant that cannot be asked now must not fail an edit."""
    try:
        return await check(client, flow)
    except AppmixerError:
        note = "The tenant could not check the flow just now; validate_flow does that."
        return Checked(problems_in(flow.flow or {}), note)


def _said(problem: Problem) -> tuple[str | None, ...]:
    return problem.component_id, problem.field, problem.problem


def _refuse_count(operations: list[dict[str, Any]]) -> None:
    if not 0 < len(operations) <= _MOST_OPERATIONS:
        raise InputError(f"operations must be a list of 1 to {_MOST_OPERATIONS} objects.")
