"""The endpoints that clients call by themselves, over HTTP."""

import logging
from contextlib import aclosing

import pytest

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.state import MemoryState
from appmixer_mcp.state.sqlite_state import SqliteState
from tests.oauth.browsing import (
    APPMIXER_TOKEN,
    CALLBACK,
    ISSUER,
    VERIFIER,
    Clock,
    Server,
)
from tests.oauth.documents import Documents

URL = "https://assistant.example/oauth/client.json"


@pytest.fixture(params=["memory", "sqlite"])
async def server(request, tmp_path):
    clock = Clock()
    if request.param == "memory":
        yield Server(clock=clock)
    else:
        async with aclosing(SqliteState(tmp_path / "state.db", clock=clock.seconds)) as state:
            yield Server(clock=clock, state=state)


async def test_a_client_signs_in_calls_refreshes_and_signs_out(server):
    client_id = await server.register()
    first = await server.redeem(client_id, await server.code(client_id))
    second = await server.refresh(client_id, first.json()["refresh_token"], resource=ISSUER)
    caller = await server.grants.caller_of(second.json()["access_token"])
    out = await server.http.post(
        "/revoke", data={"client_id": client_id, "token": second.json()["refresh_token"]}
    )

    assert first.status_code == second.status_code == out.status_code == 200
    assert {"token_type": "Bearer", "expires_in": 3600, "scope": "appmixer"}.items() <= (
        first.json().items()
    )
    assert first.headers["cache-control"] == second.headers["cache-control"] == "no-store"
    assert (caller.user.user_id, caller.client_id) == (server.user().user_id, client_id)
    assert caller.user.appmixer_token.get_secret_value() == APPMIXER_TOKEN
    assert not await server.is_good(second.json()["access_token"])
    assert (await server.refresh(client_id, second.json()["refresh_token"])).status_code == 400


async def test_no_token_lies_about_readable(tmp_path):
    clock, file = Clock(), tmp_path / "state.db"
    async with aclosing(SqliteState(file, clock=clock.seconds)) as state:
        server = Server(clock=clock, state=state)
        client = await server.registered(token_endpoint_auth_method="client_secret_post")
        secret = {"client_secret": client["client_secret"]}
        unused = await server.code(client["client_id"])
        code = await server.code(client["client_id"])
        tokens = (await server.redeem(client["client_id"], code, **secret)).json()
        raw = b"".join(one.read_bytes() for one in tmp_path.iterdir())

    assert client["client_id"].encode() in raw  # so this is where they would be
    for readable in (
        APPMIXER_TOKEN,
        server.user().user_id,
        unused,
        code,
        tokens["access_token"],
        tokens["refresh_token"],
        client["client_secret"],
    ):
        assert readable.encode() not in raw


