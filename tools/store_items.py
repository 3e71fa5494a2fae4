"""Records of stores: written, renamed, deleted."""

import json
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError, InputError, NotFoundError
from appmixer_mcp.journal.states import json_size
from appmixer_mcp.results import Number, Outcome, Text
from appmixer_mcp.toolset import DESTROY, ToolContext

from ._json_values import given
from ._keeping import CANNOT_UNDO, UNDOABLE, keep, undo_fact, undo_losses
from ._shared import StoreId, listed, plural
from ._store_states import MOST_RECORDS, TOO_MANY, entries_of
from .stores import TOOLSET, Record, record_of

if TYPE_CHECKING:
    from appmixer_mcp.api.models.stores import StoreRecord

Key = Annotated[str, Field(description="Unique within the store.", min_length=1)]
ValueIsJson = Annotated[bool, Field(description="Store value as the JSON it holds.")]

_NAME_KEYS = 3


class RecordWritten(Outcome):
    """What became of a record."""

    record: Record | SkipJsonSchema[None] = None
    change_id: Text = Field(default=None, description="undo_change takes it back.")


class RecordsDeleted(Outcome):
    """What became of records."""

    deleted_count: Number = None
    change_id: Text = Field(default=None, description="undo_change takes it back.")


async def _create_impact(
    ctx: ToolContext,
    store_id: StoreId,
    key: str,
    value: str,
    value_is_json: bool,
    overwrite: bool,
) -> Impact | None:
    given(value, "value", is_json=value_is_json)
    existing = await (await ctx.client()).stores.get_store_record(store_id, key)
    if existing is None:
        return None
    if not overwrite:
        raise _is_taken(key)
    return await _overwrite_impact(ctx, store_id, existing, f"Overwrite the record {quoted(key)}?")


@TOOLSET.tool("Create store item", DESTROY, preview=_create_impact)
async def create_store_item(
    ctx: ToolContext,
    store_id: StoreId,
    key: Key,
    value: Annotated[str, Field(description="Text, or JSON text with value_is_json.")],
    value_is_json: ValueIsJson = False,
    overwrite: Annotated[bool, Field(description="Replace an existing key, after asking.")] = False,
) -> RecordWritten:
    """Write a record of a data store. An existing key is refused without overwrite=true."""
    client = await ctx.client()
    stored = given(value, "value", is_json=value_is_json)
    before = await entries_of(client, store_id, [key])
    replaces = before["entries"][key] is not None  # else nothing is lost
    if replaces and ctx.agreed is None:
        raise _is_taken(key)  # which came between
    async with keep(
        ctx, "records", store_id, key, before, tool="create_store_item", must=replaces
    ) as kept:
        written = await client.stores.create_store_item(store_id, key, stored)
        kept.done({"entries": {key: [stored]}})
    record = record_of(written.model_copy(update={"value": stored, "key": key}))
    said = f"Wrote the record {quoted(key)}."
    return RecordWritten(done=True, message=said, record=record, change_id=kept.change_id)


async def _update_impact(
    ctx: ToolContext,
    store_id: StoreId,
    key: str,
    value: str | None,
    value_is_json: bool,
    new_key: str,
) -> Impact:
    if value is None and not new_key:
        raise InputError("Nothing to change: give value, new_key or both.")
    if value is not None:
        given(value, "value", is_json=value_is_json)
    existing = await _existing(ctx, store_id, key)
    renamed = f" to {quoted(new_key)}" if new_key else ""
    question = f"Change the record {quoted(key)}{renamed}?"
    return await _overwrite_impact(ctx, store_id, existing, question, new_key)


