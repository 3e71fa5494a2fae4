"""JSONata and JavaScript that strangers wrote, run in processes of their own.

What runs too long, takes too much memory or crashes its interpreter ends such a process, and
nothing else. JavaScript needs the package `mini-racer`, which is V8: `appmixer-mcp[javascript]`.
"""

import atexit
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal, TypeVar, TypeVarTuple, cast

import anyio

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.capacity import Capacity
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED
from appmixer_mcp.sandbox.jsontext import dumps

JAVASCRIPT_MISSING = (
    "This sandbox runs JavaScript only when the package mini-racer is installed: "
    "pip install 'appmixer-mcp[javascript]'."
)
_SCRIPT = Path(__file__).with_name("evaluator_process.py")

Language = Literal["jsonata", "javascript", "helper"]
"""`javascript` is the code of g_javascript, `helper` the source text of a function."""
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_idle: dict[str, list["_Process"]] = {"jsonata": [], "py_mini_racer": []}
"""Engine -> processes that wait for work."""
_threads = Capacity("what strangers wrote", 2)


class EvaluationError(ValueError):
    """The code is not valid, or raised an error."""


def knows_javascript() -> bool:
    """Say whether JavaScript can be run."""
    return find_spec("py_mini_racer") is not None


def evaluate(language: Language, source: str, values: list[Json]) -> Json:
    """Return what a piece of code makes of JSON values, or UNDEFINED.

    This waits, for 2 s at most; on the event loop, call it `in_thread`.

    Args:
        language: What the source is.
        source: The expression, the code or the function.
        values: The one value that an expression or code is about, or a function's arguments.

    Raises:
        EvaluationError: The code is not valid, or raised an error.
        InputError: It takes more than 1 s, or too much memory.
    """
    request = dumps({"language": language, "source": source, "values": values})
    engine = "jsonata" if language == "jsonata" else "py_mini_racer"
    process = _waiting(engine) or _Process(engine)
    line = process.answer(request)
    if line is None:
        process.close()
        raise InputError(_too_much(source, "it was ended after 2 s, or when it crashed"))
    _idle[engine].append(process)
    answer: dict[str, Json] = json.loads(line)
    if "refused" in answer:
        raise InputError(_too_much(source, answer["refused"]))
    if "error" in answer:
        raise EvaluationError(str(answer["error"]))
    return answer.get("value", UNDEFINED)


async def in_thread(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run something that strangers can make slow in one of two threads kept for that."""
    return await anyio.to_thread.run_sync(function, *arguments, limiter=_threads.limiter())


def _waiting(engine: str) -> "_Process | None":
    while True:
        try:
            process = _idle[engine].pop()
        except IndexError:
            return None
        if process.lives():
            return process
        process.close()


def _too_much(source: str, reason: str) -> str:
    return f"The code {source[:100]!r} takes too long or too much memory: {reason}."


class _Process:
    """One process; it answers one request at a time."""

    def __init__(self, engine: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", str(_SCRIPT), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def answer(self, request: str) -> bytes | None:
        """Return the line that answers a request, or None when the process has ended."""
        try:
            self._requests.write(request.encode() + b"\n")
            self._requests.flush()
        except OSError:
            return None
        line = self._answers.readline()
        return line if line.endswith(b"\n") else None

    def lives(self) -> bool:
        """Say whether the process has not ended."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@atexit.register
def _close_idle() -> None:
    for processes in _idle.values():
        while processes:
            processes.pop().close()
