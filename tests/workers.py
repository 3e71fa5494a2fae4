"""Servers over HTTP in processes of their own, and the people who use them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import anyio
import httpx2
from mcp.types import CallToolResult, TextContent

from appmixer_mcp.api import AppmixerClient
from tests.oauth.browsing import CALLBACK, VERIFIER, hidden, link, way_back
from tests.processes import PROGRAM, Process, environment, lines
from tests.secrets_watch import WATCH
from tests.serving import ENCRYPTION_KEY, PASSWORD

PUBLIC_URL = "http://localhost:8000"
"""Where people believe to be; what answers there in tests is told by its own address."""
MODERN = {
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
}
Mode = Literal["bearer", "oauth"]
_SERVE = (*PROGRAM, "serve", "--transport", "http", "--port", "0")
_UVICORN = (sys.executable, "-m", "uvicorn", "--factory", "appmixer_mcp.web:create_app")
_addresses = (f"203.0.113.{number}" for number in count(1))


class Worker:
    """A server in a process of its own, which tests may kill and start again."""

    def __init__(self, home: Path, command: Sequence[str], **settings: str) -> None:
        self.url = ""
        self._home = home
        self._command = command
        self._settings = settings
        home.mkdir(parents=True)
        self._errors = (home / "stderr.txt").open("w+")  # a pipe would fill up
        self.process = self._spawned()

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return (self._home / "stderr.txt").read_text()

    def begun(self) -> "Worker":
        """Return it once it has said where it answers."""
        self.url = lines(self.process, 1)[0].strip()
        assert self.url.startswith("http://"), self.said
        return self

    def kill(self) -> None:
        """End it as a crash would, and whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def start_again(self) -> None:
        """Start it anew, at another address."""
        self.process = self._spawned()
        self.begun()

    def close(self) -> None:
        """Kill it, and look for secrets in what it wrote."""
        self.kill()
        WATCH.look_into(f"process {self.process.pid}", self._errors)
        self._errors.close()

    def _spawned(self) -> Process:
        return Process(
            self._command,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(self._home, **self._settings),
            start_new_session=True,
        )


@contextmanager
def workers(home: Path, number: int, **settings: str) -> Iterator[list[Worker]]:
    """Run servers with the same settings, each at a port of its own."""
    started = [Worker(home / str(one), _SERVE, **settings) for one in range(number)]
    try:
        yield [one.begun() for one in started]
    finally:
        for one in started:
            one.close()


@contextmanager
def supervised(home: Path, **settings: str) -> Iterator[Worker]:
    """Run two workers behind one port, as docs/deploy.md says; they may not answer yet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = ("--port", str(port), "--workers", "2", "--no-proxy-headers", "--no-access-log")
    started = Worker(home, (*_UVICORN, *options), **settings)
    started.url = f"http://127.0.0.1:{port}"
    try:
        yield started
    finally:
        started.close()


def children_of(worker: Worker) -> list[int]:
    """Return the ids of the processes that a supervisor has started to serve."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # gone meanwhile
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            serves = b"spawn_main" in (entry / "cmdline").read_bytes()
            if serves and int(parent) == worker.process.pid:
                found.append(int(entry.name))
    return found


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 20) -> None:
    """Return once something holds."""
    with anyio.fail_after(within_s):
        while not await holds():
            await anyio.lowlevel.checkpoint()


def web(token: str | None = None, base_url: str = "") -> httpx2.AsyncClient:
    """Return what sends requests."""
    headers = {"Accept": "application/json, text/event-stream"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(
        headers=headers, base_url=base_url, timeout=30, trust_env=False, verify=False
    )


def text_of(answer: CallToolResult) -> str:
    """Return the text of a tool's result."""
    content = answer.content[0]
    assert isinstance(content, TextContent)
    return content.text


def modern(tool: str, **arguments: Any) -> dict[str, Any]:
    """Return what a POST of a client of today holds that calls a tool."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    return {
        "headers": MODERN | {"Mcp-Name": tool},
        "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
    }


async def answers_well(url: str) -> bool:
    """Say whether anything but an error is answered."""
    async with web() as http:
        with suppress(httpx2.ConnectError):
            return (await http.get(url)).is_success
    return False


async def status_of(url: str, token: str) -> int:
    """Say whether a server takes a token: 200, or 401."""
    async with web(token) as http:
        return (await http.post(f"{url}/mcp", **modern("get_user"))).status_code


@dataclass
class Browser:
    """A person's browser and the program that sent them there; any server may answer."""

    http: httpx2.AsyncClient
    client_id: str

    async def open_page(self, url: str) -> str:
        """Open the sign-in page; returns what its form holds."""
        shown = await self.http.get(url + link(self.client_id))
        assert shown.status_code == 200, shown.text
        return hidden(shown)

    async def send(self, url: str, form: str, **fields: str) -> httpx2.Response:
        """Send the form of a page."""
        return await self.http.post(f"{url}/authorize", data={"request": form, **fields})

    async def code(self, url: str, form: str, username: str) -> str:
        """Sign in on a page; returns the code for the program."""
        fields = {"with": "password", "username": username, "password": PASSWORD}
        return way_back(await self.send(url, form, **fields))[1]["code"]

    async def redeem(self, url: str, code: str) -> httpx2.Response:
        """Have the program ask for tokens."""
        form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.token(url, grant_type="authorization_code", **form)

    async def refresh(self, url: str, token: str) -> httpx2.Response:
        """Have the program ask for new tokens."""
        return await self.token(url, grant_type="refresh_token", refresh_token=token)

    async def token(self, url: str, **form: str) -> httpx2.Response:
        """Have the program ask for tokens, in whichever way."""
        return await self.http.post(f"{url}/token", data={"client_id": self.client_id, **form})


@dataclass(frozen=True)
class Pair:
    """Two servers that share everything, for people of one tenant."""

    a: Worker
    b: Worker
    tenant: str
    mode: Mode

    async def join(self) -> tuple[str, str]:
        """Have somebody new sign up at the tenant; returns user name and access token."""
        name = f"{uuid4().hex[:8]}@example.com"
        async with AppmixerClient(self.tenant) as client:
            made = await client.users.signup_user(name, PASSWORD)
        return name, made.token.get_secret_value()

    async def sign_in(self) -> str:
        """Have somebody new sign up and in; returns what their client sends."""
        name, token = await self.join()
        if self.mode == "bearer":
            return token
        async with web() as http:
            browser = await self.browser(http)
            code = await browser.code(self.b.url, await browser.open_page(self.a.url), name)
            tokens = await browser.redeem(self.a.url, code)
        return str(tokens.json()["access_token"])

    async def browser(self, http: httpx2.AsyncClient) -> Browser:
        """Register a program, which sends people to sign in from an address of their own."""
        http.headers["X-Forwarded-For"] = next(_addresses)
        given = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
        answer = await http.post(f"{self.a.url}/register", json=given)
        assert answer.status_code == 201, answer.text
        return Browser(http, answer.json()["client_id"])


@contextmanager
def pair(home: Path, tenant: str, mode: Mode, redis_url: str) -> Iterator[Pair]:
    """Run two servers."""
    settings = {
        "APPMIXER_BASE_URL": tenant,
        "APPMIXER_AUTH": mode,
        "APPMIXER_PUBLIC_URL": PUBLIC_URL,
        "APPMIXER_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "APPMIXER_REDIS_URL": redis_url,
        "APPMIXER_TRUSTED_PROXIES": "127.0.0.1",
        "APPMIXER_CALLS_PER_MINUTE": "40",
    }
    with workers(home, 2, **settings) as (a, b):
        yield Pair(a, b, tenant, mode)
