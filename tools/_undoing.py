"""Taking a change back: whether that can be done, what it would do, and doing it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.editing import readable_diff
from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.flow_diff import value_diff
from appmixer_mcp.ids import FlowId, StoreId
from appmixer_mcp.journal.states import OF_A_FLOW, PICTURES, digest_of, flow_state, json_size
from appmixer_mcp.toolset import ToolContext

from ._flow_reading import whole_flow
from ._flow_restoring import deleted_state, restored
from ._flow_writing import empty_of, write_flow
from ._keeping import Kept, journal_of, keep, owner_of
from ._shared import plural
from ._store_states import entries_of, found_store, make_store, put_entries

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.journal import Change, Contents, State

TOOL = "undo_change"
_MOST_LINES = 15


@dataclass(frozen=True)
class Case:
    """A change, and what there is of its object now."""

    change: "Change"
    contents: "Contents"
    now: "State"
    flow: "Flow | None" = None
    """The object itself, where it is a flow that there is."""

    @property
    def object(self) -> str:
        """What it is about, for a sentence."""
        noun = "record" if self.change.kind == "records" else self.change.kind
        several = "s" if self.is_several else ""
        return f"the {noun}{several} {quoted(self.change.name)}"

    @property
    def is_several(self) -> bool:
        """Whether it is about more than one record."""
        return len((self.contents.before or {}).get("entries", ())) > 1

    @property
    def digest(self) -> str:
        """Of what there is now."""
        return digest_of(self.now)

    @property
    def runs(self) -> bool:
        """Whether it is a flow that runs."""
        return self.flow is not None and self.flow.stage == "running"


@dataclass(frozen=True)
class Undone:
    """What taking a change back has made."""

    change_id: str | None
    object_id: str
    stage: str = ""
    notes: list[str] = field(default_factory=list[str])


async def case_of(ctx: ToolContext, change_id: str) -> Case:
    """Look at a change and at its object.

    Raises:
        NotFoundError: The caller has no such change.
        ConflictError: This server keeps no journal.
    """
    owner = await owner_of(ctx)
    change, contents = await journal_of(ctx).find(owner, change_id)
    client = await ctx.client()
    if change.kind == "flow":
        try:
            flow = await client.flows.get_flow(FlowId(change.object_id))
        except NotFoundError:
            return Case(change, contents, None)
        kept = {**(contents.before or {}), **(contents.after or {})}
        now = flow_state(flow, also=[one for one in PICTURES if one in kept])
        return Case(change, contents, now, flow)
    store_id = StoreId(change.object_id)
    if change.kind == "store":
        whole = "records" in (contents.before or contents.after or {})
        return Case(change, contents, await found_store(client, store_id, whole=whole))
    keys = (contents.before or {})["entries"]
    return Case(change, contents, await entries_of(client, store_id, keys))


async def obstacle(ctx: ToolContext, case: Case) -> str:
    """Return why a change cannot be taken back, and what to do instead; empty when it can."""
    change, now = case.change, case.digest
    if now == digest_of(case.contents.before):
        later = await _later(ctx, change)
        undone = next((one for one in later if one.undoes == change.change_id), None)
        again = f" {TOOL} of {undone.change_id}, which undid it, does it again." if undone else ""
        return f"Nothing is left to undo: {case.object} {as_before(case)}.{again}"
    if not change.is_done or now == change.digest:
        return ""
    return await _changed_since(ctx, case, now)


def differences(case: Case, before: "State", after: "State") -> list[str]:
    """Return short lines that say how two states of a change's object differ."""
    if before is None or after is None:
        sign = "-" if after is None else "+"
        return [f"{sign} {case.object}{_size(before or after or {})}"]
    lines = list(_lines(before, after))
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], "and more"]


async def take_back(ctx: ToolContext, case: Case) -> Undone:
    """Make the object again what it was before the change; that is a change as well.

    Raises:
        ConflictError: Among others, a flow that runs does not start as it was.
    """
    if case.change.kind == "flow":
        return await _flow_back(ctx, case)
    if case.change.kind == "store":
        return await _store_back(ctx, case)
    client = await ctx.client()
    entries = (case.contents.before or {})["entries"]
    store_id = StoreId(case.change.object_id)
    async with _keeping(ctx, case, case.now) as kept:
        await put_entries(client, store_id, entries)
        kept.may_have_acted = True
        kept.done(await entries_of(client, store_id, entries))
    return Undone(kept.change_id, store_id)


def as_before(case: Case) -> str:
    """Return the end of a sentence about what a change is about."""
    return "are as they were before" if case.is_several else "is as it was before"


async def size_of(ctx: ToolContext, case: Case) -> int:
    """Return how many bytes the journal has to keep of what there is now."""
    if case.contents.before is None and case.flow is not None:  # which is deleted
        return json_size(await deleted_state(await ctx.client(), case.flow))
    return json_size(case.now or {})


