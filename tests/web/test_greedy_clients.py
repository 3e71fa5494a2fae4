"""One signed-in user who takes more than is theirs, and what the others notice of it."""

import socket

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream

from tests.serving import HELLO

MODERN = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "subscriptions/listen",
}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


async def connected(url):
    """Return a connection that holds little that is not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await anyio.to_thread.run_sync(raw.connect, (url.host, url.port))
    raw.setblocking(False)  # noqa: FBT003 - Python's own
    return await SocketStream.from_socket(raw)


@pytest.mark.long
async def test_a_client_that_asks_on_and_reads_no_answers_loses_its_stream(tenant, serve):
    token = await tenant.sign_up("ann")
    signed = {"Authorization": f"Bearer {token}"}
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    async with (
        serve(auth="bearer") as url,
        httpx2.AsyncClient(headers=signed) as http,
        await connected(httpx2.URL(url)) as stream,
    ):
        head = f"GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        await stream.send(head.encode())
        said = b""
        while b"session_id=" not in said:
            said += await stream.receive()
        messages = f"{url}/messages/?session_id={said.partition(b'session_id=')[2][:32].decode()}"
        await http.post(messages, json=HELLO)
        with anyio.fail_after(120):  # at the latest 30 s after the client's buffers are full
            while (await http.post(messages, json=listing)).status_code == 202:
                pass


async def test_a_subscription_to_everything_imaginable_is_refused(tenant, serve):
    token = await tenant.sign_up("ann")
    uris = [f"appmixer://flows/{number}" for number in range(10_000)]
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "subscriptions/listen",
        "params": {"_meta": META, "notifications": {"resourceSubscriptions": uris}},
    }

    async with serve(auth="bearer") as url, httpx2.AsyncClient(base_url=url) as http:
        answer = await http.post(
            "/mcp", json=body, headers=MODERN | {"Authorization": f"Bearer {token}"}
        )

    assert answer.status_code == 400
    assert "Name fewer" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/token/", "/authorize/", "/register/", "/mcp/"])
async def test_no_request_is_redirected_to_the_host_that_it_names(serve, path):
    async with serve(auth="oauth") as url, httpx2.AsyncClient(base_url=url) as http:
        answer = await http.post(path, headers={"Host": "localhost:6666"})

    assert answer.status_code == 404
    assert "location" not in answer.headers
