"""What was changed through this server, and taking it back."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError
from appmixer_mcp.results import Facts, Instant, Outcome, Page, Result, Text, Truth
from appmixer_mcp.toolset import DESTROY, READ, ToolContext, Toolset

from ._flow_writing import RESTARTS, flow_identity
from ._keeping import journal_of, owner_of, undo_fact, undo_losses
from ._shared import DESCRIPTOR_OF_FLOW, LOGS_OF_FLOW, Limit, Offset
from ._undoing import (
    Case,
    as_before,
    case_of,
    differences,
    obstacle,
    size_of,
    take_back,
)

if TYPE_CHECKING:
    from appmixer_mcp.journal import Change

TOOLSET = Toolset("changes", "See what was changed through this server, and take it back.")

ChangeId = Annotated[
    str, Field(description="From list_changes, or the change_id of a result.", min_length=1)
]


class ChangeSummary(Facts):
    """A change in a list."""

    change_id: str
    made_at: Instant = None
    tool: str
    name: str = Field(description="Of what was changed.")
    flow_id: Text = None
    store_id: Text = None
    undoes: Text = Field(default=None, description="The change that it took back.")
    interrupted: Truth = Field(default=None, description="Nobody knows whether it was made.")


class ChangePage(Page):
    """Changes, the last one first."""

    items: list[ChangeSummary]


class ChangeDetail(Result):
    """What a change did."""

    change_id: str
    made_at: Instant = None
    tool: str
    name: str
    flow_id: Text = None
    store_id: Text = None
    undoes: Text = None
    differences: list[str] = Field(description="- gone, + new, ~ different; short.")
    undo: str = Field(description="Whether undo_change can take it back now.")


class ChangeUndone(Outcome):
    """What became of a change."""

    flow_id: Text = None
    store_id: Text = None
    stage: Text = None
    change_id: Text = Field(default=None, description="Of this; undo_change of it is a redo.")


@TOOLSET.tool("List changes", READ)
async def list_changes(
    ctx: ToolContext,
    object_id: Annotated[str, Field(description="Only of this flow or store.")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> ChangePage:
    """List what you changed through this server, last first; undo_change takes a change back."""
    owner = await owner_of(ctx)
    found, total = await journal_of(ctx).page(
        owner, object_id=object_id, limit=limit, offset=offset
    )
    items = [_summary(one) for one in found]
    return ChangePage.of(items, offset=offset, limit=limit, total=total)


@TOOLSET.tool("Show change", READ)
async def show_change(ctx: ToolContext, change_id: ChangeId) -> ChangeDetail:
    """Show what a change did, line by line, and whether it can be undone now."""
    case = await case_of(ctx, change_id)
    contents = case.contents
    blocked = await obstacle(ctx, case)
    lines = differences(case, contents.before, contents.after if contents.knows_after else case.now)
    if not contents.knows_after:
        lines.insert(0, "What it made is not kept; compared with what there is now:")
    return ChangeDetail(
        **_summary(case.change).model_dump(exclude={"interrupted"}),
        differences=lines,
        undo=blocked or "undo_change takes it back.",
    )


async def _undo_impact(ctx: ToolContext, change_id: str) -> Impact:
    case = await _undoable(ctx, change_id)
    change = case.change
    losses = differences(case, case.now, case.contents.before)
    if not change.is_done:
        losses.insert(
            0,
            "That change was interrupted, so nobody knows whether what is there now is of it or "
            "somebody else's.",
        )
    if case.runs:
        losses.insert(0, RESTARTS if case.contents.before else "The flow is running; it stops.")
    no_undo = await undo_losses(ctx, await size_of(ctx, case))
    if case.flow is not None:
        identity = flow_identity(case.flow, no_undo)
    else:
        identity = {"object_id": change.object_id, "now": case.digest, **undo_fact(no_undo)}
    return Impact(
        question=f"Undo {change.tool} on {case.object}?",
        losses=[*no_undo, *(losses or ["What it wrote is written as it was before."])],
        identity=identity,
    )


@TOOLSET.tool(
    "Undo change",
    DESTROY,
    preview=_undo_impact,
    changes=(DESCRIPTOR_OF_FLOW, LOGS_OF_FLOW),
)
async def undo_change(ctx: ToolContext, change_id: ChangeId) -> ChangeUndone:
    """Take a change back: what it wrote is as before, what it deleted is back. Asks first.

    Refused if the flow, store or record has changed since. Undo of an undo is a redo.
    """
    looked = await case_of(ctx, change_id)
    async with ctx.confirmations.alone(looked.change.object_id):
        case = await _undoable(ctx, change_id)
        undone = await take_back(ctx, case)
    said = f"Undid {case.change.tool}: {case.object} {_became(case)}."
    is_flow = case.change.kind == "flow"
    return ChangeUndone(
        done=True,
        message=" ".join((said, *undone.notes)),
        flow_id=undone.object_id if is_flow else None,
        store_id=None if is_flow else undone.object_id,
        stage=undone.stage or None,
        change_id=undone.change_id,
    )


async def _undoable(ctx: ToolContext, change_id: str) -> Case:
    case = await case_of(ctx, change_id)
    blocked = await obstacle(ctx, case)
    if blocked:
        raise ConflictError(blocked)
    return case


def _became(case: Case) -> str:
    if case.contents.before is None:
        return "is deleted"
    if case.now is not None:
        return as_before(case)
    return "is back, stopped" if case.change.kind == "flow" else "is back"


def _summary(change: "Change") -> ChangeSummary:
    is_flow = change.kind == "flow"
    return ChangeSummary(
        change_id=change.change_id,
        made_at=change.made_at,
        tool=change.tool,
        name=change.name,
        flow_id=change.object_id if is_flow else None,
        store_id=None if is_flow else change.object_id,
        undoes=change.undoes or None,
        interrupted=None if change.is_done else True,
    )
