"""Stores and their records."""

import json
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError, InputError
from appmixer_mcp.results import Facts, Instant, Number, Outcome, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CHANGE, CREATE, DESTROY, READ, Choice, ToolContext, Toolset

from ._choices import fitting
from ._shared import Limit, Name, Offset, Sort, StoreId, plural

if TYPE_CHECKING:
    from pydantic import JsonValue

    from appmixer_mcp.api.models.stores import StoreRecord

TOOLSET = Toolset("stores", "Data stores and their records.")

Key = Annotated[str, Field(description="Unique within the store.", min_length=1)]
RecordPattern = Annotated[str, Field(description="Part of a key or value.")]

_SHOWN_KEYS = 10
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


class RecordWritten(Outcome):
    """What became of a record."""

    record: Record | SkipJsonSchema[None] = None


class RecordsDeleted(Outcome):
    """What became of records."""

    deleted_count: Number = None


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
    return StoreChanged(done=True, message=f"Created the store {quoted(name)}.", store_id=store_id)


@TOOLSET.tool("Rename store", CHANGE)
async def rename_store(ctx: ToolContext, store_id: StoreId, name: Name) -> StoreChanged:
    """Rename a data store; flows refer to it by id and go on."""
    await (await ctx.client()).stores.rename_store(store_id, name)
    return StoreChanged(done=True, message=f"The store is now {quoted(name)}.", store_id=store_id)


async def _delete_store_impact(ctx: ToolContext, store_id: StoreId) -> Impact:
    client = await ctx.client()
    store = await client.stores.get_store(store_id)
    count = await client.stores.count_store_records(store_id)
    return Impact(
        question=f"Delete the store {quoted(store.name)} with {plural(count, 'record')}?",
        losses=[
            f"{plural(count, 'record')}, for good",
            "Flows that use the store fail from then on.",
        ],
        identity={"store_id": store_id, "name": store.name or ""},
    )


@TOOLSET.tool("Delete store", DESTROY, preview=_delete_store_impact)
async def delete_store(ctx: ToolContext, store_id: StoreId) -> StoreChanged:
    """Delete a data store and all its records for good. Shows what would be lost first."""
    await (await ctx.client()).stores.delete_store(store_id)
    return StoreChanged(done=True, message=f"Deleted the store {store_id}.", store_id=store_id)


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
    items = [_record(record) for record in found]
    records = RecordPage.of(items, offset=offset, limit=limit, total=total)
    whole = not pattern and offset == 0
    return records.also_at("appmixer://stores/{}", store_id) if whole else records


async def _overwrite_impact(
    ctx: ToolContext,
    store_id: StoreId,
    key: str,
    value: str,
    value_is_json: bool,
    overwrite: bool,
) -> Impact | None:
    _stored_value(value, is_json=value_is_json)
    existing = await (await ctx.client()).stores.get_store_record(store_id, key)
    if existing is None:
        return None
    if not overwrite:
        raise ConflictError(
            f"The store has a record {quoted(key)} already. Call again with overwrite=true to "
            "replace its value, or choose another key."
        )
    old = _record(existing).value
    return Impact(
        question=f"Overwrite the record {quoted(key)}?",
        losses=[f"Its present value: {quoted(old)}"],
        # Not every tenant tells when a record was written.
        identity={
            "store_id": store_id,
            "key": key,
            "updated_at": str(existing.updated_at),
            "value": old,
        },
    )


@TOOLSET.tool("Create store item", DESTROY, preview=_overwrite_impact)
async def create_store_item(
    ctx: ToolContext,
    store_id: StoreId,
    key: Key,
    value: Annotated[str, Field(description="Text, or JSON text with value_is_json.")],
    value_is_json: Annotated[bool, Field(description="Store value as the JSON it holds.")] = False,
    overwrite: Annotated[bool, Field(description="Replace an existing key, after asking.")] = False,
) -> RecordWritten:
    """Write a record of a data store. An existing key is refused without overwrite=true."""
    client = await ctx.client()
    stored = _stored_value(value, is_json=value_is_json)
    written = await client.stores.create_store_item(store_id, key, stored)
    record = _record(written.model_copy(update={"value": stored, "key": key}))
    return RecordWritten(done=True, message=f"Wrote the record {quoted(key)}.", record=record)


async def _delete_items_impact(ctx: ToolContext, store_id: StoreId, keys: list[str]) -> Impact:
    client = await ctx.client()
    store = await client.stores.get_store(store_id)
    shown = ", ".join(quoted(key) for key in keys[:_SHOWN_KEYS])
    more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
    return Impact(
        question=f"Delete {plural(len(keys), 'record')} of the store {quoted(store.name)}?",
        losses=[f"The records {shown}{more}, for good"],
        identity={"store_id": store_id, "name": store.name or "", "keys": json.dumps(keys)},
    )


@TOOLSET.tool("Delete store items", DESTROY, preview=_delete_items_impact)
async def delete_store_items(
    ctx: ToolContext,
    store_id: StoreId,
    keys: Annotated[list[str], Field(description="Keys of the records.", min_length=1)],
) -> RecordsDeleted:
    """Delete records of a data store for good. Shows what would be lost first."""
    items = [(store_id, key) for key in keys]
    count = await (await ctx.client()).stores.delete_store_items(items)
    return RecordsDeleted(
        done=True, message=f"Deleted {plural(count, 'record')}.", deleted_count=count
    )


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


def _stored_value(value: str, *, is_json: bool) -> "JsonValue":
    if not is_json:
        return value
    try:
        parsed: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        raise InputError(
            "value is not JSON, though value_is_json is true. Mend it, or leave value_is_json out "
            "to store it as text."
        ) from None
    return parsed


def _record(record: "StoreRecord") -> Record:
    is_json = not isinstance(record.value, str)
    return Record(
        key=record.key,
        value=json.dumps(record.value, ensure_ascii=False) if is_json else str(record.value),
        value_is_json=is_json,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
