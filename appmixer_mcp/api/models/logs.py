"""Log records, as the two dialects send them."""

from pydantic import AliasChoices, Field, JsonValue

from .base import ApiModel, ComponentId, FlowId, Instant, LogId


class LogHit(ApiModel):
    """One log record: a message that went in or out, an error, or a note of the engine."""

    log_id: LogId | None = Field(default=None, validation_alias="_id", serialization_alias="_id")
    """What `get_log` takes; None in the `openapi` dialect, and in the source of a single record."""

    index: str | None = Field(default=None, validation_alias="_index", serialization_alias="_index")
    """The index it lies in, `appmixer-YYYYMM`; `get_log` takes it too."""

    logged_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("@timestamp", "gridTimestamp", "timestamp"),
        serialization_alias="@timestamp",
    )
    """When it was written."""

    grid_timestamp: Instant = None
    """When it happened; the documentation sorts by either of the two."""

    severity: str | None = Field(
        default=None,
        validation_alias=AliasChoices("severity", "level"),
        serialization_alias="severity",
    )
    """`info`, `error`, `warning` or `trace`."""

    flow_id: FlowId | None = None
    """The flow it belongs to."""

    component_id: ComponentId | None = None
    """The component it belongs to; None for records about the whole flow."""

    component_type: str | None = None
    """That component's type."""

    port_type: str | None = None
    """`in` for a message that arrived, `out` for one that was sent."""

    port: str | None = None
    """The port it went through."""

    sender_id: ComponentId | None = None
    """The component that sent the message."""

    sender_type: str | None = None
    """That component's type."""

    sender_port: str | None = None
    """The port it was sent from."""

    correlation_id: str | None = None
    """The same for all messages that one event set off."""

    msg: JsonValue = Field(
        default=None, validation_alias=AliasChoices("msg", "message"), serialization_alias="msg"
    )
    """What was sent or noted, often JSON as text."""

    err: JsonValue = None
    """The error, often as text; None when there was none."""

    input_messages: JsonValue = None
    """What the component had received when it failed."""


class LogBucket(ApiModel):
    """One bar of the histogram that comes with a search."""

    key: float | None = None
    """Start of the bucket, epoch milliseconds."""

    key_as_string: str | None = Field(
        default=None, validation_alias="key_as_string", serialization_alias="key_as_string"
    )
    """The same as text."""

    doc_count: int | None = Field(
        default=None, validation_alias="doc_count", serialization_alias="doc_count"
    )
    """How many records fall into it."""


class LogPage(ApiModel):
    """What a search found."""

    buckets: list[LogBucket] = Field(default_factory=list[LogBucket])
    """Found records by day; empty in the `openapi` dialect."""

    hits: list[LogHit]
    """The found records in the order that was asked for; empty when there are none."""


class LogDetail(ApiModel):
    """One record with everything that was logged."""

    log_id: LogId = Field(validation_alias="_id", serialization_alias="_id")
    """The record's id."""

    index: str | None = Field(default=None, validation_alias="_index", serialization_alias="_index")
    """The index it lies in."""

    version: int | None = Field(
        default=None, validation_alias="_version", serialization_alias="_version"
    )
    """How often the record was written."""

    source: LogHit = Field(validation_alias="_source", serialization_alias="_source")
    """The record itself."""


class LogCounts(ApiModel):
    """What the aggregations of a search found."""

    aggregations: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """By the names they were asked for under, each in Elasticsearch's form."""
