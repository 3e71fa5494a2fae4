"""Before something is written, what it was goes into the journal, for `undo_change`."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from appmixer_mcp.errors import AppmixerError, ConflictError, UnavailableError
from appmixer_mcp.journal import UNWRITABLE, json_size
from appmixer_mcp.toolset import ToolContext

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.journal import Journal, Kind, State

CANNOT_UNDO = "undo_change cannot take this back"
UNDOABLE = "undo_change brings them back"

logger = logging.getLogger(__name__)


@dataclass
class Kept:
    """A change that is being made.

    Attributes:
        change_id: None where nothing is kept, which was agreed to or is the server's way.
        object_id: Of what is changed; set it when that comes back under another id.
        may_have_acted: Set it once a part is done, so that a failure does not make it forgotten.
    """

    change_id: str | None
    object_id: str
    may_have_acted: bool = False
    is_done: bool = False
    after: "State" = None

    def done(self, after: "State") -> None:
        """Say what the object is now; None for one that is gone."""
        self.after, self.is_done = after, True


async def undo_losses(ctx: ToolContext, size_bytes: int) -> list[str]:
    """Return what a preview has to say about undo: nothing, or one sentence why there is none.

    Args:
        ctx: The call's.
        size_bytes: Of the state that would be kept, see `json_size`.
    """
    if ctx.journal is None:
        return []
    trouble = await ctx.journal.trouble(size_bytes)
    return [f"{CANNOT_UNDO}: {trouble}."] if trouble else []


def undo_fact(losses: list[str]) -> dict[str, str]:
    """Return the identity fact of a preview: who agreed to an undoable change agreed to no other.

    Args:
        losses: What `undo_losses` returned.
    """
    return {"undo": "no"} if losses else {}


@asynccontextmanager
async def keep(
    ctx: ToolContext,
    kind: "Kind",
    object_id: str,
    name: str,
    content: "State",
    *,
    tool: str,
    undoes: str = "",
    client: "AppmixerClient | None" = None,
    must: bool = True,
) -> AsyncGenerator[Kept]:
    """Keep what an object is while the body of `async with` changes it.

    The body calls `done`. A change that is refused is forgotten; one that ends in any other way
    stays listed as interrupted.

    Args:
        ctx: The call's.
        kind: `flow`, `store` or `records`.
        object_id: Of the flow or store.
        name: What people call it.
        content: Its state; see `appmixer_mcp.journal.states`.
        tool: Whose change it is.
        undoes: The change that this one takes back.
        client: Of another tenant than the session's.
        must: Whether somebody must have agreed where it cannot be kept.

    Raises:
        ConflictError: It cannot be kept, and nobody has agreed to go on all the same.
    """
    journal, change_id, owner = ctx.journal, None, ""
    if journal is not None:
        owner = await owner_of(ctx, client)
        begin = partial(
            journal.begin, owner, kind, object_id, name, content, tool=tool, undoes=undoes
        )
        why_not = await _refused(journal, content)
        agreed = not must or _agreed_to_no_undo(ctx)
        try:
            change_id = None if why_not else await begin()
        except UnavailableError:
            why_not = UNWRITABLE
        if why_not and not agreed:
            raise ConflictError(
                f"{CANNOT_UNDO}: {why_not}. Nothing was changed; call {tool} again to be asked "
                "whether to do it all the same."
            )
    kept = Kept(change_id, object_id)
    try:
        yield kept
    except AppmixerError as error:
        refused = not (kept.may_have_acted or getattr(error, "may_have_happened", False))
        if journal is not None and kept.change_id is not None and refused:
            await _dropped(journal, kept.change_id)
        elif journal is not None:
            await _moved(journal, owner, kept, object_id)
        raise
    if journal is not None and kept.change_id is not None and kept.is_done:
        await _finished(journal, owner, kept, object_id)


async def note_made(
    ctx: ToolContext,
    kind: "Kind",
    object_id: str,
    name: str,
    state: "State",
    *,
    tool: str,
    client: "AppmixerClient | None" = None,
) -> str | None:
    """Note that an object was made, and return the change's id; None where it cannot be noted.

    Nothing is lost by making something, so that nobody has to be asked.
    """
    journal = ctx.journal
    if journal is None or await journal.trouble(0):
        return None
    owner = await owner_of(ctx, client)
    try:
        change_id = await journal.begin(owner, kind, object_id, name, None, tool=tool)
        await journal.finish(change_id, object_id, state)
    except UnavailableError:  # the journal has logged it
        return None
    return change_id


def journal_of(ctx: ToolContext) -> "Journal":
    """Return the journal.

    Raises:
        ConflictError: This server keeps none.
    """
    if ctx.journal is None:
        raise ConflictError("This server keeps no journal of changes, so nothing can be undone.")
    return ctx.journal


async def owner_of(ctx: ToolContext, client: "AppmixerClient | None" = None) -> str:
    """Return under what the journal keeps the changes of whoever calls.

    Raises:
        ConflictError: This server keeps no journal.
    """
    journal = journal_of(ctx)
    asked = client or await ctx.client()

    async def user_id() -> str:
        return (await asked.users.get_user()).user_id

    principal = ctx.session.principal if client is None else ""
    base_url = ctx.session.base_url if client is None else str(client.get("base_url"))
    return await journal.owner(principal, base_url, user_id)


def _agreed_to_no_undo(ctx: ToolContext) -> bool:
    losses = ctx.agreed.losses if ctx.agreed is not None else []
    return any(one.startswith(CANNOT_UNDO) for one in losses)


async def _refused(journal: "Journal", content: "State") -> str:
    """Return why the journal does not take a state; empty when it may."""
    size_bytes = json_size(content or {})
    return await journal.trouble(size_bytes) if size_bytes > journal.max_bytes else ""


async def _finished(journal: "Journal", owner: str, kept: Kept, object_id: str) -> None:
    change_id: Any = kept.change_id
    try:
        await journal.finish(change_id, kept.object_id, kept.after)
    except UnavailableError:
        # The change itself is made; it stays one that was interrupted, which can be undone.
        logger.warning("The journal could not note how the change %s ended.", change_id)
    await _moved(journal, owner, kept, object_id)


async def _moved(journal: "Journal", owner: str, kept: Kept, old_id: str) -> None:
    if kept.object_id == old_id:
        return
    try:
        await journal.moved(owner, old_id, kept.object_id)
    except UnavailableError:
        logger.warning("The journal could not note that %s is %s now.", old_id, kept.object_id)


async def _dropped(journal: "Journal", change_id: str) -> None:
    try:
        await journal.drop(change_id)
    except UnavailableError:
        logger.warning("The journal could not forget the change %s.", change_id)
