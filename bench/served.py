"""How much is served over Streamable HTTP, and how fast, beside servers that do next to nothing."""

import json
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import repeat
from statistics import median, quantiles

from bench.measurement import TIMES, Effort, Measurement, milliseconds, ratio
from bench.processes import http_server, redis_server, uvicorn_server
from bench.tenant import Json, connect, exchange

_CALLERS = (1, 16, 64)
_LEAST_CALLS_EACH = 8
_FLOWS = 12
_PROTOCOL = "2026-07-28"
_META: Json = {
    "io.modelcontextprotocol/protocolVersion": _PROTOCOL,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_SETTINGS = {
    "APPMIXER_ACCESS_TOKEN": "token",
    "APPMIXER_AUTH": "none",
    "APPMIXER_CALLS_PER_MINUTE": "0",
    "APPMIXER_CALLS_AT_ONCE": "0",
}


@dataclass(frozen=True, kw_only=True)
class _Contender:
    """One tool of one server, and what it did: a number for each turn, or for each call."""

    url: str
    tool: str
    arguments: dict[str, Json]
    calls_a_second: list[float] = field(default_factory=list[float])
    latencies_s: list[float] = field(default_factory=list[float])

    def forget(self) -> None:
        """Begin anew, for another number of callers."""
        self.calls_a_second.clear()
        self.latencies_s.clear()

    def take_turn(self, callers: int, calls: int) -> None:
        """Let callers call, each over a connection of its own that is open before time begins."""
        with ExitStack() as stack, ThreadPoolExecutor(callers) as pool:
            connections = [stack.enter_context(closing(connect(self.url))) for _ in range(callers)]
            for connection in connections:
                self._call(connection)
            each = max(calls // callers, _LEAST_CALLS_EACH)
            began = time.perf_counter()
            for durations_s in pool.map(self._durations_s, connections, repeat(each)):
                self.latencies_s.extend(durations_s)
            self.calls_a_second.append(callers * each / (time.perf_counter() - began))

    def _durations_s(self, connection: HTTPConnection, calls: int) -> list[float]:
        found: list[float] = []
        for _ in range(calls):
            began = time.perf_counter()
            self._call(connection)
            found.append(time.perf_counter() - began)
        return found

    def _call(self, connection: HTTPConnection) -> None:
        params: Json = {"name": self.tool, "arguments": self.arguments, "_meta": _META}
        body: Json = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": _PROTOCOL,
            "Mcp-Method": "tools/call",
            "Mcp-Name": self.tool,
        }
        answer = exchange(connection, "POST", "/mcp", json.dumps(body), headers)
        result = answer.get("result", {})
        if result.get("isError") or "structuredContent" not in result:
            raise RuntimeError(f"{self.tool} over HTTP failed: {answer}")
        found = len(result["structuredContent"].get("items", ()))
        if found != (_FLOWS if self.tool == "list_flows" else 0):
            raise RuntimeError(f"{self.tool} over HTTP gave {found} flows instead of {_FLOWS}.")


@dataclass(frozen=True)
class _Pair:
    """What is raced."""

    ours: _Contender
    other: _Contender
    beside: str


def measure(effort: Effort) -> list[Measurement]:
    """Measure every number of workers and callers; ours and the server beside it take turns."""
    measurements: list[Measurement] = []
    with redis_server() as redis:
        if redis is None:
            sys.stderr.write("two workers need redis-server, which is not installed\n")
        for workers in (1, 2) if redis else (1,):
            with _pairs(workers, redis) as pairs:
                measurements += [
                    _measured(pair, callers, workers, effort)
                    for pair in pairs
                    for callers in _CALLERS
                ]
    return measurements


@contextmanager
def _pairs(workers: int, redis: str | None) -> Generator[list[_Pair]]:
    """Serve ours, the hand-written proxy and the bare server, each with this many workers."""
    with ExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory())
        backend = stack.enter_context(http_server(["bench.backend", str(_FLOWS)])).url
        settings = {**_SETTINGS, "APPMIXER_BASE_URL": backend, "APPMIXER_DATA_DIR": data_dir}
        if workers > 1 and redis:
            settings["APPMIXER_REDIS_URL"] = redis

        def served(app: str) -> str:
            return stack.enter_context(uvicorn_server(app, settings, workers=workers))

        ours = served("appmixer_mcp.web:create_app")
        proxy = served("bench.proxy_server:create_app")
        bare = served("bench.bare_server:create_app")
        page = {"limit": 20}
        yield [
            _Pair(
                _Contender(url=ours, tool="list_flows", arguments=page),
                _Contender(url=proxy, tool="list_flows", arguments=page),
                beside="hand-written proxy",
            ),
            _Pair(
                _Contender(url=ours, tool="count_flows", arguments={}),
                _Contender(url=bare, tool="echo", arguments={"text": "bench"}),
                beside="bare",
            ),
        ]


def _measured(pair: _Pair, callers: int, workers: int, effort: Effort) -> Measurement:
    _race(pair, callers, effort)
    return Measurement(
        name=f"Served: `{pair.ours.tool}`, {_count(callers, 'caller')}, "
        f"{_count(workers, 'worker')}",
        value=ratio(pair.ours.calls_a_second, pair.other.calls_a_second),
        unit=f"{TIMES} {pair.beside.split()[-1]}",
        details=f"{_shown(pair.ours)}; {pair.beside} {_shown(pair.other)}",
    )


def _race(pair: _Pair, callers: int, effort: Effort) -> None:
    for one in (pair.ours, pair.other):
        one.take_turn(callers, effort.calls_a_round)
        one.forget()
    for _ in range(effort.served_rounds):
        for one in (pair.ours, pair.other):
            one.take_turn(callers, effort.calls_a_round)


def _shown(one: _Contender) -> str:
    late_s = quantiles(one.latencies_s, n=20)[-1]
    return (
        f"{median(one.calls_a_second):,.0f} calls a second, "
        f"median {milliseconds(one.latencies_s)}, "
        f"95th percentile {late_s * 1000:,.1f} ms"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
