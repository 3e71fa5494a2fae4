"""More than a server can take: it says so, and goes on serving everybody else."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream

from tests.processes import call, sandbox
from tests.serving import HELLO, client_of
from tests.workers import Pair, modern, text_of, until, web, workers

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("overload")]  # which share processes

MEGABYTE = 1_048_576
TOGETHER = 200
IDLE_S = 1.5  # long enough for all to be open at once
LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def server(home):
    """One server, of whose room the stalled connections of one address fill their half."""
    settings = {
        "APPMIXER_AUTH": "bearer",
        "APPMIXER_BODY_TIMEOUT_S": "3",
        "APPMIXER_CALLS_PER_MINUTE": "0",
        "APPMIXER_MAX_REQUESTS": str(2 * TOGETHER),
        "APPMIXER_TRUSTED_PROXIES": "127.0.0.1",
    }
    with (
        sandbox(home / "tenant", "--no-demo") as (_, tenant),
        workers(home, 1, APPMIXER_BASE_URL=tenant, **settings) as (one,),
    ):
        yield Pair(one, one, tenant, "bearer")


@asynccontextmanager
async def connections(url: str, *heads: str) -> AsyncIterator[list[SocketStream]]:
    """Open connections that send the beginning of a request, by turns, and no more."""
    address = httpx2.URL(url)
    async with AsyncExitStack() as stack:
        opened = []
        for head, _ in zip(cycle(heads), range(TOGETHER), strict=False):
            stream = await anyio.connect_tcp(address.host, address.port or 80)
            opened.append(await stack.enter_async_context(stream))
            await stream.send(head.encode())
        yield opened


async def until_full(http: httpx2.AsyncClient, url: str) -> httpx2.Response:
    """Return what is said once the server has seen that one address has so much open."""
    with anyio.fail_after(10):
        while (answer := await http.get(f"{url}/no-such-page")).status_code == 404:
            pass
    return answer


async def test_connections_that_stall_hold_up_nobody(server):
    begun = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
    signed = [  # of two people, as one alone may have but a quarter of all
        f"{begun}Authorization: Bearer {await server.sign_in()}\r\nContent-Length: 100\r\n\r\n"
        for _ in range(2)
    ]
    async with (
        connections(server.a.url, begun) as without_a_head,
        connections(server.a.url, *signed) as without_a_body,
        web(await server.sign_in()) as http,
    ):
        refused = await until_full(http, server.a.url)
        alive = await http.get(f"{server.a.url}/healthz")
        http.headers["X-Forwarded-For"] = "203.0.113.7"
        answer = await http.post(f"{server.a.url}/mcp", **modern("list_flows"))
        with anyio.fail_after(30):
            ends = [await stream.receive() for stream in without_a_body]
        later = await http.post(f"{server.a.url}/mcp", **modern("list_flows"))

    assert "from your address" in refused.json()["error_description"]
    assert alive.json() == {"status": "ok"}
    assert answer.json()["result"]["isError"] is later.json()["result"]["isError"] is False
    assert {end.partition(b"\r\n")[0] for end in ends} == {b"HTTP/1.1 408 Request Timeout"}
    assert len(without_a_head) == TOGETHER


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_a_body_of_100_megabytes_is_refused_and_never_kept(server):
    async def chunks():
        for _ in range(100):
            yield b"x" * MEGABYTE

    async with web(await server.sign_in()) as http:
        before = peak_bytes(server.a.process.pid)
        answer = await http.post(f"{server.a.url}/mcp", content=chunks())
        after = peak_bytes(server.a.process.pid)

    assert answer.status_code == 413
    assert "APPMIXER_MAX_BODY_BYTES" in answer.json()["error_description"]
    assert after - before < 30 * MEGABYTE


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("calls", [40, pytest.param(1_000, marks=pytest.mark.long)])
async def test_calls_of_two_people_at_once_never_mix(server, calls):
    names, wrong = ("ann", "bob"), []
    tokens = {name: await server.sign_in() for name in names}
    clients = {name: web(token) for name, token in tokens.items()}
    async with clients["ann"], clients["bob"]:
        flows = {}
        for name in names:
            made = await clients[name].post(
                f"{server.a.url}/mcp", **modern("create_flow", name=f"flow of {name}")
            )
            flows[name] = made.json()["result"]["structuredContent"]["flow_id"]

        async def use(me: str, other: str):
            for number in range(calls // 20):
                tool, arguments = (
                    ("list_flows", {}),
                    ("get_flow", {"flow_id": flows[me]}),
                    ("get_flow", {"flow_id": flows[other]}),
                )[number % 3]
                answer = await clients[me].post(f"{server.a.url}/mcp", **modern(tool, **arguments))
                seen = f"flow of {me}" in answer.text
                if seen == (number % 3 == 2) or f"flow of {other}" in answer.text:
                    wrong.append(answer.text)

        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(use, "ann", "bob")
                    tasks.start_soon(use, "bob", "ann")

    assert wrong == []


async def test_so_many_sessions_may_be_open_and_idle_ones_make_room(tenant, serve):
    tokens = [await tenant.sign_up(name) for name in ("ann", "bob", "cat", "dan")]
    async with (
        serve(auth="bearer", max_sessions=3, session_idle_s=IDLE_S) as url,
        web(tokens[0], base_url=url) as anns,
    ):
        opened = [await opened_by(url, token) for token in tokens]
        of_one = await anns.post("/mcp", json=HELLO)

        async def are_forgotten():
            sessions = (await anns.get("/metrics")).text
            return 'appmixer_mcp_sessions{transport="http"} 0.0' in sessions

        await until(are_forgotten)
        old = {"Mcp-Session-Id": opened[0].headers["mcp-session-id"]}
        forgotten = await anns.post("/mcp", json=LISTING, headers=old)
        again = await opened_by(url, tokens[3])

    assert [answer.status_code for answer in opened] == [200, 200, 200, 503]
    assert of_one.status_code == 429
    assert "too many sessions" in of_one.json()["error_description"]
    assert (forgotten.status_code, again.status_code) == (404, 200)


async def opened_by(url: str, token: str) -> httpx2.Response:
    """Return the answer to an older client's beginning."""
    async with web(token, base_url=url) as http:
        return await http.post("/mcp", json=HELLO)


