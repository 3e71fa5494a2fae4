"""What Prometheus reads at `/metrics`."""

import hmac
import os
from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from appmixer_mcp.web.local import is_local

_MOST_TOOLS = 200
_UPSTREAM = frozenset({"UnavailableError", "UnexpectedAnswerError"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts in this process; with `PROMETHEUS_MULTIPROC_DIR`, every worker tells of all.

    That directory, which prometheus_client reads by itself, is emptied by whoever starts the
    workers. Without it each worker of several tells only of itself.
    """

    def __init__(self) -> None:
        """Begin with a registry of its own, so that two applications do not count together."""
        self._registry = CollectorRegistry()
        self._is_shared = _is_shared()
        self._tools: set[str] = set()
        self._open: dict[str, Callable[[], int]] = {}
        self._calls = Counter(
            "appmixer_mcp_tool_calls", "Tool calls.", ("tool", "outcome"), registry=self._registry
        )
        self._seconds = Histogram(
            "appmixer_mcp_tool_seconds",
            "How long tool calls took.",
            ("tool",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._upstream_errors = Counter(
            "appmixer_mcp_upstream_errors",
            "Tool calls that Appmixer did not answer, or not as it should.",
            ("kind",),
            registry=self._registry,
        )
        self._sessions = Gauge(
            "appmixer_mcp_sessions",
            "Open sessions.",
            ("transport",),
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._sign_ins = Counter(
            "appmixer_mcp_sign_ins",
            "Attempts to sign in through the browser.",
            ("outcome",),
            registry=self._registry,
        )

    def tool_called(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a tool call.

        Args:
            tool: Its name; `unknown` once there are more names than a server can have.
            outcome: `done`, or one of a few words, or the class of the error.
            seconds: How long it took.
        """
        if len(self._tools) < _MOST_TOOLS:
            self._tools.add(tool)
        name = tool if tool in self._tools else "unknown"
        self._calls.labels(name, outcome).inc()
        self._seconds.labels(name).observe(seconds)
        if outcome in _UPSTREAM:
            self._upstream_errors.labels(outcome).inc()
        self._count_sessions()

    def signed_in(self, outcome: str) -> None:
        """Count an attempt to sign in; `outcome` is one of a few words."""
        self._sign_ins.labels(outcome).inc()

    def watch_sessions(self, transport: str, count: Callable[[], int]) -> None:
        """Have the sessions of a transport counted, by a function that any thread may call."""
        self._open[transport] = count

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        self._count_sessions()
        registry = self._registry
        if self._is_shared:
            registry = CollectorRegistry()
            _collect_all(registry)
        return generate_latest(registry)

    def close(self) -> None:
        """Take the sessions of this process out of what the other workers tell."""
        if self._is_shared:
            multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]

    def routes(self, token: SecretStr | None) -> list[Route]:
        """Return `/metrics`, for this machine and for whoever has the token; others see nothing.

        Args:
            token: None: for this machine alone.
        """

        def metrics(request: Request) -> Response:
            if not (is_local(request.scope) or _has_token(request.headers, token)):
                raise HTTPException(HTTPStatus.NOT_FOUND)
            headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
            return Response(self.text(), headers=headers)

        return [Route("/metrics", metrics)]

    def _count_sessions(self) -> None:
        for transport, count in self._open.items():
            self._sessions.labels(transport).set(count())


def _collect_all(registry: CollectorRegistry | None) -> None:
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]


def _is_shared() -> bool:
    try:
        _collect_all(None)
    except ValueError:  # there is no such directory
        return False
    return True


def _has_token(headers: Headers, token: SecretStr | None) -> bool:
    given = headers.get("authorization", "").encode()
    wanted = f"Bearer {token.get_secret_value()}" if token else ""
    return bool(wanted) and hmac.compare_digest(given, wanted.encode())
