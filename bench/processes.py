"""Processes that are measured or stand beside: where they run, what they see, how they end."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_END = 20.0


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
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment(settings or {}),
        text=True,
    ) as process:
        try:
            line = cast("IO[str]", process.stdout).readline()
            words = [word for word in line.split() if word.startswith("http://")]
            if not words:
                raise RuntimeError(f"`python -m {' '.join(command)}` named no URL but {line!r}.")
            yield HttpServer(words[-1], process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
