"""Data stores and their records."""

from collections.abc import Sequence

from pydantic import JsonValue

from .call import Call, json_body, no_such, path, query, shown, text_body
from .models.base import Count, StoreId
from .models.stores import Deleted, Store, StoreRecord, StoreReference
from .resource import Resource


class Stores(Resource):
    """The stores of the signed-in user; the `openapi` dialect can list, read and delete them."""

    async def list_stores(self) -> list[Store]:
        """Return all stores; empty when there are none."""
        return await self._transport.request(Call("GET", self._path()), list[Store])

    async def get_store(self, store_id: StoreId) -> Store:
        """Return one store.

        Raises:
            NotFoundError: There is none, or it is another user's.
        """
        call = Call("GET", self._path(store_id), advice=_no_store(store_id))
        return await self._transport.request(call, Store)

    async def create_store(self, name: str) -> StoreId:
        """Create an empty store and return its id."""
        self._needs_appmixer("create_store")
        call = Call("POST", self._path(), body=json_body({"name": name}))
        return (await self._transport.request(call, StoreReference)).store_id

    async def rename_store(self, store_id: StoreId, new_name: str) -> None:
        """Give a store another name; its id and records stay."""
        self._needs_appmixer("rename_store")
        call = Call(
            "PUT",
            self._path(store_id),
            body=json_body({"name": new_name}),
            advice=_no_store(store_id),
        )
        await self._transport.send(call)

    async def delete_store(self, store_id: StoreId) -> None:
        """Delete a store with all its records."""
        call = Call("DELETE", self._path(store_id), advice=_no_store(store_id))
        await self._transport.send(call)

    async def count_store_records(self, store_id: StoreId, *, pattern: str | None = None) -> int:
        """Return how many records a store has, or how many fit a pattern."""
        self._needs_appmixer("count_store_records")
        call = Call(
            "GET",
            path("store", "count"),
            query({"storeId": _checked(store_id), "pattern": pattern}),
            advice=_no_store(store_id),
        )
        return (await self._transport.request(call, Count)).count

    async def list_store_records(
        self,
        store_id: StoreId,
        *,
        pattern: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sort: str | None = None,
    ) -> list[StoreRecord]:
        """Return one page of a store's records; empty when none fits.

        Args:
            store_id: Which store.
            pattern: Part of a key or of a value.
            limit: Page size; the API's own default is 100.
            offset: Index of the first record, from 0.
            sort: `field:1` or `field:-1`, for example `updatedAt:-1`.
        """
        self._needs_appmixer("list_store_records")
        asked = query(
            {
                "storeId": _checked(store_id),
                "pattern": pattern,
                "limit": limit,
                "offset": offset,
                "sort": sort,
            }
        )
        call = Call("GET", path("store"), asked, advice=_no_store(store_id))
        return await self._transport.request(call, list[StoreRecord])

    async def download_store(self, store_id: StoreId) -> list[StoreRecord]:
        """Return all records of a store at once; empty when it has none.

        Raises:
            UnexpectedAnswerError: Among others that they are larger than one answer may be.
        """
        self._needs_appmixer("download_store")
        call = Call(
            "GET",
            path("store", "download", store_id),
            query({"format": "json"}),
            advice=_no_store(store_id),
        )
        return await self._transport.request(call, list[StoreRecord])

    async def get_store_record(self, store_id: StoreId, key: str) -> StoreRecord | None:
        """Return one record; None when the store has no such key, or there is no such store.

        Source: observed; neither the SDK nor the documentation has this call.
        """
        self._needs_appmixer("get_store_record")
        return await self._transport.find(Call("GET", path("store", store_id, key)), StoreRecord)

    async def create_store_item(self, store_id: StoreId, key: str, value: JsonValue) -> StoreRecord:
        """Write a record; a record under the same key is overwritten.

        Args:
            store_id: Which store.
            key: Unique within the store.
            value: Text is stored as text, anything else as JSON.
        """
        self._needs_appmixer("create_store_item")
        is_text = isinstance(value, str)
        call = Call(
            "POST",
            path("store", store_id, key),
            body=text_body(value) if isinstance(value, str) else json_body(value),
            content_type="text/plain; charset=utf-8" if is_text else "application/json",
            advice=_no_store(store_id),
        )
        return await self._transport.request(call, StoreRecord)

    async def rename_store_item(self, store_id: StoreId, key: str, new_key: str) -> StoreRecord:
        """Give a record another key; its value stays.

        Raises:
            NotFoundError: The store has no such key, or the tenant no such call.
            ConflictError: There is a record with the new key.

        Source: documented, not in the SDK; what a taken key is answered is the sandbox's.
        """
        self._needs_appmixer("rename_store_item")
        call = Call(
            "PATCH",
            path("store", store_id, key),
            body=json_body({"key": new_key}),
            advice={
                404: f"The store has no record {shown(key)}, or this tenant cannot give a record "
                "another key. list_store_records lists them.",
                409: f"The store has a record {shown(new_key)} already. Choose another key.",
            },
        )
        return await self._transport.request(call, StoreRecord)

    async def delete_store_items(self, items: Sequence[tuple[StoreId, str]]) -> int:
        """Delete records and return how many there were.

        Args:
            items: Store and key of each; for none nothing is sent.

        Returns:
            The count of the last try: after a lost answer it lacks what the try before deleted.
        """
        self._needs_appmixer("delete_store_items")
        if not items:
            return 0
        wanted = [{"key": key, "storeId": store_id} for store_id, key in items]
        call = Call("DELETE", path("store"), body=json_body(wanted))
        return (await self._transport.request(call, Deleted)).deleted_count

    def _path(self, *segments: str) -> str:
        return path("data-stores" if self._openapi else "stores", *segments)


def _checked(store_id: StoreId) -> StoreId:
    """Refuse what could not be an id: without one the API would answer for all stores together."""
    path(store_id)
    return store_id


def _no_store(store_id: StoreId) -> dict[int, str]:
    return no_such("store", store_id, "list_stores")
