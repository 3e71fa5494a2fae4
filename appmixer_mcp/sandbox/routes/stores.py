"""Data stores and their records."""

import csv
import io
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.listing import MAX_NUMBER, listing
from appmixer_mcp.sandbox.routes import download
from appmixer_mcp.sandbox.routes.endpoint import (
    LISTING,
    SELECTION,
    Call,
    Count,
    Endpoint,
    Parameter,
    parse_json,
)
from appmixer_mcp.sandbox.stores import Record, Store, UserStores

_KEY_MAX = 1_000
_DOWNLOADED_AT_ONCE = 100  # records
_STORE_ID = Parameter(name="storeId", required=True)
_COLUMNS = ("key", "value", "createdAt", "updatedAt")


class StoreId(TypedDict):
    """Which store it is."""

    storeId: str


class RenamedStore(TypedDict):
    """Which store was renamed, and what it was called."""

    oldName: str
    storeId: str


class DeletedRecords(TypedDict):
    """How many records were deleted."""

    deletedCount: int


class _StoreWanted(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Item(BaseModel):
    key: str
    storeId: str  # noqa: N815 - the API's name


_Items = Annotated[list[_Item], Field(max_length=20_000)]
_ITEMS = TypeAdapter[list[_Item]](_Items)


class _RecordChange(BaseModel):
    key: str | None = None
    value: Any = None


async def list_stores(call: Call) -> Json:
    """List the user's stores, all of them unless a limit is named: no paging is documented."""
    asked = listing(call.query, identity="storeId", default_limit=MAX_NUMBER)
    listed = partial(asked.listed, _stores(call).every(), pattern_in=("name",))
    return await anyio.to_thread.run_sync(listed)


async def create_store(call: Call) -> Json:
    """Make an empty store."""
    body = await call.body(_StoreWanted)
    made: StoreId = {"storeId": _stores(call).create(body.name)}
    return made


async def show_store(call: Call) -> Json:
    """Show one store."""
    return _stores(call).named(call.path("storeId"))


async def rename_store(call: Call) -> Json:
    """Give a store another name."""
    body = await call.body(_StoreWanted)
    store_id = call.path("storeId")
    renamed: RenamedStore = {
        "oldName": _stores(call).rename(store_id, body.name),
        "storeId": store_id,
    }
    return renamed


async def delete_store(call: Call) -> Json:
    """Delete a store with its records."""
    store_id = call.path("storeId")
    _stores(call).delete(store_id)
    deleted: StoreId = {"storeId": store_id}
    return deleted


async def list_records(call: Call) -> Json:
    """List a store's records, by key unless another order is asked for."""
    asked, (stores, store_id) = listing(call.query, identity="key"), _asked_store(call)

    def read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        if asked.is_plain:
            page = stores.page(connection, store_id, None, asked.limit, offset=asked.offset)
            return [asked.project(record) for record in page]
        return asked.page(asked.select(stores.matching(connection, store_id, asked.pattern)))

    return await call.services.database.read(read)


async def count_records(call: Call) -> Json:
    """Count a store's records."""
    asked, (stores, store_id) = listing(call.query), _asked_store(call)

    def read(connection: sqlite3.Connection) -> int:
        if not (asked.filters or asked.pattern):
            return stores.count_of(connection, store_id)
        return len(asked.select(stores.matching(connection, store_id, asked.pattern)))

    found: Count = {"count": await call.services.database.read(read)}
    return found


async def download_store(call: Call) -> Response:
    """Send all records of a store as one file, JSON or CSV."""
    store = _stores(call).named(call.path("storeId"))
    form = call.query.get("format", "json")
    if form not in ("json", "csv"):
        raise InputError("format must be json or csv.")
    pages = _pages(call, store["storeId"])
    return StreamingResponse(
        _as_csv(pages) if form == "csv" else _as_json(pages),
        headers=download.headers(f"{store['name']}.{form}"),
        media_type="application/octet-stream",
    )


async def show_record(call: Call) -> Json:
    """Show one record."""
    record = _named_stores(call).get(call.path("storeId"), call.path("key"))
    return _found(record)


async def write_record(call: Call) -> Json:
    """Create or overwrite a record: the body is the value, as JSON or as text."""
    stores, key = _named_stores(call), call.path("key")
    _check_key(key)
    content = await call.content()
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        value = parse_json(content)
    else:
        try:
            value = content.decode()
        except UnicodeDecodeError as error:
            raise InputError("The value is not UTF-8 text.") from error
    return _without_old(stores.set(call.path("storeId"), key, value))


async def change_record(call: Call) -> Json:
    """Give a record another key, another value, or both."""
    stores, store_id, key = _named_stores(call), call.path("storeId"), call.path("key")
    wanted = await call.body(_RecordChange)
    new_key = key if wanted.key is None else wanted.key
    if new_key != key:
        _check_key(new_key)
    value = {"value": wanted.value} if "value" in wanted.model_fields_set else {}
    return _without_old(stores.change(store_id, key, new_key=new_key, change=value))


async def delete_record(call: Call) -> Json:
    """Delete one record."""
    _found(_named_stores(call).remove(call.path("storeId"), call.path("key")))
    deleted: DeletedRecords = {"deletedCount": 1}
    return deleted


async def delete_records(call: Call) -> Json:
    """Delete several records, of one store or several; unknown keys are skipped."""
    try:
        items = _ITEMS.validate_python(await call.json())
    except ValidationError as error:
        raise InputError(
            "The request body must be a list of {key, storeId}, of 20,000 at most."
        ) from error
    pairs = [(item.storeId, item.key) for item in items]
    deleted: DeletedRecords = {"deletedCount": _stores(call).remove_many(pairs)}
    return deleted


def _stores(call: Call) -> UserStores:
    services, user_id = call.services, call.user.user_id
    tell = partial(services.engine.publish, user_id=user_id)
    return UserStores(services.database, services.clock, user_id, tell)


def _named_stores(call: Call) -> UserStores:
    """Return the user's stores, once it is certain that the path names one of them."""
    stores = _stores(call)
    stores.named(call.path("storeId"))
    return stores


def _asked_store(call: Call) -> tuple[UserStores, str]:
    stores, store_id = _stores(call), call.query.get("storeId", "")
    if not store_id:
        raise InputError("storeId is required.")
    stores.named(store_id)
    return stores, store_id


async def _pages(call: Call, store_id: str) -> AsyncIterator[list[Record]]:
    """Give a store's records in key order, some at a time; the last page may be empty."""
    stores, last = _stores(call), None
    while True:
        page = partial(stores.page, store_id=store_id, after=last, limit=_DOWNLOADED_AT_ONCE)
        records = await call.services.database.read(page)
        yield records
        if len(records) < _DOWNLOADED_AT_ONCE:
            break
        last = records[-1]["key"]


async def _as_json(pages: AsyncIterator[list[Record]]) -> AsyncIterator[str]:
    before = "["
    async for records in pages:
        for record in records:
            yield before + dumps(record)
            before = ",\n"
    yield "[]" if before == "[" else "]"


async def _as_csv(pages: AsyncIterator[list[Record]]) -> AsyncIterator[str]:
    """Give the lines of a table; texts are as they are, other values JSON (ours)."""
    yield _line(_COLUMNS)
    async for records in pages:
        for one in records:
            value = one["value"] if isinstance(one["value"], str) else dumps(one["value"])
            yield _line((one["key"], value, one["createdAt"], one["updatedAt"]))


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _found(record: Record | None) -> Record:
    if record is None:
        raise NotFoundError("Record not found.")
    return record


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= _KEY_MAX:
        raise InputError(f"key must have 1 to {_KEY_MAX} characters.")


def _without_old(record: Record) -> Record:
    """Leave out the old value of a record that had none."""
    if record.get("oldValue") is None:
        record.pop("oldValue", None)
    return record


ENDPOINTS = (
    *(
        endpoint
        for path in ("/stores", "/data-stores")
        for endpoint in (
            Endpoint("GET", path, list_stores, query=LISTING, answer=list[Store]),
            Endpoint("GET", f"{path}/{{storeId}}", show_store, answer=Store),
            Endpoint("DELETE", f"{path}/{{storeId}}", delete_store, answer=StoreId),
        )
    ),
    Endpoint("POST", "/stores", create_store, body=_StoreWanted, answer=StoreId),
    Endpoint("PUT", "/stores/{storeId}", rename_store, body=_StoreWanted, answer=RenamedStore),
    Endpoint(
        "GET",
        "/store",
        list_records,
        query=(_STORE_ID, *LISTING),
        answer=list[Record],
        statuses=(404,),
    ),
    Endpoint(
        "DELETE",
        "/store",
        delete_records,
        body=_Items,
        answer=DeletedRecords,
        statuses=(404,),
    ),
    Endpoint(
        "GET",
        "/store/count",
        count_records,
        query=(_STORE_ID, *SELECTION),
        answer=Count,
        statuses=(404,),
    ),
    Endpoint(
        "GET",
        "/store/download/{storeId}",
        download_store,
        query=(Parameter(name="format", options=("json", "csv")),),
        answer_type="application/octet-stream",
    ),
    Endpoint("GET", "/store/{storeId}/{key}", show_record, answer=Record),
    Endpoint(
        "POST",
        "/store/{storeId}/{key}",
        write_record,
        body=Any,
        body_type="application/json, text/plain",
        answer=Record,
    ),
    Endpoint(
        "PATCH",
        "/store/{storeId}/{key}",
        change_record,
        body=_RecordChange,
        answer=Record,
        statuses=(409,),
    ),
    Endpoint("DELETE", "/store/{storeId}/{key}", delete_record, answer=DeletedRecords),
)
