"""Waiting for log records, in calls that can be repeated and go on where the last one ended."""

from datetime import UTC, datetime
from typing import Annotated

import anyio
from pydantic import Field

from appmixer_mcp.results import Result
from appmixer_mcp.toolset import READ, ToolContext

from ._log_cursor import LogCursor, Looking
from ._log_filters import (
    Component,
    LogFilter,
    LuceneToo,
    Severity,
    Words,
    instant_of,
    refuse_without_search,
)
from ._shared import OfFlow, plural
from .diagnosis import TOOLSET
from .logs import LogRecord, record_of

_TEXT_CHARACTERS = 300
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 2.0


class Waited(Result):
    """What has come."""

    found: bool = Field(description="Whether enough came; if not, call again with the cursor.")
    # Not `items`: those of a page, which go on by next_offset; these go on by the cursor.
    records: list[LogRecord] = Field(description="Oldest first.")
    cursor: str = Field(description="Goes on behind these records.")

    more_by = "for those, call again with the cursor you had before and a smaller limit"


@TOOLSET.tool("Wait for logs", READ)
async def wait_for_logs(
    ctx: ToolContext,
    flow_id: OfFlow = None,
    component: Component = "",
    severity: Severity = None,
    since: Annotated[str, Field(description="Records from then on count: 1m, 2h, ISO time.")] = (
        "1m"
    ),
    text: Words = "",
    query: LuceneToo = "",
    cursor: Annotated[str, Field(description="From the call before, instead of since.")] = "",
    count: Annotated[int, Field(description="Wait for so many records.", ge=1, le=100)] = 1,
    limit: Annotated[int, Field(description="Most records to return.", ge=1, le=100)] = 20,
    wait_s: Annotated[int, Field(description="Longest wait in seconds.", ge=0, le=300)] = 25,
) -> Waited:
    """Wait until log records match; with its cursor the next call misses and repeats nothing."""
    wanted = LogFilter(flow_id, component, severity, "", text, query)
    client = await ctx.client()
    refuse_without_search(client)
    now = datetime.now(UTC)
    begin = LogCursor.read(cursor) if cursor else LogCursor.at(instant_of(since, now))
    looking = Looking(client, wanted, await wanted.lucene(client, now), begin, limit)
    await looking.look()
    with anyio.move_on_after(wait_s):
        pause_s = _FIRST_PAUSE_S
        while len(looking.found) < min(count, limit):
            ctx.progress(f"waits, {plural(len(looking.found), 'record')} so far")
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            await looking.look()
    return Waited(
        found=len(looking.found) >= min(count, limit),
        records=[record_of(hit, _TEXT_CHARACTERS) for hit in looking.found],
        cursor=looking.cursor.text,
    )
