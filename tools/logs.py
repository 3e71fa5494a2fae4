"""Logs: what flows received, sent and failed at."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from appmixer_mcp.ids import FlowId, LogId
from appmixer_mcp.results import Facts, Instant, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import READ, ToolContext, Toolset

from ._json_values import shown
from ._log_filters import Component, LogFilter, Lucene, Severity, Since, Words
from ._shared import Limit, OfFlow, Offset, sorted_by

if TYPE_CHECKING:
    from appmixer_mcp.api.models.logs import LogHit
    from appmixer_mcp.api.models.logs import LogPage as ApiLogPage

TOOLSET = Toolset("logs", "What flows received, sent and failed at.")

_IN_A_LIST = 500
_IN_A_RESOURCE = 10_000  # all texts are searched for secrets, while nobody else is served
_ALONE = 100_000  # likewise
_MOST_RECORDS = 100
_NEWEST_FIRST = "@timestamp:desc"


class LogRecord(Facts):
    """A log record in a list; long texts are cut."""

    log_id: Text = None
    index: Text = Field(default=None, description="Goes with log_id into get_log.")
    at: Instant = None
    severity: Text = None
    flow_id: Text = None
    component_id: Text = None
    component_type: Text = None
    port_type: Text = Field(default=None, description="in: received, out: sent.")
    port: Text = None
    correlation_id: Text = Field(default=None, description="Same for all that one event set off.")
    message: Text = None
    error: Text = None


class LogDay(Facts):
    """How many records a day has."""

    day: str
    count: int


class LogPage(Page):
    """Found log records."""

    items: list[LogRecord]
    days: list[LogDay] = Field(description="How many records were found, by day.")


class LogDetail(Result):
    """One log record whole."""

    record: LogRecord
    sender_id: Text = None
    sender_type: Text = None
    sender_port: Text = None
    input_messages: Text = Field(default=None, description="What had come in when it failed.")


@TOOLSET.tool("Query logs", READ, selectable=Selectable(always=("log_id", "index")))
async def query_logs(
    ctx: ToolContext,
    flow_id: OfFlow = None,
    component: Component = "",
    severity: Severity = None,
    since: Since = "",
    text: Words = "",
    query: Lucene = "",
    sort: Annotated[str, Field(description="field:asc or field:desc.")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> LogPage:
    """Search log records, newest first. Why a flow fails: severity error with its flow_id."""
    wanted = LogFilter(flow_id, component, severity, since, text, query)
    client = await ctx.client()
    order = sorted_by(client, sort, _NEWEST_FIRST)
    page = await client.logs.query_logs(
        query=await wanted.lucene(client, datetime.now(UTC)),
        flow_ids=wanted.flow_ids,
        sort=[order] if order else [],
        size=limit,
        from_=offset,
    )
    found = _page(page, most_characters=_IN_A_LIST, offset=offset, limit=limit)
    whole = wanted.is_flow_alone and not (sort or offset)
    return found.also_at("appmixer://flows/{}/logs", flow_id or "") if whole else found


@TOOLSET.tool("Get log record", READ)
async def get_log(
    ctx: ToolContext,
    log_id: Annotated[LogId, Field(description="From query_logs.", min_length=1)],
    index: Annotated[str, Field(description="From query_logs.", min_length=1)],
) -> LogDetail:
    """Show one log record whole, with what the component had received when it failed."""
    found = await (await ctx.client()).logs.get_log(log_id, index)
    hit = found.source
    record = record_of(
        hit.model_copy(update={"log_id": found.log_id, "index": found.index}), _ALONE
    )
    return LogDetail(
        record=record,
        sender_id=hit.sender_id,
        sender_type=hit.sender_type,
        sender_port=hit.sender_port,
        input_messages=shown(hit.input_messages, _ALONE),
    )


@TOOLSET.resource("appmixer://flows/{flow_id}/logs", "Flow logs")
async def flow_logs(ctx: ToolContext, flow_id: FlowId) -> LogPage:
    """A flow's newest 100 log records, newest first, long texts too; and the count by day."""
    client = await ctx.client()
    await client.flows.get_flow(flow_id, projection="flowId")  # of an unknown one there are none
    order = sorted_by(client, "", _NEWEST_FIRST)
    page = await client.logs.query_logs(
        flow_ids=[flow_id], sort=[order] if order else [], size=_MOST_RECORDS
    )
    return _page(page, most_characters=_IN_A_RESOURCE, offset=0, limit=_MOST_RECORDS)


def _page(page: "ApiLogPage", *, most_characters: int, offset: int, limit: int) -> LogPage:
    counted = [bucket for bucket in page.buckets if bucket.doc_count]
    return LogPage.of(
        [record_of(hit, most_characters) for hit in page.hits],
        offset=offset,
        limit=limit,
        total=sum(bucket.doc_count or 0 for bucket in counted) if page.buckets else None,
        days=[
            LogDay(day=(bucket.key_as_string or "")[:10], count=bucket.doc_count or 0)
            for bucket in counted
        ],
    )


def record_of(hit: "LogHit", most_characters: int) -> LogRecord:
    """Return a record as lists show it, its texts cut to so many characters."""
    more_by = "get_log" if most_characters < _ALONE else ""
    return LogRecord(
        log_id=hit.log_id,
        index=hit.index,
        at=hit.logged_at or hit.grid_timestamp,
        severity=hit.severity,
        flow_id=hit.flow_id,
        component_id=hit.component_id or None,
        component_type=hit.component_type or None,
        port_type=hit.port_type or None,
        port=hit.port or None,
        correlation_id=hit.correlation_id or None,
        message=shown(hit.msg, most_characters, more_by),
        error=shown(hit.err, most_characters, more_by),
    )
