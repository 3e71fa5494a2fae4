"""Parameters that have the same name and meaning in every tool."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp import ids

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

FlowId = Annotated[ids.FlowId, Field(description="From list_flows.", min_length=1)]
StoreId = Annotated[ids.StoreId, Field(description="From list_stores.", min_length=1)]
AccountId = Annotated[ids.AccountId, Field(description="From list_accounts.", min_length=1)]
TaskId = Annotated[ids.TaskId, Field(description="From list_tasks.", min_length=1)]
ChartId = Annotated[ids.ChartId, Field(description="From list_charts.", min_length=1)]
FileId = Annotated[ids.FileId, Field(description="From list_files.", min_length=1)]

OfFlow = Annotated[
    ids.FlowId | SkipJsonSchema[None], Field(description="Only this flow's, from list_flows.")
]

Limit = Annotated[int, Field(description="Most items to return.", ge=1, le=100)]
Offset = Annotated[int, Field(description="Items to skip: next_offset of the page before.", ge=0)]
Filters = Annotated[
    list[str],
    Field(description="Each field:value, field:!value (is not) or field:~part; all must hold."),
]
Name = Annotated[str, Field(description="What people see.", min_length=1, max_length=255)]
Sort = Annotated[str, Field(description="field:1 rising, field:-1 falling.")]

DESCRIPTOR_OF_FLOW = "appmixer://flows/{flow_id}/descriptor"
LOGS_OF_FLOW = "appmixer://flows/{flow_id}/logs"


def sorted_by(client: "AppmixerClient", asked: str, usual: str) -> str | None:
    """Return how to sort: as asked, else as usual, which only one dialect of the API can."""
    return asked or (usual if client.dialect == "appmixer" else None)


def listed(names: Sequence[str], most: int = 10) -> str:
    """Return `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def aware(text: str) -> datetime:
    """Return the instant that an ISO text stands for, in UTC unless it says else.

    Raises:
        ValueError: It stands for none.
    """
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def plural(count: int, noun: str) -> str:
    """Return `1 record`, `2 records`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
