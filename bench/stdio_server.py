"""An MCP server in a process of its own, spoken to in raw JSON-RPC lines.

An MCP client would take more time than the server and so hide what is measured.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self, cast

from bench.processes import ROOT, environment, rss_bytes

_LONGEST_LIFE_S = 180.0
_SHOWN_ERROR_BYTES = 2_000
_PROTOCOL = "2025-06-18"

Object = dict[str, Any]


class StdioServer:
    """A running server; leaving the context ends it."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        """Start the process; it has not answered anything yet.

        Args:
            command: What comes after `python -m`.
            settings: Environment variables; no others that begin with APPMIXER_ are handed on.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env=environment(settings),
        )
        self._last_id = 0
        # Reading a pipe has no time-out: a server that hangs is killed, and reading then fails.
        self._watchdog = threading.Timer(_LONGEST_LIFE_S, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()
        self._watchdog.cancel()
        self._errors.close()

    @property
    def rss_bytes(self) -> int:
        """The memory that the process holds at this moment."""
        return rss_bytes(self._process.pid)

    def initialize(self) -> None:
        """Shake hands as a client does."""
        self.request(
            "initialize",
            {
                "protocolVersion": _PROTOCOL,
                "capabilities": {},
                "clientInfo": {"name": "bench", "version": "1"},
            },
        )
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def list_tools(self) -> list[Object]:
        """Return the tools as a client sees them."""
        tools: list[Object] = self.request("tools/list", {})["tools"]
        return tools

    def call_tool(self, name: str, arguments: Object) -> Object:
        """Call a tool, and return its structured content.

        Raises:
            RuntimeError: The tool failed.
        """
        return self._content(self.request("tools/call", {"name": name, "arguments": arguments}))

    def call_tool_at_once(self, name: str, arguments: Object, *, calls: int, at_once: int) -> None:
        """Call a tool often, with this many calls under way at any moment.

        Raises:
            RuntimeError: A call failed.
        """
        params = {"name": name, "arguments": arguments}
        for _ in range(min(at_once, calls)):
            self._send("tools/call", params)
        for number, result in enumerate(self._results(calls), start=at_once):
            self._content(result)
            if number < calls:
                self._send("tools/call", params)

    def request(self, method: str, params: Object) -> Object:
        """Send a request and return its result.

        Raises:
            RuntimeError: The server refused it, or ended.
        """
        self._send(method, params)
        return next(self._results(1))

    def _send(self, method: str, params: Object) -> None:
        self._last_id += 1
        self._write({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})

    def _write(self, message: Object) -> None:
        to_server = cast("IO[bytes]", self._process.stdin)
        to_server.write(json.dumps(message).encode() + b"\n")
        to_server.flush()

    def _results(self, count: int) -> Iterator[Object]:
        from_server = cast("IO[bytes]", self._process.stdout)
        while count:
            line = from_server.readline()
            if not line:
                raise RuntimeError(f"The server ended: {self._said()}")
            message: Object = json.loads(line)
            if "id" not in message:
                continue  # a notification
            if "error" in message:
                raise RuntimeError(f"The server refused a request: {message['error']}")
            count -= 1
            yield message["result"]

    def _said(self) -> str:
        size = self._errors.seek(0, 2)
        self._errors.seek(max(0, size - _SHOWN_ERROR_BYTES))
        return self._errors.read().decode(errors="replace").strip()

    def _content(self, result: Object) -> Object:
        if result.get("isError") or "structuredContent" not in result:
            raise RuntimeError(f"A tool failed: {result.get('content')}\n{self._said()}")
        content: Object = result["structuredContent"]
        return content
