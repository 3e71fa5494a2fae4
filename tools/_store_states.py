"""Stores and their records as the journal keeps them, and how they are made again."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import anyio

from appmixer_mcp.errors import AppmixerError, ConflictError, NotFoundError
from appmixer_mcp.ids import StoreId

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

MOST_RECORDS = 1_000
"""Of a store that is deleted, or of one write to a store; more are not kept."""
TOO_MANY = f"more than {MOST_RECORDS:,} records are not kept"
_PAGE = 100
_AT_ONCE = 8


async def store_state(client: "AppmixerClient", store_id: StoreId) -> dict[str, Any]:
    """Return a store's name and records: key -> value."""
    store = await client.stores.get_store(store_id)
    records: dict[str, Any] = {}
    while True:
        found = await client.stores.list_store_records(
            store_id, sort="key:1", limit=_PAGE, offset=len(records)
        )
        seen = len(records)
        records |= {one.key: one.value for one in found}
        if len(found) < _PAGE or len(records) == seen:
            return {"name": store.name or "", "records": records}


async def entries_of(
    client: "AppmixerClient", store_id: StoreId, keys: Iterable[str]
) -> dict[str, Any]:
    """Return some records of a store, as `records` are kept: key -> [value], or null for none."""
    entries: dict[str, Any] = {}

    async def read(key: str) -> None:
        record = await client.stores.get_store_record(store_id, key)
        entries[key] = None if record is None else [record.value]

    wanted = list(dict.fromkeys(keys))
    await _each(wanted, read)
    return {"entries": {key: entries[key] for key in wanted}}


async def put_entries(
    client: "AppmixerClient", store_id: StoreId, entries: Mapping[str, Any]
) -> None:
    """Write records so that they are as they were kept; those kept as null are deleted."""

    async def write(key: str) -> None:
        await client.stores.create_store_item(store_id, key, entries[key][0])

    await client.stores.delete_store_items(
        [(store_id, key) for key, entry in entries.items() if entry is None]
    )
    await _each([key for key, entry in entries.items() if entry is not None], write)


async def make_store(
    client: "AppmixerClient", state: Mapping[str, Any], made: Callable[[StoreId], None]
) -> StoreId:
    """Make a deleted store again with its records, and return its new id.

    Args:
        client: Of the store's owner.
        state: From `store_state`.
        made: Told the id before the records are written.

    Raises:
        ConflictError: Not all records could be written; says where they are.
    """
    store_id = await client.stores.create_store(str(state["name"]))
    made(store_id)
    try:
        await put_entries(
            client, store_id, {key: [value] for key, value in state["records"].items()}
        )
    except AppmixerError as error:
        raise ConflictError(
            f"The store is back with the id {store_id}, but not all of its records are. {error}"
        ) from error
    return store_id


async def found_store(client: "AppmixerClient", store_id: StoreId, *, whole: bool) -> Any:
    """Return a store's state, with its records if `whole`; None when it is gone."""
    try:
        if whole:
            return await store_state(client, store_id)
        return {"name": (await client.stores.get_store(store_id)).name or ""}
    except NotFoundError:
        return None


async def _each(keys: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do something with each key, a few at once; the first error ends it."""
    errors: list[AppmixerError] = []
    at_once = anyio.CapacityLimiter(_AT_ONCE)

    async def one(key: str) -> None:
        async with at_once:
            if errors:
                return
            try:
                await work(key)
            except AppmixerError as error:  # not raised here, for a group would wrap it
                errors.append(error)

    async with anyio.create_task_group() as group:
        for key in keys:
            group.start_soon(one, key)
    if errors:
        raise errors[0]
