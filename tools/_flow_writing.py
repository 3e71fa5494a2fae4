"""Writing to a flow so that it can be undone, and so that a running one runs on or runs as before.

What a tool needs is here: `flow_version` for what a change is based on, `undo_losses` for its
preview, `write_flow` to act.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import anyio

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import AppmixerError, ConflictError
from appmixer_mcp.flow_diff import is_same
from appmixer_mcp.ids import FlowId
from appmixer_mcp.journal.states import PICTURES, digest_of, flow_state, json_size
from appmixer_mcp.projections import WITHOUT_PICTURES
from appmixer_mcp.toolset import ToolContext

from ._flow_reading import whole_flow
from ._keeping import CANNOT_UNDO, Kept, keep, note_made, undo_fact, undo_losses

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

RESTARTS = (
    "The flow is running: it is stopped, changed and started again; messages on their way are "
    "lost. If it does not start so, it runs again as it was."
)
"""What a preview says of a running flow whose descriptor changes."""

logger = logging.getLogger(__name__)


class Made(TypedDict, total=False):
    """Fields of the result of a tool that makes a flow."""

    change_id: str
    version: str


@dataclass(frozen=True)
class Written:
    """A flow after a write."""

    change_id: str | None
    """What `undo_change` takes; None where nothing is kept."""
    version: str
    """Of the flow as it is now, 12 hexadecimal digits."""
    stage: str
    notes: list[str]
    """Sentences to append to the message; mostly empty."""


def flow_version(flow: "Flow") -> str:
    """Return 12 hexadecimal digits that change with what a write can change of a flow."""
    return digest_of(flow_state(flow))


async def flow_losses(ctx: ToolContext, flow: "Flow") -> list[str]:
    """Return what a preview says about undo: nothing, or why the flow cannot be kept."""
    return await undo_losses(ctx, json_size(flow_state(flow)))


def flow_identity(flow: "Flow", losses: Sequence[str] = ()) -> dict[str, str]:
    """Return the identity facts of a preview about a flow.

    Args:
        flow: As it is.
        losses: Of the preview; an answer to one that can be undone answers no other.
    """
    return {
        "flow_id": flow.flow_id,
        "name": flow.name or "",
        "stage": flow.stage or "",
        "modified_at": str(flow.modified_at),
        "components": ",".join(sorted(flow.flow or {})),
        **undo_fact([one for one in losses if one.startswith(CANNOT_UNDO)]),
    }


async def note_made_flow(
    ctx: ToolContext, flow_id: FlowId, *, tool: str, client: "AppmixerClient | None" = None
) -> Made:
    """Note that a flow was made, and return what its tool's result says of that."""
    try:
        flow = await whole_flow(client or await ctx.client(), flow_id)
    except AppmixerError:  # it is made all the same
        return {}
    state, name = flow_state(flow), flow.name or ""
    change_id = await note_made(ctx, "flow", flow_id, name, state, tool=tool, client=client)
    made: Made = {"version": digest_of(state)}
    return made if change_id is None else {**made, "change_id": change_id}


async def write_flow(
    ctx: ToolContext,
    before: "Flow",
    update: Mapping[str, Any],
    *,
    tool: str,
    client: "AppmixerClient | None" = None,
    undoes: str = "",
    by: Callable[[], Awaitable[None]] | None = None,
) -> Written:
    """Change a flow; what it was is kept first, in the journal and as a version of the tenant's.

    A running flow whose descriptor changes is stopped, changed and started. When it does not
    start, it is put back and runs as before.

    Args:
        ctx: The call's; what it agreed to says whether the flow may run.
        before: The flow as it is, with its descriptor.
        update: Fields by the API's names, such as `name`, `flow`, `customFields`.
        tool: Whose change it is.
        client: Of another tenant than the session's.
        undoes: The change that this one takes back.
        by: Writes in place of an update of the API; `update` then only names the fields.

    Raises:
        ConflictError: The flow runs and nobody agreed to that, what it was cannot be kept and
            nobody agreed to that, somebody changed it meanwhile, or it did not start and is as
            before.
    """
    api = client or await ctx.client()
    running = before.stage == "running"
    if running and not _agreed_that_it_runs(ctx):
        raise ConflictError(
            f"The flow {quoted(before.name)} was started meanwhile and is not changed. Call "
            f"{tool} again to be asked about a flow that runs."
        )
    flow_id = before.flow_id
    rewired = "flow" in update and not is_same(update["flow"], before.flow)
    known = await _with_all_of(api, before, update)
    state = flow_state(known, also=_further(update))
    name = before.name or ""

    async def write() -> None:
        await (by() if by else api.flows.update_flow(flow_id, update, force=running))

    async with (
        ctx.journal.alone(flow_id) if ctx.journal else nullcontext(),
        keep(ctx, "flow", flow_id, name, state, tool=tool, undoes=undoes, client=client) as kept,
    ):
        # By hand, as it were: an own one must not push out the version that is restored.
        kind: Literal["manual", "autosave"] = "manual" if by else "autosave"
        notes = await _version_kept(ctx, api, flow_id, tool, kept, kind) if rewired else []
        await _refuse_changed(api, before, tool)
        if running and rewired:
            # A caller who leaves must not leave it stopped.
            with anyio.CancelScope(shield=True):
                await _restarted(api, before, state, update, kept, write)
        else:
            await write()
        after, stage = await _after(api, known, update, kept)
    return Written(kept.change_id, digest_of(after), stage, notes)


