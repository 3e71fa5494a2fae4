"""Real processes of ours: started, read and ended by tests."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TextIO

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from tests.secrets_watch import WATCH

PROGRAM = (sys.executable, "-m", "appmixer_mcp")


class Process(subprocess.Popen[str]):
    """A process whose stderr is searched for secrets once it has been read."""

    def communicate(
        self,
        input: str | None = None,  # noqa: A002 - Popen's name for it
        timeout: float | None = None,
    ) -> tuple[str, str]:
        """Wait for the end; return stdout and stderr."""
        out, err = super().communicate(input, timeout)
        WATCH.look(f"process {self.pid}", err)
        return out, err


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Return what a process of ours is started with."""
    return os.environ | {"APPMIXER_DATA_DIR": str(data_dir)} | settings


def start(*arguments: str, data_dir: Path, **settings: str) -> Process:
    """Start a command; whoever starts one that goes on ends it."""
    return Process(
        [*PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(data_dir, **settings),
    )


def finished(process: Process, stdin: str = "") -> tuple[int, str, str]:
    """Wait for the end; return exit code, stdout and stderr."""
    out, err = process.communicate(stdin, timeout=30)
    return process.returncode, out, err


def flow_ids(listing: str) -> list[str]:
    """Return the ids in what `call list_flows` printed."""
    return sorted(flow["flow_id"] for flow in json.loads(listing)["items"])


def lines(process: Process, count: int) -> list[str]:
    """Return the next lines of stdout; a process that does not write them in time is killed."""
    assert process.stdout is not None
    watchdog = Timer(30, process.kill)
    watchdog.start()
    try:
        return [process.stdout.readline() for _ in range(count)]
    finally:
        watchdog.cancel()


@contextmanager
def sandbox(data_dir: Path, *arguments: str) -> Iterator[tuple[Process, str]]:
    """Run `appmixer-mcp sandbox` on a free port, and kill it in the end; gives it and its URL."""
    process = start("sandbox", "--port", "0", *arguments, data_dir=data_dir)
    try:
        url = lines(process, 1)[0].strip()
        assert url.startswith("http://"), process.communicate(timeout=10)[1]
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=10)


@asynccontextmanager
async def stdio_server(
    data_dir: Path, errors: TextIO, connect: Callable[..., Client] = Client, /, **settings: str
) -> AsyncGenerator[Client]:
    """Connect to a server over stdio in a process of its own, as IDEs start it.

    Args:
        data_dir: The server's.
        errors: Where its stderr goes.
        connect: Makes the client of a transport.
        settings: What else is in its environment.
    """
    parameters = StdioServerParameters(
        command=PROGRAM[0],
        args=list(PROGRAM[1:]),
        env={"APPMIXER_DATA_DIR": str(data_dir)} | settings,
    )
    try:
        async with connect(stdio_client(parameters, errlog=errors)) as client:
            yield client
    finally:
        WATCH.look_into("a server over stdio", errors)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Return the structured result of a tool call that has to succeed."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    result: dict[str, Any] | None = answer.structured_content
    assert result is not None
    return result


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """Return why a tool call was refused, as a model reads it."""
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error, answer.structured_content
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text