async def test_so_many_sse_streams_may_be_open_and_silent_ones_end(tenant, serve):
    tokens = [await tenant.sign_up(name) for name in ("ann", "bob", "cat", "dan")]
    async with (
        serve(auth="bearer", max_sessions=3, session_idle_s=IDLE_S) as url,
        AsyncExitStack() as stack,
    ):
        ann, bob, cat, dan = [
            await stack.enter_async_context(web(token, base_url=url)) for token in tokens
        ]
        anns = await stack.enter_async_context(ann.stream("GET", "/sse"))
        of_one = await ann.get("/sse")
        bobs = await stack.enter_async_context(bob.stream("GET", "/sse"))
        await stack.enter_async_context(cat.stream("GET", "/sse"))
        refused = await dan.get("/sse")
        with anyio.fail_after(20):
            await anns.aread()
            await bobs.aread()
        later = await stack.enter_async_context(dan.stream("GET", "/sse"))

    assert anns.status_code == bobs.status_code == later.status_code == 200
    assert of_one.status_code == 429
    assert "too many sessions" in of_one.json()["error_description"]
    assert refused.status_code == 503
    assert "Too many sessions" in refused.json()["error_description"]


@pytest.mark.parametrize("way", ["modern", "sse"])
async def test_a_call_too_many_is_a_failed_call_that_names_the_wait(tenant, serve, way):
    token = await tenant.sign_up("ann")
    async with (
        serve(auth="bearer", calls_per_minute=5) as url,
        client_of(url, way, token) as client,
    ):
        answers = [await client.call_tool("get_session", {}) for _ in range(2 * 5 + 1)]

    told = [text_of(answer) for answer in answers if answer.is_error]
    assert "You made more than 5 calls within a minute. Wait " in told[0]


async def test_too_many_calls_at_once_fail_and_hinder_nobody_else(tenant, serve):
    ann, bob = await tenant.sign_up("ann"), await tenant.sign_up("bob")
    answers = []

    async def ask_often(client):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(ask, client)

    async def ask(client):
        answers.append(await client.call_tool("list_flows", {}))

    async with (
        serve(auth="bearer", calls_at_once=1) as url,
        client_of(url, "modern", ann) as anns,
        client_of(url, "modern", bob) as bobs,
    ):
        await ask_often(anns)
        unhindered = await call(bobs, "list_flows")

    told = [text_of(answer) for answer in answers if answer.is_error]
    assert 0 < len(told) < 8
    assert "1 of your calls" in told[0]
    assert unhindered["items"] == []


async def test_requests_too_many_are_refused_with_the_wait(tenant, serve):
    token = await tenant.sign_up("ann")
    other = await tenant.sign_up("bob")
    async with serve(auth="bearer", calls_per_minute=1) as url:
        async with web(token, base_url=url) as http:
            statuses = [(await http.post("/mcp")).status_code for _ in range(2 * 10 + 1)]
            refused = await http.post("/mcp")
        async with web(other, base_url=url) as http:
            of_another = await http.post("/mcp")

    assert 429 in statuses
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "more than 10 requests within a minute" in refused.json()["error_description"]
    assert of_another.status_code != 429
