"""Work on what strangers sent that may never end, in a process of its own that can be ended.

The process gets one input on its standard input, writes one result to its standard output, and may
use a limited time and, where the system can say so, memory.
"""

import importlib
import math
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.capacity import Capacity

_MOST_MEMORY_BYTES = 1_000_000_000
_REFUSED = 3
_ROOT = Path(__file__).parents[3]
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]);"
    f"from {__name__} import run; sys.exit(run(sys.argv[2], float(sys.argv[3])))"
)
_processes = Capacity("confined work", 4)


async def confined(function: str, given: bytes, *, within_s: float = 10.0) -> bytes:
    """Return what a function makes of an input.

    Args:
        function: `module:name`, the module beside this one; it takes bytes and returns bytes.
        given: Its input.
        within_s: How long it may take, the start of the process included, not counting the wait
            until fewer than four others are at work.

    Raises:
        ComponentFailedError: The function raised one, took too long, or failed otherwise
            (retry=False).
    """
    async with _processes.limiter():
        with anyio.move_on_after(within_s):
            done = await anyio.run_process(
                [sys.executable, "-I", "-c", _PROGRAM, str(_ROOT), function, str(within_s)],
                input=given,
                stderr=subprocess.PIPE,
                check=False,
            )
            return _result(done)
    raise ComponentFailedError(
        f"Working on the content took longer than {within_s:g} s. Make it, or what is asked of it, "
        "smaller.",
        retry=False,
        error_code="ETIMEDOUT",
        error_name="TimeoutError",
    )


def _result(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode == 0:
        return done.stdout
    if done.returncode == _REFUSED:
        raise ComponentFailedError(done.stderr.decode(errors="replace"), retry=False)
    raise ComponentFailedError(
        "The content cannot be worked on: it is damaged, or needs too much memory.", retry=False
    )


def run(function: str, within_s: float) -> int:
    """Do the work within the process that `confined` began; return its exit code."""
    _limit(within_s)
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    try:
        result: bytes = work(sys.stdin.buffer.read())
    except ComponentFailedError as error:
        sys.stderr.write(str(error))
        return _REFUSED
    sys.stdout.buffer.write(result)
    return 0


def _limit(within_s: float) -> None:
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    # Nobody else ends this process when the one that began it was killed.
    most_s = math.ceil(within_s) + 1
    for kind, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY_BYTES), (resource.RLIMIT_CPU, most_s)
    ):  # fmt: skip
        with suppress(ValueError, OSError):  # a lower limit is set, or the system knows none
            resource.setrlimit(kind, (most, most))
