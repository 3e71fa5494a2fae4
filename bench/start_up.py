"""How long a client waits for its list of tools, from the start of the process."""

import tempfile
import time
from collections.abc import Sequence

from bench.measurement import TIMES, Effort, Measurement, Target, milliseconds, ratio
from bench.stdio_server import StdioServer


def measure(effort: Effort) -> list[Measurement]:
    """Start both servers by turns, each often; the first start of each only warms the caches."""
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as data_dir:
        for _ in range(1 + effort.starts):
            bare.append(_start(["bench.bare_server"], data_dir))
            ours.append(_start(["appmixer_mcp"], data_dir))
    del bare[0], ours[0]
    return [
        Measurement(
            name="Start-up to the answer of `tools/list`",
            value=ratio(ours, bare),
            unit=f"{TIMES} bare",
            target=Target("≤", 1.25),
            details=f"{milliseconds(ours)}, with the embedded sandbox; a bare server with one tool "
            f"{milliseconds(bare)}; {effort.starts} starts each",
        )
    ]


def _start(command: Sequence[str], data_dir: str) -> float:
    began = time.perf_counter()
    with StdioServer(command, {"APPMIXER_DATA_DIR": data_dir}) as server:
        server.initialize()
        server.list_tools()
        return time.perf_counter() - began
