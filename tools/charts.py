"""Charts over the user's logs (Appmixer calls them Insights)."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.results import Facts, Instant, Object, Outcome, Page, Result, Text
from appmixer_mcp.toolset import DESTROY, READ, ToolContext, Toolset

from ._shared import ChartId, Limit, Offset, Sort, sorted_by

if TYPE_CHECKING:
    from appmixer_mcp.api.models.charts import Chart as ApiChart

TOOLSET = Toolset("charts", "Charts over the logs.")


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


class ChartDeleted(Outcome):
    """What became of a chart."""

    chart_id: Text = None


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
async def delete_chart(ctx: ToolContext, chart_id: ChartId) -> ChartDeleted:
    """Delete a chart for good. Shows what would be lost first."""
    await (await ctx.client()).charts.delete_chart(chart_id)
    return ChartDeleted(done=True, message=f"Deleted the chart {chart_id}.", chart_id=chart_id)


def _chart(chart: "ApiChart") -> Chart:
    return Chart(
        chart_id=chart.chart_id,
        name=chart.name or "",
        type=chart.type,
        modified_at=chart.modified_at,
    )
