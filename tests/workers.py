"""Servers over HTTP in processes of their own, and the people who use them."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio import to_thread

from appmixer_mcp.api import AppmixerClient
from tests.oauth.browsing import CALLBACK, VERIFIER, OpenPage, hidden, link, way_back
from tests.processes import PROGRAM, Process, environment, lines
from tests.secrets_watch import WATCH
from tests.serving import PASSWORD

ACCEPT = {"Accept": "application/json, text/event-stream"}
SERVE = (*PROGRAM, "serve", "--transport", "http", "--port", "0")


class Worker:
    """One server in a process of its own, which tests may kill and start again."""

    def __init__(self, data_dir: Path, settings: dict[str, str], command: Sequence[str]) -> None:
        self.url = ""
        self._data_dir = data_dir
        self._settings = settings
        self._command = command
        data_dir.mkdir(parents=True, exist_ok=True)
        self._errors = (data_dir / "stderr.txt").open("w+")  # no pipe, which would fill up
        self.process = self._spawned()

    @property
    def said(self) -> str:
        """What it has written to stderr so far, this and any process before it."""
        return (self._data_dir / "stderr.txt").read_text()

    def begun(self) -> "Worker":
        """Return it once it has said where it answers."""
        self.url = lines(self.process, 1)[0].strip()
        assert self.url.startswith("http://"), self.said
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(timeout=10)

    def start_again(self) -> None:
        """Start it anew, at another address."""
        self.kill()
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
            env=environment(self._data_dir, **self._settings),
        )


@contextmanager
def workers(home: Path, count: int, **settings: str) -> Iterator[list[Worker]]:
    """Run servers with the same settings, each at a port of its own."""
    started = [Worker(home / str(number), settings, SERVE) for number in range(count)]
    try:
        yield [one.begun() for one in started]  # which all start at the same time
    finally:
        for one in started:
            one.close()


@contextmanager
def supervised(home: Path, **settings: str) -> Iterator[Worker]:
    """Run `uvicorn --workers 2`, as docs/deploy.md says; it does not answer yet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    uvicorn = (sys.executable, "-m", "uvicorn", "--factory", "appmixer_mcp.web:create_app")
    options = ("--port", str(port), "--workers", "2", "--no-proxy-headers", "--no-access-log")
    started = Worker(home, settings, (*uvicorn, *options))
    started.url = f"http://127.0.0.1:{port}"
    children: list[int] = []
    try:
        yield started
    finally:
        children = children_of(started.process.pid)
        started.close()
        for child in children:
            os.kill(child, 9)


def children_of(pid: int) -> list[int]:
    """Return the ids of the worker processes that a supervisor runs."""
    said = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [child for child in map(int, said.split()) if b"spawn_main" in _command_of(child)]


def _command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def until(holds: Callable[[], Coroutine[Any, Any, bool]], within_s: float = 20) -> None:
    """Return once something holds."""
    with anyio.fail_after(within_s):
        while not await holds():  # noqa: ASYNC110 - another process has no event for us
            await anyio.sleep(0.05)


def web(token: str | None = None, **options: Any) -> httpx2.AsyncClient:
    """Return what sends requests; each names its server."""
    headers = ACCEPT | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False, verify=False, **options)


async def sign_up(tenant: str, name: str) -> str:
    """Create a user of the tenant whose password is `PASSWORD`; returns an access token."""
    async with AppmixerClient(tenant) as client:
        made = await client.users.signup_user(f"{name}@example.com", PASSWORD)
        return made.token.get_secret_value()


@dataclass
class Browser:
    """A person's browser and client, at a public address behind which any server may answer."""

    http: httpx2.AsyncClient
    client_id: str

    async def open_page(self, url: str) -> OpenPage:
        """Open the sign-in page at one server."""
        shown = await self.http.get(url + link(self.client_id))
        assert shown.status_code == 200, shown.text
        return OpenPage(self.http, hidden(shown))

    async def sign_in(self, shown_by: str, sent_to: str, name: str) -> str:
        """Sign a person in; returns the code."""
        page = await self.open_page(shown_by)
        sent = await page.send_to(sent_to, name)
        return way_back(sent)[1]["code"]

    async def token(self, url: str, **form: str) -> httpx2.Response:
        """Ask one server for tokens."""
        given = {"client_id": self.client_id, **form}
        return await self.http.post(f"{url}/token", data=given)
