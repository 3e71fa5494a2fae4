"""Data stores and their records."""

from pydantic import AliasChoices, Field, JsonValue

from .base import ApiModel, Instant, StoreId, UserId


class StoreReference(ApiModel):
    """An answer that only names a store."""

    store_id: StoreId = Field(
        validation_alias=AliasChoices("storeId", "id"), serialization_alias="storeId"
    )
    """The store that was made."""


class Store(StoreReference):
    """A data store: a named table of keys and values."""

    name: str | None = None
    """The name people see."""


class StoreRecord(ApiModel):
    """One key of a store with its value."""

    key: str
    """Unique within its store."""

    value: JsonValue = None
    """Text, or any JSON value."""

    store_id: StoreId | None = None
    """The store it lies in."""

    user_id: UserId | None = None
    """Who owns the store."""

    created_at: Instant = None
    """When the key was first written."""

    updated_at: Instant = None
    """When the value was last written."""

    old_value: JsonValue = None
    """What an overwritten key held before; only in the answer to a write, not on every tenant."""


class Deleted(ApiModel):
    """The answer to deleting records."""

    deleted_count: int
    """How many records there were to delete; keys that did not exist are not counted."""
