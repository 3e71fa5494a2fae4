"""A tenant on a loop of its own, for tests that are not on a loop themselves."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from appmixer_mcp.sandbox.clock import Clock, ManualClock, RealClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.sandbox.users import Users

LONGEST_ANSWER_S = 8.0
"""An answer that takes longer hangs; a slow search is ended by the tenant after 3 s."""


@dataclass(frozen=True)
class Living:
    """A tenant at work, each of whose calls is waited for."""

    tenant: Tenant
    portal: BlockingPortal
    users: Users
    config: TenantConfig
    clock: Clock

    @property
    def url(self) -> str:
        """Where the tenant answers."""
        return self.config.public_url

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> httpx2.Response:
        """Send a request as it is, and return the answer; of an event stream, its first event.

        Raises:
            TimeoutError: There is none in time.
        """
        answer: httpx2.Response = self.portal.call(
            _exchange, self.tenant.app, method, url, headers or {}, body
        )
        answer.request = httpx2.Request(method, self.config.public_url)
        answer.elapsed = timedelta()  # schemathesis reads it
        return answer

    def idle(self) -> None:
        """Wait until nothing is to be done."""
        self.portal.call(_in_time, self.tenant.engine.wait_idle)

    def turn(self, by: timedelta) -> None:
        """Turn a manual clock, and wait until nothing is to be done."""
        self.portal.call(self._turn, by)
        self.idle()

    async def _turn(self, by: timedelta) -> None:
        assert isinstance(self.clock, ManualClock)
        self.clock.turn(by)
        await anyio.wait_all_tasks_blocked()

    def user(self, email: str, scope: tuple[str, ...] = ("user",)) -> "Person":
        """Make a user."""
        return self.portal.call(partial(self._user, email, scope))

    def _user(self, email: str, scope: tuple[str, ...]) -> "Person":
        user = self.users.add(email, email, "", {})
        with self.tenant.database.transaction() as connection:
            statement = "UPDATE user SET scope_json = ? WHERE user_id = ?"
            connection.execute(statement, (json.dumps(scope), user.user_id))
        return Person(self, user.user_id, email, self.users.token(replace(user, scope=scope)))


@dataclass(frozen=True)
class Person:
    """A user of a living tenant."""

    living: Living
    user_id: str
    email: str
    token: str

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx2.Response:
        """Call the API with this user's token; a body that is not None goes out as JSON."""
        url = f"{self.living.url}{path}?{urlencode(query)}"
        content = b"" if body is None else json.dumps(body).encode()
        headers = {
            "authorization": f"Bearer {self.token}",
            **({} if body is None else {"content-type": "application/json"}),
        }
        return self.living.exchange(method, url, headers, content)

    def got(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Call the API, and return the JSON of what must be a success."""
        answer = self.ask(method, path, body, **query)
        assert answer.is_success, (method, path, answer.text)
        return answer.json()


@dataclass(frozen=True)
class Town:
    """A tenant with three new users."""

    tenant: Living
    ann: Person
    bob: Person
    root: Person
    """An administrator."""


def town(tenant: Living) -> Town:
    """Make three users."""
    ann, bob = (tenant.user(f"{uuid4()}@example.com") for _ in range(2))
    return Town(tenant, ann, bob, tenant.user(f"{uuid4()}@example.com", ("user", "admin")))


@contextmanager
def living(config: TenantConfig, clock: Clock | None = None) -> Iterator[Living]:
    """Run a tenant until the block ends."""
    clock = clock or RealClock()
    with start_blocking_portal() as portal:
        opening = portal.wrap_async_context_manager(Tenant(config, clock))
        with opening as tenant:
            yield Living(tenant, portal, Users(config, tenant.database, clock), config, clock)


async def _in_time(wait: Callable[[], Any]) -> None:
    with anyio.fail_after(LONGEST_ANSWER_S):
        await wait()


async def _exchange(
    app: Any, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> httpx2.Response:
    parts = urlsplit(url)
    raw_headers = [(b"host", parts.netloc.encode())]
    raw_headers += [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": raw_headers,
        "server": (parts.hostname, parts.port),
        "client": ("127.0.0.1", 50_000),
    }
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    found: dict[str, Any] = {}
    content = bytearray()
    answered = anyio.Event()

    async def receive() -> dict[str, Any]:
        if (request := next(requests, None)) is not None:
            return request
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            found.update(status=message["status"], headers=message["headers"])
            return
        content.extend(message.get("body", b""))
        if not message.get("more_body", False):
            answered.set()
        elif content and dict(found["headers"])[b"content-type"].startswith(b"text/event-stream"):
            answered.set()
            waiting.cancel()

    with anyio.move_on_after(LONGEST_ANSWER_S) as waiting:
        await app(scope, receive, send)
    if not answered.is_set():
        raise TimeoutError(f"{method} {url} did not answer in {LONGEST_ANSWER_S:g} s")
    return httpx2.Response(found["status"], headers=found["headers"], content=bytes(content))