def empty_of(field: str) -> Any:
    """Return what an update sends so that a field of a flow is empty."""
    empty: dict[str, Any] = {"flow": {}, "customFields": {}, "description": "", "categories": []}
    return empty.get(field)


def _agreed_that_it_runs(ctx: ToolContext) -> bool:
    return ctx.agreed is not None and ctx.agreed.identity.get("stage") == "running"


async def _with_all_of(
    client: "AppmixerClient", before: "Flow", update: Mapping[str, Any]
) -> "Flow":
    """Return the flow with its pictures too, where they are among what changes."""
    if not _further(update):
        return before
    return await client.flows.get_flow(before.flow_id)


def _further(update: Mapping[str, Any]) -> list[str]:
    return [name for name in PICTURES if name in update]


async def _version_kept(
    ctx: ToolContext,
    client: "AppmixerClient",
    flow_id: FlowId,
    tool: str,
    kept: Kept,
    kind: Literal["manual", "autosave"],
) -> list[str]:
    """Keep the descriptor as a version, where the tenant has them; the journal keeps it anyhow."""
    if ctx.journal is None or client.dialect != "appmixer":
        return []
    try:
        version = await client.versions.save_flow_version(
            flow_id, label=f"Before {tool}", kind=kind
        )
    except AppmixerError as error:
        logger.warning("No version of the flow %s was kept: %s", flow_id, error)
        return []
    if version is None or kept.change_id is not None:
        return []
    return [f"restore_flow_version with {version.version_id} brings its old descriptor back."]


async def _refuse_changed(client: "AppmixerClient", before: "Flow", tool: str) -> None:
    """Refuse to overwrite what somebody else has written since the flow was read.

    The API writes without a condition: what is changed between this look and the write, be it while
    a running flow stops, is overwritten all the same.
    """
    now = await whole_flow(client, before.flow_id)
    if flow_version(now) != flow_version(before):
        raise ConflictError(
            f"The flow {quoted(before.name)} was changed by somebody else while {tool} was at "
            f"work. Nothing was written. Look at it with get_flow, and call {tool} again."
        )


async def _restarted(
    client: "AppmixerClient",
    before: "Flow",
    state: Mapping[str, Any],
    update: Mapping[str, Any],
    kept: Kept,
    write: Callable[[], Awaitable[None]],
) -> None:
    flow_id, name = before.flow_id, quoted(before.name)
    await client.flows.stop_flow(flow_id)
    wrote = False
    try:
        await write()
        wrote = True
        await client.flows.start_flow(flow_id)
    except AppmixerError as error:
        try:
            if wrote or getattr(error, "may_have_happened", False):
                old = {field: state.get(field, empty_of(field)) for field in update}
                await client.flows.update_flow(flow_id, old)
            await client.flows.start_flow(flow_id)
        except AppmixerError as second:
            kept.may_have_acted = True
            raise ConflictError(
                f"The flow {name} could not be changed while it ran, and is stopped now: {error} "
                f"Starting it again as it was failed as well: {second}"
            ) from error
        failed = "does not start with this change" if wrote else "could not be changed"
        instead = " After stop_flow it takes the change all the same." if wrote else ""
        raise ConflictError(
            f"The flow {name} {failed}, so it runs again as it was.{instead} {error}"
        ) from error


async def _after(
    client: "AppmixerClient", before: "Flow", update: Mapping[str, Any], kept: Kept
) -> tuple[dict[str, Any], str]:
    """Return what the flow is now, as the tenant has it, which may put it in other words."""
    kept.may_have_acted = True
    try:
        now = await client.flows.get_flow(
            before.flow_id, projection=None if _further(update) else WITHOUT_PICTURES
        )
    except AppmixerError:  # the change itself is made, and stays one that was interrupted
        logger.warning("The flow %s could not be read after its change.", before.flow_id)
        return {**flow_state(before), **update}, before.stage or ""
    state = flow_state(now, also=_further(update))
    kept.done(state)
    return state, now.stage or ""
