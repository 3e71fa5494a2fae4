"""What every model of the API's answers has in common: tolerance, identifiers and instants."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from appmixer_mcp.ids import (
    AccountId,
    ChartId,
    ComponentId,
    FileId,
    FlowId,
    LogId,
    MessageId,
    StoreId,
    TaskId,
    UserId,
)

__all__ = [
    "AccountId",
    "ApiModel",
    "ChartId",
    "ComponentId",
    "Count",
    "FileId",
    "FlowId",
    "Instant",
    "LogId",
    "MessageId",
    "StoreId",
    "TaskId",
    "UserId",
]


def _instant(value: object) -> datetime | None:
    """Read epoch milliseconds and ISO text; text without an offset is UTC."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("the instant is out of range") from error


Instant = Annotated[AwareDatetime | None, BeforeValidator(_instant)]
"""An aware UTC instant from ISO text or epoch milliseconds; None for null, empty text or nothing.

Source: documented as ISO text in some places and as a number in others.
"""


class ApiModel(BaseModel):
    """An answer of the API: read by its own camelCase names, used by snake_case ones.

    Fields that this package does not know are kept in `model_extra`, because a tenant may be newer.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=False,
        extra="allow",
        frozen=True,
        coerce_numbers_to_str=True,
        # Building validators takes most of the import time, and a session uses few of the models.
        defer_build=True,
    )


class ErrorBody(ApiModel):
    """What the API says about a refusal, in hapi's shape; any JSON object is accepted."""

    message: JsonValue = None
    """The cause, for people."""

    error: JsonValue = None
    """The status in words, for example `Not Found`."""

    details: JsonValue = None
    """More about the cause; shape depends on the call."""


class Count(ApiModel):
    """The answer of every call that counts."""

    count: int
    """How many there are, 0 or more."""
