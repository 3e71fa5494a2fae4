"""Mode `none`: everybody on this machine begins as the operator; a sign-in is one session's."""

import anyio
import httpx2
import pytest

from tests.processes import call, refused
from tests.serving import HELLO, PASSWORD, asking, client_of
from tests.workers import modern

SESSIONS = ["legacy", "sse", "sse of today"]


@pytest.fixture
async def operated(tenant, serve):
    """A server whose operator is Ann; Bob has a user of his own."""
    token = await tenant.sign_up("ann")
    await tenant.sign_up("bob")
    async with serve(access_token=token) as url:
        yield url


async def who(client):
    return (await call(client, "get_user"))["username"].partition("@")[0]


@pytest.mark.parametrize("way", ["modern", *SESSIONS])
async def test_a_call_acts_as_the_operator(operated, way):
    async with client_of(operated, way) as client:
        assert await who(client) == "ann"


@pytest.mark.parametrize("way", SESSIONS)
async def test_a_sign_in_changes_the_calling_session_alone(operated, way):
    async with (
        client_of(operated, way) as one,
        client_of(operated, way) as another,
        client_of(operated, "modern") as sessionless,
    ):
        await call(one, "authenticate_user", username="bob@example.com", password=PASSWORD)

        assert await who(one) == "bob"
        assert await who(another) == "ann"
        assert await who(sessionless) == "ann"
    async with client_of(operated, way) as later:
        assert await who(later) == "ann"


@pytest.mark.parametrize("way", SESSIONS)
async def test_a_preview_given_to_one_session_does_not_serve_another(operated, way):
    async with client_of(operated, way) as one, client_of(operated, way) as another:
        store = (await call(one, "create_store", name="s"))["store_id"]
        await call(one, "delete_store", store_id=store)

        assert (await call(another, "delete_store", store_id=store, confirm=True))["done"] is False


async def test_a_client_without_a_session_is_told_how_else_to_sign_in(operated):
    async with client_of(operated, "modern") as client:
        said = await refused(
            client, "authenticate_user", username="bob@example.com", password=PASSWORD
        )
        session = await call(client, "get_session")

    assert "--auth oauth" in said
    assert "--auth oauth" in session["how_to_sign_in"]
    assert session["protocol_version"] == "2026-07-28"


async def test_a_session_id_gives_a_client_of_today_nothing(operated):
    accept = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(base_url=operated, headers=accept) as http:
        opened = await http.post("/mcp", json=HELLO)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        bob = {"username": "bob@example.com", "password": PASSWORD}
        signed_in = await http.post("/mcp", json=asking("authenticate_user", bob), headers=session)
        theirs = await http.post("/mcp", json=asking("get_user"), headers=session)
        asked = modern("get_user")
        stolen = await http.post("/mcp", json=asked["json"], headers=asked["headers"] | session)

    assert signed_in.status_code == 200
    assert "bob@example.com" in theirs.text
    assert "ann@example.com" in stolen.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"X-Forwarded-For": "203.0.113.7"}, 403),
        ({"Forwarded": "for=203.0.113.7"}, 403),
    ],
)
async def test_a_request_that_may_come_from_elsewhere_is_refused(in_process, headers, status):
    async with in_process() as http:
        answers = [
            await http.get(path, headers=headers)
            for path in ("/mcp", "/sse", "/messages/", "/metrics", "/no-such-page")
        ]

    assert {answer.status_code for answer in answers} == {status}


async def test_what_a_proxy_passes_on_without_a_word_is_refused(serve):
    async with serve() as url:
        address = httpx2.URL(url)
        async with await anyio.connect_tcp(address.host, address.port or 0) as stream:
            await stream.send(b"GET /mcp HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await stream.receive()

    assert b" 403 " in answer.partition(b"\r\n")[0]


async def test_a_web_page_of_this_machine_may_call(in_process):
    async with in_process() as http:
        answer = await http.options(
            "/mcp",
            headers={
                "Origin": "http://localhost:6274",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, mcp-protocol-version, mcp-method",
            },
        )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:6274"