@TOOLSET.tool("Update store item", DESTROY, preview=_update_impact)
async def update_store_item(
    ctx: ToolContext,
    store_id: StoreId,
    key: Annotated[str, Field(description="Of the record.", min_length=1)],
    value: Annotated[
        str | SkipJsonSchema[None],
        Field(description="New text, or JSON text with value_is_json; unchanged if left out."),
    ] = None,
    value_is_json: ValueIsJson = False,
    new_key: Annotated[str, Field(description="Another key for the record.")] = "",
) -> RecordWritten:
    """Change the value of an existing record, its key, or both. Asks first."""
    client = await ctx.client()
    target = new_key or key
    keys = list(dict.fromkeys((key, target)))
    before = await entries_of(client, store_id, keys)
    if target != key and before["entries"][target] is not None:
        raise ConflictError(f"The store has a record {quoted(target)} already; take another key.")
    async with keep(ctx, "records", store_id, key, before, tool="update_store_item") as kept:
        if target != key:
            await client.stores.rename_store_item(store_id, key, target)
            kept.may_have_acted = True
        if value is not None:
            stored = given(value, "value", is_json=value_is_json)
            await client.stores.create_store_item(store_id, target, stored)
        kept.done(await entries_of(client, store_id, keys))
    written = await _existing(ctx, store_id, target)
    return RecordWritten(
        done=True,
        message=f"Changed the record {quoted(target)}.",
        record=record_of(written),
        change_id=kept.change_id,
    )


async def _delete_impact(ctx: ToolContext, store_id: StoreId, keys: list[str]) -> Impact:
    client = await ctx.client()
    store = await client.stores.get_store(store_id)
    if ctx.journal is None:
        no_undo, after = [], "for good"
    elif len(keys) > MOST_RECORDS:
        no_undo, after = [f"{CANNOT_UNDO}: {TOO_MANY}."], "for good"
    else:
        no_undo = await undo_losses(ctx, json_size(await entries_of(client, store_id, keys)))
        after = "for good" if no_undo else UNDOABLE
    return Impact(
        question=f"Delete {plural(len(keys), 'record')} of the store {quoted(store.name)}?",
        losses=[*no_undo, f"The records {listed([quoted(key) for key in keys])}: {after}"],
        identity={
            "store_id": store_id,
            "name": store.name or "",
            "keys": json.dumps(keys),
            **undo_fact(no_undo),
        },
    )


@TOOLSET.tool("Delete store items", DESTROY, preview=_delete_impact)
async def delete_store_items(
    ctx: ToolContext,
    store_id: StoreId,
    keys: Annotated[list[str], Field(description="Keys of the records.", min_length=1)],
) -> RecordsDeleted:
    """Delete records of a data store. Shows what would be lost first."""
    client = await ctx.client()
    items, change_id = [(store_id, key) for key in keys], None
    if ctx.journal is None or len(keys) > MOST_RECORDS:
        count = await client.stores.delete_store_items(items)
    else:
        before = await entries_of(client, store_id, keys)
        name = ", ".join(keys[:_NAME_KEYS]) + (", …" if len(keys) > _NAME_KEYS else "")
        async with keep(ctx, "records", store_id, name, before, tool="delete_store_items") as kept:
            count = await client.stores.delete_store_items(items)
            kept.done({"entries": dict.fromkeys(before["entries"])})
        change_id = kept.change_id
    return RecordsDeleted(
        done=True,
        message=f"Deleted {plural(count, 'record')}.",
        deleted_count=count,
        change_id=change_id,
    )


async def _overwrite_impact(
    ctx: ToolContext, store_id: StoreId, existing: "StoreRecord", question: str, new_key: str = ""
) -> Impact:
    key, old = existing.key, record_of(existing).value
    entries = {new_key or key: None, key: [existing.value]}
    no_undo = await undo_losses(ctx, json_size({"entries": entries}))
    return Impact(
        question=question,
        losses=[*no_undo, f"Its present value: {quoted(old)}"],
        # Not every tenant tells when a record was written.
        identity={
            "store_id": store_id,
            "key": key,
            "updated_at": str(existing.updated_at),
            "value": old,
            **undo_fact(no_undo),
        },
    )


async def _existing(ctx: ToolContext, store_id: StoreId, key: str) -> "StoreRecord":
    client = await ctx.client()
    existing = await client.stores.get_store_record(store_id, key)
    if existing is None:
        await client.stores.get_store(store_id)  # which may be what there is not
        raise NotFoundError(
            f"The store has no record {quoted(key)}. list_store_records lists those there are; "
            "create_store_item makes one."
        )
    return existing


def _is_taken(key: str) -> ConflictError:
    return ConflictError(
        f"The store has a record {quoted(key)} already. Call again with overwrite=true to "
        "replace its value, or choose another key."
    )
