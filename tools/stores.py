"""Stores and their records."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.journal.states import json_size
from appmixer_mcp.results import Facts, Instant, Outcome, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CHANGE, CREATE, DESTROY, READ, Choice, ToolContext, Toolset

from ._choices import fitting
from ._keeping import CANNOT_UNDO, keep, note_made, undo_fact, undo_losses
from ._shared import Limit, Name, Offset, Sort, StoreId, plural
from ._store_states import MOST_RECORDS, TOO_MANY, store_state

if TYPE_CHECKING:
    from appmixer_mcp.api.models.stores import StoreRecord

TOOLSET = Toolset("stores", "Data stores and their records.")

RecordPattern = Annotated[str, Field(description="Part of a key or value.")]

_MOST_RECORDS = 100


class Store(Facts):
    """A data store."""

    store_id: str
    name: str


class StoreDetail(Result):
    """One data store."""

    store_id: str
    name: str


class StorePage(Page):
    """Data stores."""

    items: list[Store]


class StoreChanged(Outcome):
    """What became of a store."""

    store_id: Text = None
    change_id: Text = Field(default=None, description="undo_change takes it back.")


class RecordCount(Result):
    """How many records."""

    count: int


class Record(Facts):
    """A record of a store."""

    key: str
    value: str = Field(description="Text, or JSON text if value_is_json.")
    value_is_json: bool
    created_at: Instant = None
    updated_at: Instant = None


class RecordPage(Page):
    """Records of a store."""

    items: list[Record]


class StoreContents(RecordPage):
    """A store and its newest records."""

    store_id: str
    name: str


@TOOLSET.tool("List stores", READ)
async def list_stores(ctx: ToolContext, offset: Offset = 0) -> StorePage:
    """List all data stores."""
    found = await (await ctx.client()).stores.list_stores()
    items = [Store(store_id=store.store_id, name=store.name or "") for store in found]
    return StorePage.rest(items, offset=offset)


@TOOLSET.tool("Get store", READ)
async def get_store(ctx: ToolContext, store_id: StoreId) -> StoreDetail:
    """Show one data store's name; list_store_records shows what is in it."""
    store = await (await ctx.client()).stores.get_store(store_id)
    return StoreDetail(store_id=store.store_id, name=store.name or "")


@TOOLSET.tool("Create store", CREATE)
async def create_store(ctx: ToolContext, name: Name) -> StoreChanged:
    """Create an empty data store."""
    store_id = await (await ctx.client()).stores.create_store(name)
    made: dict[str, Any] = {"name": name, "records": {}}
    return StoreChanged(
        done=True,
        message=f"Created the store {quoted(name)}.",
        store_id=store_id,
        change_id=await note_made(ctx, "store", store_id, name, made, tool="create_store"),
    )


@TOOLSET.tool("Rename store", CHANGE)
async def rename_store(ctx: ToolContext, store_id: StoreId, name: Name) -> StoreChanged:
    """Rename a data store; flows refer to it by id and go on."""
    client = await ctx.client()
    old = (await client.stores.get_store(store_id)).name or ""
    state = {"name": old}
    async with keep(
        ctx, "store", store_id, old, state, tool="rename_store", must=False
    ) as kept:  # the message keeps the old name as well
        await client.stores.rename_store(store_id, name)
        kept.done({"name": name})
    said = f"The store {quoted(old)} is now {quoted(name)}."
    return StoreChanged(done=True, message=said, store_id=store_id, change_id=kept.change_id)


