"""Data stores and their records."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import MAX_NUMBER, listing
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, parse_json
from appmixer_mcp.sandbox.stores import UserStores

_KEY_MAX = 1_000


class _Store(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Item(BaseModel):
    key: str
    storeId: str  # noqa: N815 - the API's name


_ITEMS = TypeAdapter(list[_Item])


class _Change(BaseModel):
    key: str | None = None
    value: Any = None


async def list_stores(call: Call) -> Json:
    """List the user's stores, all of them unless a limit is named: no paging is documented."""
    asked = listing(call.query, default_limit=MAX_NUMBER)
    return asked.page(asked.select(_stores(call).every(), pattern_in=("name",)))


async def create_store(call: Call) -> Json:
    """Make an empty store."""
    body = await call.body(_Store)
    return {"storeId": _stores(call).create(body.name)}


async def show_store(call: Call) -> Json:
    """Show one store."""
    return _stores(call).named(call.path("storeId"))


async def rename_store(call: Call) -> Json:
    """Give a store another name."""
    body = await call.body(_Store)
    store_id = call.path("storeId")
    return {"oldName": _stores(call).rename(store_id, body.name), "storeId": store_id}


async def delete_store(call: Call) -> Json:
    """Delete a store with its records."""
    store_id = call.path("storeId")
    _stores(call).delete(store_id)
    return {"storeId": store_id}


async def list_records(call: Call) -> Json:
    """List a store's records, by key unless another order is asked for."""
    asked = listing(call.query)
    return asked.page(asked.select(await _matching(call)))


async def count_records(call: Call) -> Json:
    """Count a store's records."""
    return {"count": len(listing(call.query).select(await _matching(call)))}


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
    change = await call.body(_Change)
    with call.services.database.transaction():
        record = _found(stores.get(store_id, key))
        if change.key is not None:
            _check_key(change.key)
            stores.rename_key(store_id, key, change.key)
            key = change.key
        if "value" in change.model_fields_set:
            record = stores.set(store_id, key, change.value)
        else:
            record = _found(stores.get(store_id, key))
    return _without_old(record)


async def delete_record(call: Call) -> Json:
    """Delete one record."""
    _found(_named_stores(call).remove(call.path("storeId"), call.path("key")))
    return {"deletedCount": 1}


async def delete_records(call: Call) -> Json:
    """Delete several records, of one store or several; unknown keys are skipped."""
    try:
        items = _ITEMS.validate_python(await call.json())
    except ValidationError as error:
        raise InputError("The request body must be a list of {key, storeId}.") from error
    pairs = [(item.storeId, item.key) for item in items]
    return {"deletedCount": _stores(call).remove_many(pairs)}


def _stores(call: Call) -> UserStores:
    return UserStores(call.services.database, call.services.clock, call.user.user_id)


def _named_stores(call: Call) -> UserStores:
    """Return the user's stores, once it is certain that the path names one of them."""
    stores = _stores(call)
    stores.named(call.path("storeId"))
    return stores


async def _matching(call: Call) -> list[Mapping[str, Json]]:
    stores, store_id = _stores(call), call.query.get("storeId", "")
    if not store_id:
        raise InputError("storeId is required.")
    stores.named(store_id)
    pattern = call.query.get("pattern", "")
    return await call.services.database.read(
        lambda connection: stores.matching(connection, store_id, pattern)
    )


def _found(record: Mapping[str, Json] | None) -> Mapping[str, Json]:
    if record is None:
        raise NotFoundError("Record not found.")
    return record


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= _KEY_MAX:
        raise InputError(f"key must have 1 to {_KEY_MAX} characters.")


def _without_old(record: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out the old value of a record that had none."""
    return {k: v for k, v in record.items() if k != "oldValue" or v is not None}


ENDPOINTS = (
    Endpoint("GET", "/stores", list_stores),
    Endpoint("POST", "/stores", create_store),
    Endpoint("GET", "/stores/{storeId}", show_store),
    Endpoint("PUT", "/stores/{storeId}", rename_store),
    Endpoint("DELETE", "/stores/{storeId}", delete_store),
    Endpoint("GET", "/data-stores", list_stores),
    Endpoint("GET", "/data-stores/{storeId}", show_store),
    Endpoint("DELETE", "/data-stores/{storeId}", delete_store),
    Endpoint("GET", "/store", list_records),
    Endpoint("DELETE", "/store", delete_records),
    Endpoint("GET", "/store/count", count_records),
    Endpoint("GET", "/store/{storeId}/{key}", show_record),
    Endpoint("POST", "/store/{storeId}/{key}", write_record),
    Endpoint("PATCH", "/store/{storeId}/{key}", change_record),
    Endpoint("DELETE", "/store/{storeId}/{key}", delete_record),
)