async def _flow_back(ctx: ToolContext, case: Case) -> Undone:
    client = await ctx.client()
    flow_id, before = FlowId(case.change.object_id), case.contents.before
    if before is None and case.flow is not None:
        async with _keeping(ctx, case, await deleted_state(client, case.flow)) as kept:
            await client.flows.delete_flow(flow_id)
            kept.done(None)
        return Undone(kept.change_id, flow_id)
    if before is not None and case.flow is not None:
        update = _update(case.now or {}, before, case.contents.after or {})
        undoes = case.change.change_id
        written = await write_flow(ctx, case.flow, update, tool=TOOL, undoes=undoes)
        return Undone(written.change_id, flow_id, written.stage, written.notes)
    async with _keeping(ctx, case, None) as kept:
        new_id, notes = await restored(client, flow_id, before or {})
        kept.object_id, kept.may_have_acted = new_id, True
        kept.done(flow_state(await whole_flow(client, new_id)))
    return Undone(kept.change_id, new_id, "stopped", notes)


async def _store_back(ctx: ToolContext, case: Case) -> Undone:
    client = await ctx.client()
    store_id, before = StoreId(case.change.object_id), case.contents.before
    notes: list[str] = []
    async with _keeping(ctx, case, case.now) as kept:
        if before is None:
            await client.stores.delete_store(store_id)
            kept.done(None)
        elif case.now is not None:
            await client.stores.rename_store(store_id, before["name"])
            kept.done({"name": before["name"]})
        else:

            def made(new_id: StoreId) -> None:
                kept.object_id, kept.may_have_acted = new_id, True

            new_id = await make_store(client, before, made)
            notes.append(f"It has the new id {new_id}; flows that use it have to name that.")
            kept.done(await found_store(client, new_id, whole=True))
    return Undone(kept.change_id, kept.object_id, notes=notes)


def _keeping(ctx: ToolContext, case: Case, state: "State") -> "AbstractAsyncContextManager[Kept]":
    change = case.change
    return keep(
        ctx,
        change.kind,
        change.object_id,
        change.name,
        state,
        tool=TOOL,
        undoes=change.change_id,
    )


def _update(
    now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a flow that are not as they were, as they were."""
    fields = [*OF_A_FLOW, *(one for one in PICTURES if one in before or one in after)]
    was = {one: before.get(one, empty_of(one)) for one in fields}
    return {
        one: was[one]
        for one in fields
        # As texts, for the order of the components counts, too.
        if json.dumps(now.get(one, empty_of(one))) != json.dumps(was[one])
    }


async def _changed_since(ctx: ToolContext, case: Case, now: str) -> str:
    change = case.change
    ours = await _touching(ctx, change, case.contents)
    last = ours[0] if ours else None
    by_us = f"{last.tool}, {_at(last.made_at)}: change {last.change_id}" if last else ""
    of_records = last is not None and "records" in (change.kind, last.kind)
    if last is not None and (of_records or last.digest == now or not last.is_done):
        was = "were" if case.is_several else "was"
        return (
            f"It cannot be undone now, for {case.object} {was} changed again later ({by_us}). Undo "
            "that first, if both shall go."
        )
    at = case.flow.modified_at if case.flow else None
    when = f" at {_at(at)}" if at else ""
    what = "deleted" if case.now is None else "changed"
    before_that = f", and before that by us ({by_us})" if last else ""
    look = "show_change tells what it was." if case.now is None else "Look at it as it is now."
    return (
        f"It cannot be undone, for somebody else has {what} {case.object}{when}{before_that}, and "
        f"that would be lost. {look}"
    )


async def _touching(ctx: ToolContext, change: "Change", contents: "Contents") -> list["Change"]:
    """Return our later changes of what a change was about, the last one first."""
    later = await _later(ctx, change)
    if change.kind != "records":
        return [one for one in later if one.kind == change.kind or _holds_records(contents)]
    keys = (contents.before or {})["entries"].keys()
    owner, touching = await owner_of(ctx), list["Change"]()
    for one in later:
        _, theirs = await journal_of(ctx).find(owner, one.change_id)
        if one.kind == "store" or keys & (theirs.before or {}).get("entries", {}).keys():
            touching.append(one)
    return touching


def _holds_records(contents: "Contents") -> bool:
    return any("records" in (state or {}) for state in (contents.before, contents.after))


async def _later(ctx: ToolContext, change: "Change") -> list["Change"]:
    return await journal_of(ctx).later(await owner_of(ctx), change)


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for one in ("name", "description"):
        if (before.get(one) or "") != (after.get(one) or ""):
            yield f"{one}: {quoted(before.get(one))} -> {quoted(after.get(one))}"
    was: dict[str, Any] = before.get("flow") or {}
    yield from readable_diff(was, after.get("flow") or {}, most=_MOST_LINES, whole=True)
    for one in ("customFields", "categories", "notes", *PICTURES, "records"):
        if one in before or one in after:
            yield from value_diff(before.get(one) or {}, after.get(one) or {}, one)
    old, new = before.get("entries", {}), after.get("entries", {})
    for key in old:
        yield from value_diff(_entry(old[key], key), _entry(new.get(key), key))


def _entry(entry: list[Any] | None, key: str) -> dict[str, Any]:
    return {} if entry is None else {key: entry[0]}


def _size(state: Mapping[str, Any]) -> str:
    if "records" in state:
        return f" with {plural(len(state['records']), 'record')}"
    return f" with {plural(len(state.get('flow') or {}), 'component')}"


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
