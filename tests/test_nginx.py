"""The nginx configuration of docs/deploy: run by a real nginx, before two servers of ours."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.nginx_process import (
    NAME,
    Nginx,
    moved,
    needs_nginx,
    running_nginx,
    said_of_configuration,
)
from tests.serving import HELLO, mcp_server, people

pytestmark = [needs_nginx, pytest.mark.long]

ACCEPT = {"Accept": "application/json, text/event-stream"}
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_SESSION = ANSWER.replace(b"200 OK", b"404 Not Found")
IN_A_SESSION = [
    pytest.param("/mcp", {"Mcp-Session-Id": "a"}, id="http"),
    pytest.param("/mcp/x/flows/readonly", {"Mcp-Session-Id": "a"}, id="narrowed"),
    pytest.param("/messages/?session_id=a", {}, id="sse"),
]


def through(nginx: Nginx, **headers: str) -> httpx2.AsyncClient:
    """Return a client that believes to speak with `NAME`; the name is not looked up."""

    async def name(request: httpx2.Request) -> None:
        request.extensions["sni_hostname"] = NAME

    return httpx2.AsyncClient(
        base_url=f"https://127.0.0.1:{nginx.tls_port}",
        headers={"Host": NAME, **headers},
        verify=nginx.trust,
        event_hooks={"request": [name]},
        trust_env=False,
    )


@pytest.fixture
async def team(tmp_path):
    """Two servers of one tenant behind nginx, and the token of a person there."""
    async with AsyncExitStack() as stack:
        tenant = await stack.enter_async_context(people(tmp_path / "tenant"))
        settings = {"auth": "bearer", "public_url": f"https://{NAME}"}
        servers = [
            await stack.enter_async_context(
                mcp_server(tmp_path / str(number), tenant.url, **settings)
            )
            for number in (1, 2)
        ]
        ports = [int(url.rpartition(":")[2]) for url in servers]
        nginx = stack.enter_context(running_nginx(tmp_path, ports))
        yield Team(servers, nginx, await tenant.sign_up("ann"))


@dataclass(frozen=True)
class Team:
    servers: list[str]
    nginx: Nginx
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return ACCEPT | {"Authorization": f"Bearer {self.token}"}


@dataclass
class Backend:
    """A server that writes down what it is sent, gives one answer, or none, and hangs up."""

    answer: bytes
    requests: list[bytes] = field(default_factory=list)

    async def take(self, stream: SocketStream) -> None:
        async with stream:
            self.requests.append(await stream.receive())
            if self.answer:
                await stream.send(self.answer)


@asynccontextmanager
async def recording(
    tmp_path: Path, answer: bytes = b"", *, gone: int = 0
) -> AsyncIterator[tuple[Backend, Nginx]]:
    """Run nginx before two such servers, of which some are gone."""
    backend = Backend(answer)
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        ports: list[int] = []
        for number in range(2):
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            ports.append(listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django's
            if number < gone:
                await listener.aclose()
                continue
            await stack.enter_async_context(listener)
            tasks.start_soon(listener.serve, backend.take)
        with running_nginx(tmp_path, ports) as nginx:
            yield backend, nginx
        tasks.cancel_scope.cancel()


def test_nginx_accepts_the_configuration(tmp_path):
    moved(tmp_path, [1, 2])

    said = said_of_configuration(tmp_path)

    assert "syntax is ok" in said
    assert "[warn]" not in said


async def test_a_session_is_found_whichever_server_it_lives_in(team):
    for server in team.servers:
        async with httpx2.AsyncClient(base_url=server, headers=team.headers) as http:
            opened = await http.post("/mcp", json=HELLO)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}

        async with through(team.nginx, **team.headers) as http:
            listed = await http.post("/mcp", json=LISTING, headers=session)
            ended = await http.delete("/mcp", headers=session)
            gone = await http.post("/mcp", json=LISTING, headers=session)

        assert "list_flows" in listed.text
        assert ended.status_code == 200
        assert gone.status_code == 404


async def test_a_session_that_was_opened_through_nginx_stays_where_it_is(team):
    async with through(team.nginx, **team.headers) as http:
        opened = await http.post("/mcp", json=HELLO)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        for _ in range(3):
            assert (await http.post("/mcp", json=LISTING, headers=session)).status_code == 200

    asked = {line.split(" by ")[1] for line in team.nginx.access_log.read_text().splitlines()}
    assert len(asked) == 1
    assert "," not in asked.pop()  # which is how nginx writes that it asked a second server


async def test_a_message_finds_its_event_stream_whichever_server_it_lives_in(team):
    for server in team.servers:
        async with (
            httpx2.AsyncClient(base_url=server, headers=team.headers) as http,
            http.stream("GET", "/sse") as stream,
        ):
            events = stream.aiter_lines()
            path = await event(events)
            async with through(team.nginx, **team.headers) as behind:
                accepted = await behind.post(path, json=HELLO)
            with anyio.fail_after(10):
                answer = json.loads(await event(events))

        assert accepted.status_code == 202
        assert answer["result"]["serverInfo"]["name"] == "appmixer"


async def test_events_come_through_nginx_as_they_are_sent(team):
    async with (
        through(team.nginx, **team.headers) as http,
        http.stream("GET", "/sse") as stream,
    ):
        with anyio.fail_after(5):
            path = await event(stream.aiter_lines())

    assert path.startswith("/messages/?session_id=")


async def test_who_calls_is_told_by_nginx_and_not_by_the_client(tmp_path):
    spoofed = {"X-Forwarded-For": "203.0.113.7"}

    async with recording(tmp_path, ANSWER) as (backend, nginx), through(nginx, **spoofed) as http:
        await http.post("/mcp", json=LISTING)

    (request,) = backend.requests
    assert b"X-Forwarded-For: 127.0.0.1\r\n" in request
    assert b"203.0.113.7" not in request
    assert f"Host: {NAME}\r\n".encode() in request


@pytest.mark.parametrize(("path", "headers"), [*IN_A_SESSION, ("/mcp", {}), ("/token", {})])
async def test_a_call_that_a_server_began_is_not_made_on_the_other_one(tmp_path, path, headers):
    async with recording(tmp_path) as (backend, nginx), through(nginx, **headers) as http:
        answer = await http.post(path, json=LISTING)

    assert answer.status_code == 502
    assert len(backend.requests) == 1


async def test_a_server_that_is_gone_is_passed_over(tmp_path):
    async with recording(tmp_path, ANSWER, gone=1) as (_, nginx), through(nginx) as http:
        statuses = await statuses_of_many(http, "/mcp")

    assert statuses == {200}


@pytest.mark.parametrize(("path", "headers"), IN_A_SESSION)
async def test_a_session_whose_server_is_gone_is_reported_as_gone(tmp_path, path, headers):
    async with (
        recording(tmp_path, NO_SESSION, gone=1) as (_, nginx),
        through(nginx, **headers) as http,
    ):
        statuses = await statuses_of_many(http, path)

    assert statuses == {404}


async def statuses_of_many(http: httpx2.AsyncClient, path: str) -> set[int]:
    """Call with so many tokens that both servers are the first choice of some."""
    return {
        (await http.post(path, json=LISTING, headers={"Authorization": str(one)})).status_code
        for one in range(12)
    }


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
async def test_what_is_for_the_operator_is_not_served_to_everybody(tmp_path, path):
    async with recording(tmp_path, ANSWER) as (backend, nginx), through(nginx) as http:
        answer = await http.get(path)

    assert answer.status_code == 404
    assert not backend.requests


async def test_a_call_by_another_name_gets_no_connection(tmp_path):
    async with recording(tmp_path, ANSWER) as (_, nginx), through(nginx) as http:
        http.event_hooks = {}
        with pytest.raises(httpx2.ConnectError):
            await http.get("/healthz")


async def test_a_call_without_tls_is_sent_to_the_public_name(tmp_path):
    async with recording(tmp_path) as (backend, nginx), httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(
            f"http://127.0.0.1:{nginx.plain_port}/mcp?a=b", headers={"Host": "evil.example"}
        )

    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://{NAME}/mcp?a=b"
    assert not backend.requests


async def test_a_body_that_is_too_large_never_reaches_a_server(tmp_path):
    async with recording(tmp_path, ANSWER) as (backend, nginx), through(nginx) as http:
        answer = await http.post("/mcp", content=b" " * (4 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert not backend.requests


async def event(lines: AsyncIterator[str]) -> str:
    """Return the data of the next event."""
    async for line in lines:
        if line.startswith("data: "):
            return line.removeprefix("data: ")
    raise AssertionError("the stream ended")
