"""What a call costs beside the same call through a proxy that was written by hand."""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.measurement import TIMES, Effort, Measurement, Target, milliseconds, ratio
from bench.processes import http_server
from bench.stdio_server import StdioServer

AT_ONCE = 16
_FLOWS = 12
_FULL_PAGE = 20
_TOOL = "list_flows"


@dataclass
class _Times:
    """What one server did, a number for each round."""

    latencies_s: list[float] = field(default_factory=list[float])
    calls_a_second: list[float] = field(default_factory=list[float])


@contextmanager
def _contenders(flows: int) -> Generator[tuple[StdioServer, StdioServer]]:
    """Run our server and the hand-written one before the same backend."""
    with ExitStack() as stack:
        url = stack.enter_context(http_server(["bench.backend", str(flows)])).url
        settings = {"APPMIXER_BASE_URL": url, "APPMIXER_ACCESS_TOKEN": "token"}
        ours = stack.enter_context(StdioServer(["appmixer_mcp"], settings))
        proxy = stack.enter_context(StdioServer(["bench.proxy_server"], settings))
        for server in (ours, proxy):
            server.initialize()
            found = len(server.call_tool(_TOOL, {})["items"])
            if found != flows:
                raise RuntimeError(f"{_TOOL} gave {found} flows instead of {flows}.")
        yield ours, proxy


def measure(effort: Effort) -> list[Measurement]:
    """Measure latency and throughput; both servers take turns."""
    ours, proxy = _race(_FLOWS, effort)
    full, full_proxy = _race(_FULL_PAGE, effort)
    return [
        Measurement(
            name="`list_flows` over stdio, one caller",
            value=ratio(ours.latencies_s, proxy.latencies_s),
            unit=f"{TIMES} proxy",
            target=Target("≤", 1.3),
            details=f"{_compared(ours, proxy)}; {_FLOWS} flows, median of "
            f"{effort.rounds} rounds of {effort.calls_a_round} calls",
        ),
        Measurement(
            name="`list_flows` over stdio, 16 callers at once",
            value=ratio(ours.calls_a_second, proxy.calls_a_second),
            unit=f"{TIMES} proxy",
            target=Target("≥", 0.8),
            details=f"{median(ours.calls_a_second):,.0f} calls a second; hand-written proxy "
            f"{median(proxy.calls_a_second):,.0f}",
        ),
        Measurement(
            name="`list_flows` of a full page, one caller",
            value=ratio(full.latencies_s, full_proxy.latencies_s),
            unit=f"{TIMES} proxy",
            details=f"{_compared(full, full_proxy)}; {_FULL_PAGE} flows, where ours also asks how "
            "many there are in all",
        ),
    ]


def measure_memory(effort: Effort) -> list[Measurement]:
    """Measure how much memory a server holds after many calls more than after the first ones."""
    with _contenders(_FLOWS) as contenders:
        grown: list[float] = []
        for server in contenders:
            _call_often(server, effort.warm_up_calls)
            before = server.rss_bytes
            _call_often(server, effort.memory_calls)
            grown.append((server.rss_bytes - before) / 1e6)
        held = contenders[0].rss_bytes / 1e6
    ours, proxy = grown
    return [
        Measurement(
            name=f"Memory growth over {effort.memory_calls:,} calls",
            value=ours,
            unit="MB",
            target=Target("<", 10),
            digits=1,
            details=f"to {held:.0f} MB, after {effort.warm_up_calls:,} calls to warm up; "
            f"hand-written proxy {proxy:.1f} MB",
        )
    ]


def _race(flows: int, effort: Effort) -> tuple[_Times, _Times]:
    times = _Times(), _Times()
    with _contenders(flows) as servers:
        for server in servers:
            _call_often(server, effort.calls_a_round)
        for _ in range(effort.rounds):
            for server, one in zip(servers, times, strict=True):
                one.latencies_s.append(_latency_s(server, effort.calls_a_round))
            for server, one in zip(servers, times, strict=True):
                took_s = _call_often(server, effort.calls_a_round)
                one.calls_a_second.append(effort.calls_a_round / took_s)
    return times


def _latency_s(server: StdioServer, calls: int) -> float:
    durations_s: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        server.call_tool(_TOOL, {})
        durations_s.append(time.perf_counter() - began)
    return median(durations_s)


def _call_often(server: StdioServer, calls: int) -> float:
    """Return the seconds that this many calls take, 16 at once."""
    began = time.perf_counter()
    server.call_tool_at_once(_TOOL, {}, calls=calls, at_once=AT_ONCE)
    return time.perf_counter() - began


def _compared(ours: _Times, proxy: _Times) -> str:
    return f"{milliseconds(ours.latencies_s)}; hand-written proxy {milliseconds(proxy.latencies_s)}"