async def _delete_store_impact(ctx: ToolContext, store_id: StoreId) -> Impact:
    client = await ctx.client()
    store = await client.stores.get_store(store_id)
    count = await client.stores.count_store_records(store_id)
    state = await _state_of(ctx, store_id)
    if state is None:
        no_undo = [] if ctx.journal is None else [f"{CANNOT_UNDO}: {TOO_MANY}."]
    else:
        no_undo = await undo_losses(ctx, json_size(state))
    undoable = state is not None and not no_undo
    after = "undo_change brings them back, in a store with a new id" if undoable else "for good"
    return Impact(
        question=f"Delete the store {quoted(store.name)} with {plural(count, 'record')}?",
        losses=[
            *no_undo,
            f"{plural(count, 'record')}: {after}",
            "Flows that use the store fail from then on.",
        ],
        identity={"store_id": store_id, "name": store.name or "", **undo_fact(no_undo)},
    )


@TOOLSET.tool("Delete store", DESTROY, preview=_delete_store_impact)
async def delete_store(ctx: ToolContext, store_id: StoreId) -> StoreChanged:
    """Delete a data store and all its records. Shows what would be lost first."""
    client = await ctx.client()
    name = (await client.stores.get_store(store_id)).name or ""
    state = await _state_of(ctx, store_id)
    if state is None:
        await client.stores.delete_store(store_id)
        change_id = None
    else:
        async with keep(ctx, "store", store_id, name, state, tool="delete_store") as kept:
            await client.stores.delete_store(store_id)
            kept.done(None)
        change_id = kept.change_id
    return StoreChanged(
        done=True,
        message=f"Deleted the store {quoted(name)}.",
        store_id=store_id,
        change_id=change_id,
    )


async def _state_of(ctx: ToolContext, store_id: StoreId) -> dict[str, Any] | None:
    """Return what is kept of a store; None where nothing is, or where it has too many records."""
    client = await ctx.client()
    if ctx.journal is None or await client.stores.count_store_records(store_id) > MOST_RECORDS:
        return None
    return await store_state(client, store_id)


@TOOLSET.tool("Count store records", READ)
async def count_store_records(
    ctx: ToolContext, store_id: StoreId, pattern: RecordPattern = ""
) -> RecordCount:
    """Count the records of a data store, all or those that match."""
    client = await ctx.client()
    count = await client.stores.count_store_records(store_id, pattern=pattern or None)
    return RecordCount(count=count)


@TOOLSET.tool("List store records", READ, selectable=Selectable(always=("key", "value_is_json")))
async def list_store_records(
    ctx: ToolContext,
    store_id: StoreId,
    pattern: RecordPattern = "",
    sort: Sort = "updatedAt:-1",
    limit: Limit = 20,
    offset: Offset = 0,
) -> RecordPage:
    """List records of a data store, last written first."""
    client = await ctx.client()
    found = await client.stores.list_store_records(
        store_id, pattern=pattern or None, sort=sort, limit=limit, offset=offset
    )
    total = None
    if offset or len(found) == limit:
        total = await client.stores.count_store_records(store_id, pattern=pattern or None)
    items = [record_of(record) for record in found]
    records = RecordPage.of(items, offset=offset, limit=limit, total=total)
    whole = not pattern and offset == 0
    return records.also_at("appmixer://stores/{}", store_id) if whole else records


@TOOLSET.resource("appmixer://stores/{store_id}", "Data store")
async def store(ctx: ToolContext, store_id: StoreId) -> StoreContents:
    """A data store's name, how many records it has, and those 100 that were written last."""
    found = await get_store(ctx, store_id)
    records = await list_store_records(ctx, store_id, limit=_MOST_RECORDS)
    return StoreContents(**dict(records), store_id=found.store_id, name=found.name)


@TOOLSET.completes("store_id")
async def complete_store(ctx: ToolContext, text: str) -> list[Choice]:
    """Find stores."""
    found = await (await ctx.client()).stores.list_stores()
    return fitting([Choice(one.store_id, one.name or "") for one in found], text)


def record_of(record: "StoreRecord") -> Record:
    """Return a record as tools show it."""
    is_json = not isinstance(record.value, str)
    return Record(
        key=record.key,
        value=json.dumps(record.value, ensure_ascii=False) if is_json else str(record.value),
        value_is_json=is_json,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
