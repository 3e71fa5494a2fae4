"""Processes that are measured or stand beside: where they run, what they see, how they end."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from bench.announced import READY

ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_START = 30.0
_SECONDS_TO_END = 20.0
_BETWEEN_LOOKS_S = 0.05


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings of ours and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPMIXER_")}
    return {**kept, **settings}


@dataclass(frozen=True)
class HttpServer:
    """A server in a process of its own."""

    url: str
    pid: int


def rss_bytes(pid: int) -> int:
    """Return the memory that a process holds at this moment."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes.split()[1]) * 1024


@contextmanager
def http_server(
    command: Sequence[str], settings: Mapping[str, str] | None = None
) -> Generator[HttpServer]:
    """Run a server that prints its URL as the last word of a line, until the block ends.

    Args:
        command: What comes after `python -m`.
        settings: Environment variables.

    Raises:
        RuntimeError: It ended without a URL.
    """
    with (
        subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment(settings or {}),
            text=True,
        ) as process,
        _ending(process),
    ):
        line = cast("IO[str]", process.stdout).readline()
        words = [word for word in line.split() if word.startswith("http://")]
        if not words:
            raise RuntimeError(f"`python -m {' '.join(command)}` named no URL but {line!r}.")
        yield HttpServer(words[-1], process.pid)


@contextmanager
def uvicorn_server(app: str, settings: Mapping[str, str], *, workers: int) -> Generator[str]:
    """Serve an application until the block ends; gives its URL once every worker is ready.

    Args:
        app: Its factory, as `uvicorn --factory` takes it.
        settings: Environment variables.
        workers: How many processes share the port.

    Raises:
        RuntimeError: It ended, or took too long; the text is what it said.
    """
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "bench.announced:create_app"]
    command += ["--port", str(port), "--workers", str(workers)]
    command += ["--no-access-log", "--no-proxy-headers"]
    seen = environment({**settings, "BENCH_APP": app})
    with (
        tempfile.NamedTemporaryFile() as log,
        subprocess.Popen(command, stderr=log, cwd=ROOT, env=seen) as process,
        _ending(process),
    ):
        _await(process, Path(log.name), READY.encode(), workers)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def redis_server() -> Generator[str | None]:
    """Run a Redis of its own until the block ends; gives its URL, or None when there is none."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = _free_port()
    with (
        tempfile.TemporaryDirectory() as home,
        Path(home, "log").open("wb") as log,
        subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", home],
            stdout=log,
        ) as process,
        _ending(process),
    ):
        _await(process, Path(home, "log"), b"Ready to accept connections", 1)
        yield f"redis://127.0.0.1:{port}/0"


def _await(process: "subprocess.Popen[Any]", log: Path, text: bytes, times: int) -> None:
    given_up_at = time.monotonic() + _SECONDS_TO_START
    while (said := log.read_bytes()).count(text) < times:
        if process.poll() is not None or time.monotonic() > given_up_at:
            raise RuntimeError(f"{process.args!r} does not serve: {said.decode(errors='replace')}")
        time.sleep(_BETWEEN_LOOKS_S)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def _ending(process: "subprocess.Popen[Any]") -> Generator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
