"""Who a client is that asks for tokens, and how it proves that."""

import base64

import pytest


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_a_client_with_a_secret_may_send_it_either_way(server, method):
    client = await server.registered(token_endpoint_auth_method=method)
    client_id, secret = client["client_id"], client["client_secret"]
    in_form = await server.redeem(client_id, await server.code(client_id), client_secret=secret)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": in_form.json()["refresh_token"],
        "client_id": client_id,
    }
    header = {"Authorization": basic(client_id, secret)}
    in_header = await server.http.post("/token", data=form, headers=header)
    form["refresh_token"] = in_header.json()["refresh_token"]
    del form["client_id"]
    alone = await server.http.post("/token", data=form, headers=header)

    assert [one.status_code for one in (in_form, in_header, alone)] == [200, 200, 200]


@pytest.mark.parametrize("secret", ["", "wrong", "amx_cs_"])
async def test_a_client_without_its_secret_is_refused_and_its_code_stays_good(server, secret):
    client = await server.registered(token_endpoint_auth_method="client_secret_post")
    code = await server.code(client["client_id"])
    refused = await server.redeem(client["client_id"], code, client_secret=secret)
    answered = await server.redeem(client["client_id"], code, client_secret=client["client_secret"])

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" not in refused.headers
    assert answered.status_code == 200


async def test_a_wrong_secret_and_an_unknown_client_are_answered_alike(server):
    client = await server.registered(token_endpoint_auth_method="client_secret_post")
    wrong = await server.redeem(client["client_id"], "amx_ac_x", client_secret="wrong")
    unknown = await server.redeem("client-" + "a" * 22, "amx_ac_x", client_secret="wrong")

    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize(
    "authorization",
    [
        basic("client-" + "a" * 22, "x"),
        "Basic !!!",
        "Basic é".encode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic",
        "Bearer x",
    ],
)
async def test_a_header_that_proves_nothing_is_refused_with_a_challenge(server, authorization):
    form = {"grant_type": "refresh_token", "refresh_token": "amx_rt_x"}
    answer = await server.http.post("/token", data=form, headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


async def test_a_client_that_names_itself_twice_is_refused(server):
    client = await server.registered(token_endpoint_auth_method="client_secret_post")
    name, secret = client["client_id"], client["client_secret"]
    form = {"grant_type": "refresh_token", "refresh_token": "amx_rt_x"}
    header = {"Authorization": basic(name, secret)}
    both = await server.http.post("/token", data=form | {"client_secret": secret}, headers=header)
    other = await server.http.post("/token", data=form | {"client_id": "client-b"}, headers=header)

    assert (both.json()["error"], other.json()["error"]) == ("invalid_request", "invalid_request")
