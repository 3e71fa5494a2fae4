# ruff: noqa: PLC0415 - OpenTelemetry's SDK is an extra, and nobody waits for it who has no use for it
"""OpenTelemetry traces, with secrets taken out of them before they leave the process.

Where they go, how often and how many of them is said by the `OTEL_` variables, which
OpenTelemetry's own SDK reads. The spans are those of the MCP SDK, one for each message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.redaction import redacted, redacted_value

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_SERVICE = "appmixer-mcp"


def set_up_tracing() -> Callable[[], None]:
    """Send the spans of this process from now on.

    Returns:
        What sends the rest and ends it; may block for seconds while the collector does not answer.

    Raises:
        ConfigurationError: OpenTelemetry's SDK is not installed.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigurationError(
            "APPMIXER_TRACING needs the extra `otel`, in a checkout `pip install '.[otel]'`. "
            "Install it, or unset the variable."
        ) from error
    provider = tracer_provider(OTLPSpanExporter())
    trace.set_tracer_provider(provider)
    return provider.shutdown


def tracer_provider(exporter: "SpanExporter") -> "TracerProvider":
    """Return a provider whose spans reach the exporter in batches, redacted."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()  # with what the variables say
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: _SERVICE}))
    provider = TracerProvider(resource=resource)
    # It is no SpanExporter by inheritance, which would load the SDK with this module.
    redacting = cast("SpanExporter", RedactingExporter(exporter))
    provider.add_span_processor(BatchSpanProcessor(redacting))
    return provider


class RedactingExporter:
    """Hands redacted copies of the spans to another exporter."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter = exporter

    def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
        """Export the copies."""
        return self._exporter.export([redacted_span(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other exporter send what it holds back."""
        return self._exporter.force_flush(timeout_millis)


def redacted_span(span: "ReadableSpan") -> "ReadableSpan":
    """Return a copy without secrets in name, attributes, events, links and status."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, Status

    return ReadableSpan(
        name=redacted(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[
            Event(redacted(event.name), _attributes(event.attributes), event.timestamp)
            for event in span.events
        ],
        links=[Link(link.context, _attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(
            span.status.status_code,
            None if span.status.description is None else redacted(span.status.description),
        ),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: redacted_value(value, name) for name, value in (attributes or {}).items()}