async def test_no_secret_is_logged_or_told_in_an_error(caplog):
    caplog.set_level(logging.DEBUG)
    server = Server()
    client = await server.registered(token_endpoint_auth_method="client_secret_post")
    client_id, secret = client["client_id"], {"client_secret": client["client_secret"]}
    code = await server.code(client_id)
    first = (await server.redeem(client_id, code, **secret)).json()
    answers = [
        await server.refresh(client_id, first["refresh_token"], client_secret="a wrong one"),
        await server.refresh(client_id, first["refresh_token"], resource="x", **secret),
        await server.redeem(client_id, code, **secret),
        await server.refresh(client_id, first["refresh_token"], **secret),
    ]

    said = caplog.text + "".join(answer.text for answer in answers)
    assert [answer.status_code for answer in answers] == [401, 400, 400, 400]
    for hidden in (code, VERIFIER, APPMIXER_TOKEN, "a wrong one", *secret.values()):
        assert hidden not in said
    assert first["access_token"] not in said
    assert first["refresh_token"] not in said


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": CALLBACK.upper()}, "invalid_grant"),
        ({"code_verifier": "another-verifier-of-proof-key-for-code-exch"}, "invalid_grant"),
        ({"code_verifier": "x" * 128}, "invalid_grant"),
    ],
)
async def test_a_code_that_is_brought_wrongly_is_refused_and_used_up(server, changed, error):
    client_id = await server.register()
    code = await server.code(client_id)

    refused = await server.redeem(client_id, code, **changed)
    again = await server.redeem(client_id, code)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": VERIFIER[:42]}, "invalid_request"),
        ({"code_verifier": "x" * 129}, "invalid_request"),
        ({"code_verifier": "!" * 43}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"resource": ISSUER + ".evil.example/mcp"}, "invalid_target"),
        ({"resource": ISSUER + ":8443/mcp"}, "invalid_target"),
        ({"resource": ISSUER.replace("https", "http")}, "invalid_target"),
        ({"resource": ISSUER + "/mcp#part"}, "invalid_target"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
async def test_a_request_that_is_wrong_in_itself_leaves_the_code_alone(changed, error):
    server = Server()
    client_id = await server.register()
    code = await server.code(client_id)

    refused = await server.redeem(client_id, code, **changed)
    again = await server.redeem(client_id, code)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert again.status_code == 200


@pytest.mark.parametrize("resource", [ISSUER, ISSUER + "/", ISSUER + "/mcp", ISSUER + "/sse?a=1"])
async def test_a_token_may_be_asked_for_the_origin_or_anything_below_it(resource):
    server = Server()
    client_id = await server.register()
    answer = await server.redeem(client_id, await server.code(client_id), resource=resource)

    assert answer.status_code == 200


async def test_the_redirect_uri_may_be_left_out_as_in_oauth_2_1():
    server = Server()
    client_id = await server.register()
    code = await server.code(client_id)
    answer = await server.redeem(client_id, code, redirect_uri="")

    assert answer.status_code == 200


async def test_a_code_of_another_client_is_refused_and_used_up(server):
    own = await server.register()
    other = await server.register()
    code = await server.code(own)

    refused = await server.redeem(other, code)
    again = await server.redeem(own, code)

    assert (refused.json()["error"], again.json()["error"]) == ("invalid_grant", "invalid_grant")


@pytest.mark.parametrize(
    "changed", [{}, {"code_verifier": "x" * 43}, {"redirect_uri": CALLBACK + "/"}]
)
async def test_a_replayed_code_revokes_what_it_gave_however_it_is_brought(server, changed):
    client_id = await server.register()
    code = await server.code(client_id)
    tokens = (await server.redeem(client_id, code)).json()
    assert await server.is_good(tokens["access_token"])

    replayed = await server.redeem(client_id, code, **changed)

    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert not await server.is_good(tokens["access_token"])
    assert (await server.refresh(client_id, tokens["refresh_token"])).status_code == 400


async def test_a_code_that_is_replayed_days_later_still_revokes_what_it_gave(server):
    client_id = await server.register()
    code = await server.code(client_id, user=server.user(lives=None))
    tokens = (await server.redeem(client_id, code)).json()
    server.clock.turn(days=29)
    tokens = (await server.refresh(client_id, tokens["refresh_token"])).json()

    await server.redeem(client_id, code)

    assert not await server.is_good(tokens["access_token"])


async def test_a_code_is_good_for_a_minute(server):
    client_id = await server.register()
    in_time, late = await server.code(client_id), await server.code(client_id)

    server.clock.turn(seconds=59)
    first = await server.redeem(client_id, in_time)
    server.clock.turn(seconds=2)
    second = await server.redeem(client_id, late)

    assert (first.status_code, second.status_code) == (200, 400)
    assert second.json()["error"] == "invalid_grant"


async def test_a_reused_refresh_token_ends_the_sign_in(server):
    client_id = await server.register()
    first = await server.signed_in(client_id)
    second = (await server.refresh(client_id, first["refresh_token"])).json()
    assert await server.is_good(second["access_token"])

    reused = await server.refresh(client_id, first["refresh_token"])

    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert not await server.is_good(first["access_token"])
    assert not await server.is_good(second["access_token"])
    assert (await server.refresh(client_id, second["refresh_token"])).status_code == 400


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_token_is_good_only_for_what_it_is(kind):
    server = Server()
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    code = await server.code(client_id)

    as_code = await server.redeem(client_id, tokens[kind])
    as_refresh_token = [
        await server.refresh(client_id, one) for one in (tokens["access_token"], code)
    ]

    for refused in (as_code, *as_refresh_token):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert await server.is_good(tokens["access_token"])


async def test_a_refresh_token_of_another_client_is_refused_and_stays_good():
    server = Server()
    own = await server.register()
    other = await server.register()
    tokens = await server.signed_in(own)

    refused = await server.refresh(other, tokens["refresh_token"])
    answered = await server.refresh(own, tokens["refresh_token"])

    assert (refused.json()["error"], answered.status_code) == ("invalid_grant", 200)


async def test_scopes_that_there_are_not_are_passed_over():
    server = Server()
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    answer = await server.refresh(
        client_id, tokens["refresh_token"], scope="appmixer offline_access admin"
    )

    assert (answer.status_code, answer.json()["scope"]) == (200, "appmixer")


async def test_a_refresh_for_another_resource_is_refused_and_the_token_stays_good():
    server = Server()
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    refused = await server.refresh(
        client_id, tokens["refresh_token"], resource="https://other.example"
    )
    answered = await server.refresh(client_id, tokens["refresh_token"])

    assert (refused.json()["error"], answered.status_code) == ("invalid_target", 200)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", ""])
async def test_revoking_either_token_ends_the_sign_in_whatever_the_hint(kind, hint):
    server = Server()
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    form = {"client_id": client_id, "token": tokens[kind], "token_type_hint": hint}
    answer = await server.http.post("/revoke", data=form)

    assert answer.status_code == 200
    assert not await server.is_good(tokens["access_token"])
    assert (await server.refresh(client_id, tokens["refresh_token"])).status_code == 400


@pytest.mark.parametrize("token", ["amx_at_unknown", "amx_rt_unknown", "something else"])
async def test_revoking_what_is_no_token_is_no_error(token):
    server = Server()
    client_id = await server.register()
    answer = await server.http.post("/revoke", data={"client_id": client_id, "token": token})

    assert answer.status_code == 200


async def test_a_client_cannot_revoke_the_tokens_of_another():
    server = Server()
    own = await server.register()
    other = await server.register()
    tokens = await server.signed_in(own)
    for kind in ("access_token", "refresh_token"):
        form = {"client_id": other, "token": tokens[kind]}
        assert (await server.http.post("/revoke", data=form)).status_code == 200

    assert await server.is_good(tokens["access_token"])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"grant_type":"refresh_token"}', "application/json"),
        (b"grant_type=refresh_token", "text/plain"),
        (b"grant_type=refresh_token&grant_type=refresh_token&client_id=a", None),
        (b"client_id=a&client_id=b", None),
        (b"a=1&" * 51, None),
        (b"\xff=\xff", None),
    ],
)
async def test_a_body_that_is_no_such_form_is_refused(body, kind):
    server = Server()
    headers = {"Content-Type": kind or "application/x-www-form-urlencoded; charset=utf-8"}
    answer = await server.http.post("/token", content=body, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_body_over_the_limit_is_refused():
    server = Server()
    answer = await server.http.post("/token", data={"code": "x" * 16_384})

    assert answer.status_code == 413


async def test_people_stay_signed_in_while_the_site_of_the_clients_document_is_down():
    documents = Documents({URL: UnavailableError("It does not answer.")})
    server = Server(fetch=documents.fetch)
    tokens = await server.signed_in(URL)
    answer = await server.refresh(URL, tokens["refresh_token"])

    assert (answer.status_code, documents.asked) == (200, [])


async def test_a_state_that_does_not_answer_is_said_without_its_reason():
    class Lost(MemoryState):
        async def get(self, key):  # noqa: ARG002 - it has that name in the protocol
            raise UnavailableError("redis://:s3cret@10.0.0.7 does not answer.")

    server = Server(state=Lost())
    answer = await server.refresh("client-" + "a" * 22, "amx_rt_x")

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "retry-after" in answer.headers
    assert "s3cret" not in answer.text
