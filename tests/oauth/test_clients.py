"""Clients that register."""

import pytest

from appmixer_mcp.oauth.endpoints import (
    REGISTRATIONS_AN_HOUR,
    REGISTRATIONS_OF_ADDRESS,
    REGISTRATIONS_OF_SITE,
)
from tests.oauth.browsing import CALLBACK


async def registrations(server, address, count):
    """Return how a number of registrations from an address are answered."""
    async with server.browser(address) as http:
        client = {"redirect_uris": [CALLBACK]}
        return [(await http.post("/register", json=client)).status_code for _ in range(count)]


async def test_a_registered_client_is_found_with_what_it_registered(server):
    answer = await server.registered(
        client_name="Cursor",
        redirect_uris=["cursor://a/cb", "http://localhost:1/cb"],
        application_type="native",
    )
    client = await server.clients.find(answer["client_id"])

    assert client is not None
    assert (client.name, client.application_type) == ("Cursor", "native")
    assert client.redirect_uris == ("cursor://a/cb", "http://localhost:1/cb")
    assert client.verified_host == ""
    assert client.allows("http://localhost:2/cb")
    assert not client.allows("http://localhost:2/cb/")


async def test_the_answer_to_a_registration_says_what_the_client_got(server):
    answer = await server.registered(
        client_name="Script",
        token_endpoint_auth_method="client_secret_post",
        grant_types=["authorization_code", "implicit"],
        scope="admin everything",
        logo_uri="https://evil.example/logo.png",
    )

    assert answer.pop("client_id").startswith("client-")
    assert len(answer.pop("client_secret")) > 43
    assert answer == {
        "client_id_issued_at": int(server.clock.seconds()),
        "client_secret_expires_at": 0,
        "client_name": "Script",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "scope": "appmixer",
    }


async def test_a_client_that_names_no_way_to_authenticate_gets_a_secret_for_basic(server):
    answer = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})

    assert answer.json()["token_endpoint_auth_method"] == "client_secret_basic"
    assert "client_secret" in answer.json()
    assert answer.headers["cache-control"] == "no-store"


async def test_a_public_client_gets_no_secret(server):
    assert "client_secret" not in await server.registered()


@pytest.mark.parametrize(
    ("redirect_uris", "kind"),
    [([CALLBACK], "web"), (["http://localhost/callback"], "native"), (["cursor://a/b"], "native")],
)
async def test_a_client_that_does_not_know_the_parameter_is_what_its_addresses_say(
    server, redirect_uris, kind
):
    answer = await server.registered(redirect_uris=redirect_uris)

    assert answer["application_type"] == kind


async def test_empty_members_count_as_left_out(server):
    answer = await server.registered(client_name=None, application_type="", grant_types=None)

    assert "client_name" not in answer


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Claude \t Code\n", "Claude Code"),
        ("Claude \u200b\u3164 Code", "Claude Code"),
        ("Cla\u202eedu\u202c\u200b\u0000\u001b[31m", "Claedu[31m"),
        ("x" * 500, "x" * 80),
        ("\u200b", ""),
    ],
)
async def test_a_name_is_made_fit_to_be_shown(server, name, shown):
    client = await server.clients.find(await server.register(client_name=name))

    assert client is not None
    assert client.name == shown


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": CALLBACK}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK] * 21}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK, "javascript://a/%0aalert(1)"]}, "invalid_redirect_uri"),
        (
            {"redirect_uris": ["cursor://a/b"], "application_type": "web"},
            "invalid_redirect_uri",
        ),
        (
            {"redirect_uris": ["http://localhost/cb"], "application_type": "web"},
            "invalid_redirect_uri",
        ),
        ({"application_type": "hybrid"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"client_name": {"<script>": 1}}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": ["code"] * 21}, "invalid_client_metadata"),
    ],
)
async def test_a_registration_that_is_not_acceptable_is_refused_without_an_echo(
    server, metadata, error
):
    answer = await server.http.post("/register", json={"redirect_uris": [CALLBACK], **metadata})

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert "evil" not in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"[" * 9_000, b"\xff", b'"\\ud800"'])
async def test_a_registration_that_is_no_json_object_is_refused(server, body):
    answer = await server.http.post("/register", content=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_a_registration_over_the_limit_is_refused(server):
    answer = await server.http.post("/register", content=b" " * 16_385)

    assert answer.status_code == 413


async def test_one_address_cannot_register_without_end(server):
    for _ in range(REGISTRATIONS_OF_ADDRESS):
        await server.register()
    refused = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})
    server.clock.turn(hours=1)
    later = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3_601
    assert later.status_code == 201


async def test_one_subscriber_has_one_limit_for_all_its_ipv6_addresses(server):
    first = await registrations(server, "2001:db8::1", REGISTRATIONS_OF_ADDRESS)
    same = await registrations(server, "2001:db8::2", 1)
    other = await registrations(server, "2001:db8:0:1::1", 1)

    assert (first, same, other) == ([201] * REGISTRATIONS_OF_ADDRESS, [429], [201])


async def test_one_site_with_many_ipv6_networks_cannot_register_without_end(server):
    statuses: list[int] = []
    for number in range(REGISTRATIONS_OF_SITE // 40 + 1):
        statuses += await registrations(server, f"2001:db8:1:{number}::1", 40)

    assert statuses == [201] * REGISTRATIONS_OF_SITE + [429] * 40


async def test_many_addresses_together_cannot_register_without_end(server):
    statuses: list[int] = []
    for number in range(REGISTRATIONS_AN_HOUR // 50 + 1):
        statuses += await registrations(server, f"203.0.113.{number}", 50)

    assert statuses == [201] * REGISTRATIONS_AN_HOUR + [429] * 50


async def test_a_client_that_never_got_tokens_is_forgotten_after_a_week(server):
    client_id = await server.register()
    server.clock.turn(days=6.9)
    before = await server.clients.find(client_id)
    server.clock.turn(days=0.2)
    after = await server.clients.find(client_id)

    assert (before is not None, after) == (True, None)


async def test_a_client_that_got_tokens_is_forgotten_90_days_after_the_last_ones(server):
    client_id = await server.register()
    tokens = await server.signed_in(client_id, user=server.user(lives=None))
    server.clock.turn(days=29)
    assert (await server.refresh(client_id, tokens["refresh_token"])).status_code == 200
    server.clock.turn(days=89)
    before = await server.clients.find(client_id)
    server.clock.turn(days=2)
    after = await server.clients.find(client_id)

    assert (before is not None, after) == (True, None)


@pytest.mark.parametrize("client_id", ["", "client-", "client-" + "a" * 22, "x" * 10_000, "../a"])
async def test_a_client_that_never_registered_is_not_found(server, client_id):
    assert await server.clients.find(client_id) is None


async def test_a_browser_cannot_register_with_a_get(server):
    answer = await server.http.get("/register")

    assert answer.status_code == 405
