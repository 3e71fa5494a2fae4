"""Mode `bearer`: each request brings an Appmixer token, and acts as its user alone."""

from contextlib import AsyncExitStack

import httpx2
import pytest

from tests.processes import call, refused
from tests.serving import HELLO, client_of

WAYS = ["modern", "legacy", "sse"]


@pytest.mark.parametrize("way", WAYS)
async def test_signing_in_through_a_tool_is_refused_and_the_way_is_named(tenant, serve, way):
    token = await tenant.sign_up("ann")

    async with serve(auth="bearer") as url, client_of(url, way, token) as client:
        said = await refused(client, "configure_session", base_url="sandbox", access_token="other")
        session = await call(client, "get_session")

    assert "Authorization: Bearer" in said
    assert session["user"] == "ann@example.com"
    assert session["signed_in_with"] == "access token"
    assert token not in str(session)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("not-a-token", id="malformed"),
        pytest.param("a b", id="with a space"),
        pytest.param("é", id="not ASCII"),
        pytest.param("x" * 10_000, id="endless"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiZXhwIjoxfQ.c2ln", id="expired"),
        pytest.param(
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2ln",
            id="of another server",
        ),
    ],
)
async def test_a_request_without_a_good_token_is_refused_before_anything_is_read(serve, token):
    headers = {b"Authorization": f"Bearer {token}".encode()} if token else {}

    async with serve(auth="bearer") as url, httpx2.AsyncClient(base_url=url) as http:
        answers = [
            await http.post("/mcp", headers=headers),
            await http.get("/sse", headers=headers),
            await http.post(f"/messages/?session_id={'0' * 32}", headers=headers),
        ]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert "Authorization: Bearer" in answer.json()["error_description"]


async def test_a_session_cannot_be_used_with_another_persons_token(tenant, serve):
    ann, bob = await tenant.sign_up("ann"), await tenant.sign_up("bob")
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}

    async with serve(auth="bearer") as url, httpx2.AsyncClient(base_url=url) as http:
        opened = await http.post(
            "/mcp", json=HELLO, headers=accept | {"Authorization": f"Bearer {ann}"}
        )
        session = accept | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        stolen = await http.post(
            "/mcp", json=ask, headers=session | {"Authorization": f"Bearer {bob}"}
        )
        own = await http.post(
            "/mcp", json=ask, headers=session | {"Authorization": f"Bearer {ann}"}
        )

    assert opened.status_code == 200
    assert stolen.status_code == 404
    assert own.status_code == 200


async def test_a_token_whose_user_is_gone_is_refused_at_the_next_request(tenant, serve):
    token = await tenant.sign_up("ann")

    async with serve(auth="bearer") as url:
        async with client_of(url, "modern", token) as client:
            await call(client, "get_user")
            await tenant.remove(token)
            said = await refused(client, "list_flows")
        async with httpx2.AsyncClient(base_url=url) as http:
            answer = await http.post("/mcp", headers={"Authorization": f"Bearer {token}"})

    assert "Authorization: Bearer" in said
    assert answer.status_code == 401


async def test_a_tenant_that_does_not_answer_is_told_as_that(in_process):
    async with in_process(auth="bearer") as http:
        answer = await http.post("/mcp", headers={"Authorization": "Bearer abc"})

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_guessing_tokens_is_slowed_down_for_the_guesser_but_not_for_those_known(
    tenant, serve
):
    token = await tenant.sign_up("ann")

    async with serve(auth="bearer") as url, client_of(url, "modern", token) as client:
        async with httpx2.AsyncClient(base_url=url) as http:
            statuses = [
                (
                    await http.post("/mcp", headers={"Authorization": f"Bearer guess-{number}"})
                ).status_code
                for number in range(40)
            ]
        known = await call(client, "get_user")

    assert set(statuses) == {401, 429}
    assert known["username"] == "ann@example.com"


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
async def test_one_person_cannot_use_up_the_sessions_of_all(tenant, serve, path):
    ann, bob = await tenant.sign_up("ann"), await tenant.sign_up("bob")
    accept = {"Accept": "application/json, text/event-stream"}

    async with (
        serve(auth="bearer", max_sessions=20) as url,
        httpx2.AsyncClient(base_url=url, headers=accept) as http,
        AsyncExitStack() as streams,
    ):

        async def opened(token):
            sign = {"Authorization": f"Bearer {token}"}
            if path == "/mcp":
                return (await http.post(path, json=HELLO, headers=sign)).status_code
            stream = http.stream("GET", path, headers=sign)
            return (await streams.enter_async_context(stream)).status_code

        of_ann = [await opened(ann) for _ in range(3)]
        of_bob = await opened(bob)

    assert of_ann == [200, 200, 429]
    assert of_bob == 200
