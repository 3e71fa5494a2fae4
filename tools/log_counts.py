"""How many log records there are: over time, by component and by severity."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, JsonValue

from appmixer_mcp.errors import ConflictError, InputError
from appmixer_mcp.results import Facts, Instant, Result, Text
from appmixer_mcp.toolset import READ, ToolContext

from ._flow_reading import Labels, whole_flow
from ._log_filters import (
    Component,
    LogFilter,
    LuceneToo,
    Severity,
    Words,
    instant_of,
)
from ._shared import OfFlow
from .diagnosis import TOOLSET

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.logs import LogCounts

_LENGTHS_S = {"1m": 60, "10m": 600, "1h": 3_600, "6h": 21_600, "1d": 86_400, "7d": 604_800}
_USUAL_BARS, _MOST_BARS = 40, 200
_MOST_COMPONENTS = 20
_ERRORS = {"errors": {"filter": {"term": {"severity": "error"}}}}


class CountAt(Facts):
    """How many records a span of time has."""

    at: Instant = None
    count: int
    errors: int


class CountOfComponent(Facts):
    """How many records a component has."""

    component: str = Field(description="Label, where the flow was named.")
    component_id: str
    flow_id: Text = None
    count: int
    errors: int


class CountOfSeverity(Facts):
    """How many records have a severity."""

    severity: str
    count: int


class LogStats(Result):
    """How many log records there are."""

    since: Instant
    interval: str
    total: int
    errors: int
    over_time: list[CountAt] = Field(description="Spans without records are left out.")
    by_component: list[CountOfComponent] = Field(description="Those with most records.")
    by_severity: list[CountOfSeverity]

    more_by = "take a longer interval, or fewer records by a filter"


@TOOLSET.tool("Log statistics", READ)
async def log_stats(
    ctx: ToolContext,
    flow_id: OfFlow = None,
    component: Component = "",
    severity: Severity = None,
    since: Annotated[str, Field(description="30m, 2h, 1d or an ISO time.")] = "1d",
    interval: Annotated[
        Literal["auto", "1m", "10m", "1h", "6h", "1d", "7d"],
        Field(description="Length of a span."),
    ] = "auto",
    text: Words = "",
    query: LuceneToo = "",
) -> LogStats:
    """Count log records over time, by component and by severity; query_logs shows them."""
    now = datetime.now(UTC)
    begin = instant_of(since, now)
    wanted = LogFilter(flow_id, component, severity, since, text, query)
    length = _interval(interval, now - begin)
    client = await ctx.client()
    counts = await client.logs.aggregate_logs(
        _aggregations(length),
        query=await wanted.lucene(client, now),
        flow_ids=wanted.flow_ids,
    )
    if counts is None:
        raise ConflictError(
            "This tenant cannot count log records. query_logs says how many a day has."
        )
    by_severity = [
        CountOfSeverity(severity=str(one.get("key")), count=_count(one))
        for one in _buckets(counts, "severity")
    ]
    return LogStats(
        since=begin,
        interval=length,
        total=sum(one.count for one in by_severity),
        errors=sum(one.count for one in by_severity if one.severity == "error"),
        over_time=[
            CountAt(at=_instant(one), count=_count(one), errors=_errors(one))
            for one in _buckets(counts, "time")
            if _count(one)
        ],
        by_component=await _by_component(client, wanted, _buckets(counts, "component")),
        by_severity=by_severity,
    )


def _interval(asked: str, span: timedelta) -> str:
    lengths = {asked: _LENGTHS_S[asked]} if asked != "auto" else _LENGTHS_S
    most = _USUAL_BARS if asked == "auto" else _MOST_BARS
    fitting = [one for one, length_s in lengths.items() if span.total_seconds() / length_s <= most]
    if not fitting and asked != "auto":
        raise InputError(
            f"Since then there are more than {_MOST_BARS} spans of {asked}. Take a longer "
            "interval, or a later since."
        )
    return fitting[0] if fitting else "30d"


def _aggregations(interval: str) -> dict[str, Any]:
    span = {"field": "@timestamp", "interval": interval, "min_doc_count": 1}
    flow = {"flow": {"terms": {"field": "flowId", "size": 1}}}
    kind = {"type": {"terms": {"field": "componentType", "size": 1}}}
    return {
        "time": {"date_histogram": span, "aggs": _ERRORS},
        "severity": {"terms": {"field": "severity", "size": 10}},
        "component": {
            "terms": {"field": "componentId", "size": _MOST_COMPONENTS},
            "aggs": _ERRORS | flow | kind,
        },
    }


async def _by_component(
    client: "AppmixerClient", wanted: LogFilter, buckets: list[dict[str, JsonValue]]
) -> list[CountOfComponent]:
    labels = Labels({})
    if wanted.flow_id and buckets:
        labels = Labels((await whole_flow(client, wanted.flow_id)).flow)
    return [
        CountOfComponent(
            component=labels.label(component_id, _first_key(one, "type")),
            component_id=component_id,
            flow_id=None if wanted.flow_id else _first_key(one, "flow") or None,
            count=_count(one),
            errors=_errors(one),
        )
        for one in buckets
        if (component_id := str(one.get("key") or ""))  # the flow's own records have none
    ]


def _buckets(counts: "LogCounts", name: str) -> list[dict[str, JsonValue]]:
    return _listed(counts.aggregations.get(name))


def _listed(aggregation: JsonValue) -> list[dict[str, JsonValue]]:
    found = aggregation.get("buckets") if isinstance(aggregation, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _first_key(bucket: dict[str, JsonValue], name: str) -> str:
    inner = _listed(bucket.get(name))
    return str(inner[0].get("key") or "") if inner else ""


def _count(bucket: dict[str, JsonValue]) -> int:
    found = bucket.get("doc_count")
    return found if isinstance(found, int) else 0


def _errors(bucket: dict[str, JsonValue]) -> int:
    inner = bucket.get("errors")
    return _count(inner) if isinstance(inner, dict) else 0


def _instant(bucket: dict[str, JsonValue]) -> datetime | None:
    key = bucket.get("key")
    if not isinstance(key, int | float):
        return None
    return datetime.fromtimestamp(cast("float", key) / 1000, UTC)
