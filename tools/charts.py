"""Charts over the user's logs (Appmixer calls them Insights), and how much the flows do."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp import ids
from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.results import Facts, Instant, Number, Object, Outcome, Page, Result, Text
from appmixer_mcp.toolset import CHANGE, CREATE, DESTROY, READ, ToolContext, Toolset

from ._chart_data import MOST_TRACES, USUAL_DAYS, drawn, points
from ._shared import ChartId, Limit, Name, Offset, Sort, sorted_by

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.charts import Chart as ApiChart

TOOLSET = Toolset("charts", "Charts over the logs, and how much the flows do.")

Kind = Literal["bar", "line", "scatter", "area", "pie"]
DrawnAs = Annotated[Kind, Field(description="How it is drawn.")]
Days = Annotated[int, Field(ge=1, le=366)]
Traces = Annotated[
    dict[str, Any] | SkipJsonSchema[None],
    Field(description="What is drawn, as get_chart shows it: id -> {name, agg, source}."),
]
Day = Annotated[str, Field(description="YYYY-MM-DD, in UTC.")]

_MOST_POINTS = 500


class Chart(Facts):
    """A chart in a list."""

    chart_id: str
    name: str
    type: Text = Field(default=None, description="bar, line, scatter, area or pie.")
    modified_at: Instant = None


class ChartPage(Page):
    """Charts, without their definitions."""

    items: list[Chart]


class ChartDetail(Result):
    """One chart with its definition."""

    chart: Chart
    query: Object = Field(description="The time range.")
    traces: Object = Field(description="What is drawn: flows, components, aggregation.")
    options: Object = Field(description="How it is drawn.")


class ChartChanged(Outcome):
    """What became of a chart."""

    chart_id: Text = None


class Point(Facts):
    """How many log records there were at a time, or with a value."""

    trace: Text = Field(default=None, description="Left out if there is one alone.")
    at: str = Field(description="When it begins, or the value.")
    count: int


class ChartData(Result):
    """What a chart shows; what has no records is left out."""

    name: str
    from_at: Instant
    to_at: Instant
    points: list[Point] = Field(description="Of each trace, the newest first.")


class Telemetry(Result):
    """How much the user's flows do."""

    first_day: Text = None
    last_day: Text = None
    message_count: Number = Field(default=None, description="That components received.")
    running_flow_count: Number = None
    active_connector_count: Number = None
    used_apps: list[str]


