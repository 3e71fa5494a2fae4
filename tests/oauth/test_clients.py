"""Registered clients, and clients with a metadata document."""

import json

import pytest

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth.client_documents import FetchedDocument
from appmixer_mcp.oauth.endpoints import REGISTRATIONS_AN_HOUR, REGISTRATIONS_OF_ADDRESS
from appmixer_mcp.oauth.types import OAuthError
from tests.oauth.authorization_server import CALLBACK, Clock, Documents, serving

URL = "https://assistant.example/oauth/client.json"


def document(max_age_s: float = 0.0, **members: object) -> FetchedDocument:
    given = {"client_id": URL, "client_name": "Assistant", "redirect_uris": [CALLBACK], **members}
    return FetchedDocument(body=json.dumps(given).encode(), max_age_s=max_age_s)


async def test_a_registered_client_is_found_with_what_it_registered():
    async with serving() as server:
        answer = await server.register(
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


async def test_the_answer_to_a_registration_says_what_the_client_got():
    async with serving() as server:
        answer = await server.register(
            client_name="Script",
            token_endpoint_auth_method="client_secret_post",
            grant_types=["authorization_code", "implicit"],
            scope="admin everything",
            logo_uri="https://evil.example/logo.png",
        )

    assert answer.pop("client_id").startswith("client-")
    assert len(answer.pop("client_secret")) > 43
    assert answer == {
        "client_id_issued_at": 1795348800,
        "client_secret_expires_at": 0,
        "client_name": "Script",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "scope": "appmixer",
    }


async def test_a_client_that_names_no_way_to_authenticate_gets_a_secret_for_basic():
    async with serving() as server:
        answer = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})

    assert answer.json()["token_endpoint_auth_method"] == "client_secret_basic"
    assert "client_secret" in answer.json()
    assert answer.headers["cache-control"] == "no-store"


async def test_a_public_client_gets_no_secret():
    async with serving() as server:
        assert "client_secret" not in await server.register()


@pytest.mark.parametrize(
    ("redirect_uris", "kind"),
    [([CALLBACK], "web"), (["http://localhost/callback"], "native"), (["cursor://a/b"], "native")],
)
async def test_a_client_that_does_not_know_the_parameter_is_what_its_addresses_say(
    redirect_uris, kind
):
    async with serving() as server:
        answer = await server.register(redirect_uris=redirect_uris)

    assert answer["application_type"] == kind


async def test_empty_members_count_as_left_out():
    async with serving() as server:
        answer = await server.register(client_name=None, application_type="", grant_types=None)

    assert "client_name" not in answer


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Claude \t Code\n", "Claude Code"),
        ("Cla\u202eedu\u202c\u200b\u0000\u001b[31m", "Claedu[31m"),
        ("x" * 500, "x" * 80),
        ("\u200b", ""),
    ],
)
async def test_a_name_is_made_fit_to_be_shown(name, shown):
    async with serving() as server:
        client = await server.clients.find((await server.register(client_name=name))["client_id"])

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
async def test_a_registration_that_is_not_acceptable_is_refused_without_an_echo(metadata, error):
    async with serving() as server:
        answer = await server.http.post("/register", json={"redirect_uris": [CALLBACK], **metadata})

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert "evil" not in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"[" * 9_000, b"\xff", b'"\\ud800"'])
async def test_a_registration_that_is_no_json_object_is_refused(body):
    async with serving() as server:
        answer = await server.http.post("/register", content=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_a_registration_over_the_limit_is_refused():
    async with serving() as server:
        answer = await server.http.post("/register", content=b" " * 16_385)

    assert answer.status_code == 413


async def test_one_address_cannot_register_without_end():
    async with serving() as server:
        for _ in range(REGISTRATIONS_OF_ADDRESS):
            await server.register()
        refused = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})
        server.clock.turn(hours=1)
        later = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3_601
    assert later.status_code == 201


async def test_one_subscriber_has_one_limit_for_all_its_ipv6_addresses():
    async with serving(address="2001:db8::1") as server:
        for _ in range(REGISTRATIONS_OF_ADDRESS):
            await server.register()
        async with serving(server.clock, server.state, address="2001:db8::2") as same:
            refused = await same.http.post("/register", json={"redirect_uris": [CALLBACK]})
        async with serving(server.clock, server.state, address="2001:db8:0:1::1") as other:
            answered = await other.http.post("/register", json={"redirect_uris": [CALLBACK]})

    assert (refused.status_code, answered.status_code) == (429, 201)


