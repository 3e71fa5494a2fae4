"""Starts the program that uses the TypeScript SDK's client, and asks it to do things."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.foreign.people_at_pages import SignIn
from tests.npm import npm_package

PROGRAM = Path(__file__).with_suffix(".mjs")
VERSION = "1.32.2"
_LONGEST_LINE = 10_000_000


class TypescriptAssistant:
    """The running program."""

    def __init__(self, process: Process, name: str, sign_in: SignIn) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._said = BufferedByteReceiveStream(process.stdout)
        self._told = process.stdin
        self._name = name
        self.sign_in = sign_in
        self.opened: list[str] = []
        """The addresses that were opened in the person's browser."""

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Have it do something; the person signs in when their browser is led to the page."""
        await self._told.send(json.dumps({"do": do, **arguments}).encode() + b"\n")
        while True:
            line = json.loads(await self._said.receive_until(b"\n", _LONGEST_LINE))
            assert "error" not in line, line["error"]
            if "open" not in line:
                return line["result"]
            self.opened.append(line["open"])
            await self.sign_in(line["open"], self._name)

    async def user(self) -> str:
        """Ask the server whose calls these are."""
        answer = await self.ask("call", tool="get_user")
        assert not answer.get("isError"), answer["content"]
        username: str = answer["structuredContent"]["username"]
        return username

    async def tokens(self) -> dict[str, str]:
        """Return the tokens it keeps."""
        tokens: dict[str, str] = (await self.ask("kept"))["tokens"]
        return tokens


@asynccontextmanager
async def typescript_assistant(
    server: str, way: str, name: str, sign_in: SignIn
) -> AsyncIterator[TypescriptAssistant]:
    """Start it; everything has to be over in a minute."""
    modules = npm_package("@modelcontextprotocol/sdk", VERSION)
    command = ["node", str(PROGRAM), str(modules), server, way]
    with anyio.fail_after(60):
        async with await anyio.open_process(command, stderr=None) as process:
            yield TypescriptAssistant(process, name, sign_in)
            assert process.stdin is not None
            await process.stdin.aclose()
            assert await process.wait() == 0