@TOOLSET.tool("List charts", READ)
async def list_charts(
    ctx: ToolContext,
    pattern: Annotated[str, Field(description="Part of the name.")] = "",
    sort: Sort = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> ChartPage:
    """List charts, last changed first; get_chart shows one's definition."""
    client = await ctx.client()
    found = await client.charts.list_charts(
        pattern=pattern or None,
        sort=sorted_by(client, sort, "mtime:-1"),
        limit=limit,
        offset=offset,
    )
    return ChartPage.of([_chart(one) for one in found], offset=offset, limit=limit)


@TOOLSET.tool("Get chart", READ)
async def get_chart(ctx: ToolContext, chart_id: ChartId) -> ChartDetail:
    """Show one chart's definition: which flows it draws, over which time, and how."""
    chart = await (await ctx.client()).charts.get_chart(chart_id)
    return ChartDetail(
        chart=_chart(chart),
        query=chart.query or {},
        traces=chart.traces or {},
        options=chart.options or {},
    )


@TOOLSET.tool("Create chart", CREATE)
async def create_chart(
    ctx: ToolContext,
    name: Name,
    type: DrawnAs = "line",
    flow_ids: Annotated[
        list[str],
        Field(description="A trace each, of all its log records.", max_length=MOST_TRACES),
    ] = [],
    days: Annotated[Days, Field(description="Back from now.")] = USUAL_DAYS,
    interval: Annotated[Literal["1h", "1d", "1w", "1M"], Field(description="Of a point.")] = "1d",
    traces: Traces = None,
) -> ChartChanged:
    """Create a chart that counts log records over time; get_chart_data shows what is on it.

    Give flow_ids, or traces for single components and other ways to count.
    """
    if bool(flow_ids) == bool(traces):
        raise InputError("Give either flow_ids or traces.")
    client = await ctx.client()
    definition = {
        "type": type,
        "query": _back_from_now(days),
        "traces": traces or await _traces_of(client, flow_ids, type, interval),
    }
    chart_id = await client.charts.create_chart(name, definition)
    return ChartChanged(done=True, message=f"Created the chart {quoted(name)}.", chart_id=chart_id)


@TOOLSET.tool("Update chart", CHANGE)
async def update_chart(
    ctx: ToolContext,
    chart_id: ChartId,
    name: Annotated[str, Field(description="A new name.", max_length=255)] = "",
    type: Annotated[Kind | SkipJsonSchema[None], Field(description="How it is drawn.")] = None,
    days: Annotated[Days | SkipJsonSchema[None], Field(description="Back from now.")] = None,
    traces: Traces = None,
) -> ChartChanged:
    """Change a chart; what is not given stays. Take traces from get_chart and edit them."""
    changed: dict[str, Any] = {
        "name": name or None,
        "type": type,
        "query": _back_from_now(days) if days else None,
        "traces": traces,
    }
    given = {part: value for part, value in changed.items() if value is not None}
    if not given:
        raise InputError("Nothing to change: give name, type, days or traces.")
    client = await ctx.client()
    chart = await client.charts.get_chart(chart_id)
    present = {
        "name": chart.name,
        "index": chart.index,
        "type": chart.type,
        "query": chart.query,
        "options": chart.options,
        "traces": chart.traces,
    }
    whole = {part: value for part, value in present.items() if value is not None} | given
    await client.charts.update_chart(chart_id, whole)
    return ChartChanged(
        done=True, message=f"Changed the chart {quoted(name or chart.name)}.", chart_id=chart_id
    )


@TOOLSET.tool("Get chart data", READ)
async def get_chart_data(ctx: ToolContext, chart_id: ChartId) -> ChartData:
    """Count what a chart shows: log records by time or value, of each of its traces."""
    client = await ctx.client()
    chart = await client.charts.get_chart(chart_id)
    wanted = drawn(chart, datetime.now(UTC))
    if len(wanted.traces) > MOST_TRACES:
        raise InputError(f"The chart has more than {MOST_TRACES} traces. Hide some of them.")
    found: list[Point] = []
    for trace in wanted.traces:
        counts = await client.logs.aggregate_logs(
            {"points": trace.aggregation}, query=trace.query, flow_ids=trace.flow_ids
        )
        if counts is None:
            raise NotFoundError("This tenant does not count log records; query_logs lists them.")
        shown = list(points(counts.aggregations.get("points")))
        name = trace.name if len(wanted.traces) > 1 else None
        found += [
            Point(trace=name, at=at, count=count)
            for at, count in (reversed(shown) if trace.is_by_time else shown)
        ]
    left_out = len(found) - _MOST_POINTS
    return ChartData(
        name=chart.name or "",
        from_at=wanted.first,
        to_at=wanted.last,
        points=found[:_MOST_POINTS],
        left_out=f"{left_out} more points; a larger interval gives fewer."
        if left_out > 0
        else None,
    )


@TOOLSET.tool("Get telemetry", READ)
async def get_telemetry(ctx: ToolContext, first_day: Day = "", last_day: Day = "") -> Telemetry:
    """Show how much the user's flows do: messages (since the first of the month), what runs now."""
    usage = await (await ctx.client()).telemetry.get_telemetry(
        first_day=_day(first_day), last_day=_day(last_day)
    )
    return Telemetry(
        first_day=usage.message_counts.first_day,
        last_day=usage.message_counts.last_day,
        message_count=usage.message_counts.count,
        running_flow_count=usage.running_flows.count,
        active_connector_count=usage.active_connectors.count,
        used_apps=usage.used_apps,
    )


async def _delete_impact(ctx: ToolContext, chart_id: ChartId) -> Impact:
    chart = await (await ctx.client()).charts.get_chart(chart_id)
    return Impact(
        question=f"Delete the chart {quoted(chart.name)}?",
        losses=["The chart's definition, for good; the logs it draws stay."],
        identity={
            "chart_id": chart_id,
            "name": chart.name or "",
            "modified_at": str(chart.modified_at),
        },
    )


@TOOLSET.tool("Delete chart", DESTROY, preview=_delete_impact)
async def delete_chart(ctx: ToolContext, chart_id: ChartId) -> ChartChanged:
    """Delete a chart for good. Shows what would be lost first."""
    await (await ctx.client()).charts.delete_chart(chart_id)
    return ChartChanged(done=True, message=f"Deleted the chart {chart_id}.", chart_id=chart_id)


def _chart(chart: "ApiChart") -> Chart:
    return Chart(
        chart_id=chart.chart_id,
        name=chart.name or "",
        type=chart.type,
        modified_at=chart.modified_at,
    )


def _back_from_now(days: int) -> Object:
    return {"range": {"from": {"subtract": [days, "day"]}, "to": {}}}


async def _traces_of(
    client: "AppmixerClient", flow_ids: Sequence[str], kind: Kind, interval: str
) -> Object:
    traces: Object = {}
    for flow_id in flow_ids:
        flow = await client.flows.get_flow(ids.FlowId(flow_id), projection="flowId,name")
        histogram = {"interval": interval, "min_doc_count": 0, "field": "@timestamp"}
        traces[str(uuid4())] = {
            "name": flow.name or flow_id,
            "hidden": False,
            "agg": {"date_histogram": histogram},
            "options": {"type": kind if kind in ("bar", "pie") else "scatter"},
            "source": {"type": "flow", "targets": {flow_id: []}},
        }
    return traces


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError(f"{quoted(text)} is no day; give one such as 2026-01-31.") from error
