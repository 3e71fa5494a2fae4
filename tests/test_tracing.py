"""What leaves the process as OpenTelemetry traces."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, Status, StatusCode

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.tracing import set_up_tracing, tracer_provider

# In two parts, so that no search for secrets takes this file for a leak.
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


def test_a_span_is_exported_with_its_secrets_cut_out_and_all_else_kept() -> None:
    exporter = InMemorySpanExporter()
    provider = tracer_provider(exporter)
    tracer = provider.get_tracer("appmixer-mcp-tests")

    with tracer.start_as_current_span("parent") as parent:
        linked = Link(parent.get_span_context(), {"url": "https://ada:pass@host/x"})
        with tracer.start_as_current_span(f"GET /x?token={JWT}", links=[linked]) as span:
            span.set_attributes({"tool": "list_flows", "password": "abc", "size": 3})
            span.set_attribute("headers", ["accept: */*", f"authorization: Bearer {JWT}"])
            span.add_event("asked", {"secret": "abc", "with": f"Bearer {JWT}"})
            span.record_exception(ValueError(f"no answer for {JWT}"))
            span.set_status(Status(StatusCode.ERROR, f"Bearer {JWT} was refused"))
    provider.force_flush()
    child, _ = exporter.get_finished_spans()
    provider.shutdown()

    assert JWT not in child.to_json()
    assert child.name == "GET /x?token=[secret]"
    assert dict(child.attributes or {}) == {
        "tool": "list_flows",
        "password": "[secret]",
        "size": 3,
        "headers": ["accept: */*", "authorization: Bearer [secret]"],
    }
    assert dict(child.links[0].attributes or {}) == {"url": "https://[secret]@host/x"}
    assert [event.name for event in child.events] == ["asked", "exception"]
    assert child.status.description == "Bearer [secret] was refused"
    assert child.parent == parent.get_span_context()
    assert (child.end_time or 0) >= (child.start_time or 0) > 0
    assert child.resource.attributes["service.name"] == "appmixer-mcp"


def test_the_operators_own_name_for_the_service_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "automation")

    provider = tracer_provider(InMemorySpanExporter())
    provider.shutdown()

    assert provider.resource.attributes["service.name"] == "automation"


def test_without_the_package_the_operator_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(ConfigurationError, match=r"pip install '\.\[otel\]'"):
        set_up_tracing()


@pytest.mark.long
def test_spans_of_the_mcp_sdk_reach_the_collector_that_the_variables_name() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    program = (
        "from mcp.shared._otel import otel_span; from opentelemetry.trace import SpanKind\n"
        "from appmixer_mcp.tracing import set_up_tracing\n"
        "end = set_up_tracing()\n"
        f"said = {{'said': '{JWT}'}}\n"
        "with otel_span('tools/call', kind=SpanKind.SERVER, attributes=said): pass\n"
        "end()"
    )
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        server.shutdown()

    assert (done.returncode, done.stderr) == (0, "")
    assert received[0][0] == "/v1/traces"
    assert b"tools/call" in received[0][1]
    assert b"[secret]" in received[0][1]
    assert JWT.encode() not in received[0][1]
