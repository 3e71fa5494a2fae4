"""Charts over a user's logs (Insights)."""

from pydantic import AliasChoices, Field, JsonValue

from .base import ApiModel, ChartId, Instant, UserId


class ChartReference(ApiModel):
    """An answer that only names a chart."""

    chart_id: ChartId = Field(
        validation_alias=AliasChoices("chartId", "id"), serialization_alias="chartId"
    )
    """The chart."""


class Chart(ChartReference):
    """A chart's definition; the engine draws it from log records."""

    user_id: UserId | None = None
    """Whose chart it is."""

    name: str | None = None
    """The name people see."""

    index: int | None = None
    """Its place on the page, from 0."""

    type: str | None = None
    """`bar`, `line`, `scatter`, `area` or `pie`."""

    query: dict[str, JsonValue] | None = None
    """Which records count, above all the time range."""

    options: dict[str, JsonValue] | None = None
    """How it is drawn."""

    traces: dict[str, JsonValue] | None = None
    """Trace id to what is drawn: flows, components, aggregation."""

    modified_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("mtime", "updatedAt"),
        serialization_alias="mtime",
    )
    """When it was last changed."""