async def test_many_addresses_together_cannot_register_without_end():
    async with serving() as first:
        statuses: list[int] = []
        for number in range(REGISTRATIONS_AN_HOUR // 50 + 1):
            address = f"203.0.113.{number}"
            async with serving(first.clock, first.state, address=address) as server:
                for _ in range(50):
                    answer = await server.http.post("/register", json={"redirect_uris": [CALLBACK]})
                    statuses.append(answer.status_code)

    assert statuses == [201] * REGISTRATIONS_AN_HOUR + [429] * 50


async def test_a_client_that_never_got_tokens_is_forgotten_after_a_week():
    async with serving() as server:
        client_id = (await server.register())["client_id"]
        server.clock.turn(days=6.9)
        before = await server.clients.find(client_id)
        server.clock.turn(days=0.2)
        after = await server.clients.find(client_id)

    assert (before is not None, after) == (True, None)


async def test_a_client_that_got_tokens_is_forgotten_90_days_after_the_last_ones():
    async with serving() as server:
        client_id = (await server.register())["client_id"]
        tokens = await server.signed_in(client_id, user=server.user(lives=None))
        server.clock.turn(days=29)
        assert (await server.refresh(client_id, tokens["refresh_token"])).status_code == 200
        server.clock.turn(days=89)
        before = await server.clients.find(client_id)
        server.clock.turn(days=2)
        after = await server.clients.find(client_id)

    assert (before is not None, after) == (True, None)


@pytest.mark.parametrize("client_id", ["", "client-", "client-" + "a" * 22, "x" * 10_000, "../a"])
async def test_a_client_that_never_registered_is_not_found(client_id):
    async with serving() as server:
        assert await server.clients.find(client_id) is None


async def test_a_document_makes_a_client_whose_host_is_known():
    documents = Documents({URL: document(redirect_uris=["http://localhost/callback"])})
    async with serving(fetch=documents.fetch) as server:
        client = await server.clients.find(URL)

    assert client is not None
    assert (client.client_id, client.name) == (URL, "Assistant")
    assert (client.verified_host, client.auth_method) == ("assistant.example", "none")
    assert (client.application_type, client.allows("http://localhost:9/callback")) == (
        "native",
        True,
    )


@pytest.mark.parametrize(
    ("max_age_s", "fresh_s", "stale_s"),
    [(0, 299, 2), (60, 299, 2), (3_600, 3_599, 2), (1e9, 86_399, 2)],
)
async def test_a_document_is_kept_as_long_as_it_says_within_bounds(max_age_s, fresh_s, stale_s):
    documents = Documents({URL: document(max_age_s)})
    async with serving(fetch=documents.fetch) as server:
        await server.clients.find(URL)
        server.clock.turn(seconds=fresh_s)
        await server.clients.find(URL)
        assert documents.asked == [URL]
        server.clock.turn(seconds=stale_s)
        await server.clients.find(URL)

    assert documents.asked == [URL, URL]


@pytest.mark.parametrize(
    "members",
    [
        {"client_id": URL + "/"},
        {"client_id": "https://ASSISTANT.example/oauth/client.json"},
        {"client_id": None},
        {"redirect_uris": []},
        {"redirect_uris": ["http://evil.example/cb", "javascript://x/y"]},
        {"redirect_uris": ["cursor://a/b"], "application_type": "web"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"grant_types": ["client_credentials"]},
        {"client_name": ["a"]},
    ],
)
async def test_a_document_that_is_not_acceptable_is_refused_and_not_fetched_again_at_once(members):
    documents = Documents({URL: document(**members)})
    async with serving(fetch=documents.fetch) as server:
        for _ in range(2):
            with pytest.raises(OAuthError) as caught:
                await server.clients.find(URL)

    assert caught.value.error == "invalid_client"
    assert documents.asked == [URL]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 9_000, b"\xff"])
async def test_a_document_that_is_no_json_object_is_refused(body):
    documents = Documents({URL: FetchedDocument(body=body, max_age_s=0)})
    async with serving(fetch=documents.fetch) as server:
        with pytest.raises(OAuthError):
            await server.clients.find(URL)


async def test_a_document_may_prefer_a_key_if_it_allows_to_go_without():
    """As ChatGPT's do."""
    documents = Documents(
        {
            URL: document(
                token_endpoint_auth_method="private_key_jwt",
                token_endpoint_auth_methods_supported=["private_key_jwt", "none"],
            )
        }
    )
    async with serving(fetch=documents.fetch) as server:
        client = await server.clients.find(URL)

    assert client is not None
    assert client.auth_method == "none"


async def test_of_a_document_only_the_acceptable_redirect_uris_count():
    documents = Documents({URL: document(redirect_uris=["http://evil.example/cb", CALLBACK])})
    async with serving(fetch=documents.fetch) as server:
        client = await server.clients.find(URL)

    assert client is not None
    assert client.redirect_uris == (CALLBACK,)


async def test_a_document_that_cannot_be_had_now_is_tried_again_soon():
    documents = Documents({URL: UnavailableError("It does not answer.")})
    async with serving(fetch=documents.fetch) as server:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="does not answer"):
                await server.clients.find(URL)
        assert documents.asked == [URL]
        documents.served[URL] = document()
        server.clock.turn(seconds=31)
        client = await server.clients.find(URL)

    assert client is not None


async def test_strangers_cannot_make_the_server_fetch_without_end():
    urls = [f"https://assistant.example/{number}" for number in range(61)]
    documents = Documents({url: UnavailableError("It does not answer.") for url in urls})
    async with serving(Clock(), fetch=documents.fetch) as server:
        for url in urls:
            with pytest.raises(UnavailableError):
                await server.clients.find(url)

    assert documents.asked == urls[:60]


async def test_a_url_that_names_no_document_is_neither_fetched_nor_counted():
    documents = Documents({})
    async with serving(fetch=documents.fetch) as server:
        with pytest.raises(OAuthError):
            await server.clients.find("https://169.254.169.254/latest")
        counted = await server.state.add("oauth:document-fetches:0", 0, ttl_s=1)

    assert (documents.asked, counted) == ([], 0)


async def test_a_browser_cannot_register_with_a_get():
    async with serving() as server:
        answer = await server.http.get("/register")

    assert answer.status_code == 405
