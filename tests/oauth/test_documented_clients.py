"""Clients with a metadata document, as the server knows them."""

import json
from contextlib import suppress

import pytest

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth.client_documents import FetchedDocument
from appmixer_mcp.oauth.types import OAuthError
from tests.oauth.browsing import CALLBACK, Server
from tests.oauth.documents import Documents

URL = "https://assistant.example/oauth/client.json"


def document(max_age_s: float = 0.0, **members: object) -> FetchedDocument:
    given = {"client_id": URL, "client_name": "Assistant", "redirect_uris": [CALLBACK], **members}
    return FetchedDocument(body=json.dumps(given).encode(), max_age_s=max_age_s)


async def test_a_document_makes_a_client_whose_host_is_known():
    documents = Documents({URL: document(redirect_uris=["http://localhost/callback"])})
    server = Server(fetch=documents.fetch)
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
    server = Server(fetch=documents.fetch)
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
    server = Server(fetch=documents.fetch)
    for _ in range(2):
        with pytest.raises(OAuthError) as caught:
            await server.clients.find(URL)
        assert caught.value.error == "invalid_client"

    assert documents.asked == [URL]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 9_000, b"\xff"])
async def test_a_document_that_is_no_json_object_is_refused(body):
    documents = Documents({URL: FetchedDocument(body=body, max_age_s=0)})
    server = Server(fetch=documents.fetch)
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
    server = Server(fetch=documents.fetch)
    client = await server.clients.find(URL)

    assert client is not None
    assert client.auth_method == "none"


async def test_of_a_document_only_the_acceptable_redirect_uris_count():
    documents = Documents({URL: document(redirect_uris=["http://evil.example/cb", CALLBACK])})
    server = Server(fetch=documents.fetch)
    client = await server.clients.find(URL)

    assert client is not None
    assert client.redirect_uris == (CALLBACK,)


async def test_a_document_that_cannot_be_had_now_is_tried_again_soon():
    documents = Documents({URL: UnavailableError("It does not answer.")})
    server = Server(fetch=documents.fetch)
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
    server = Server(fetch=documents.fetch)
    for url in urls:
        with pytest.raises(UnavailableError):
            await server.clients.find(url)

    assert documents.asked == urls[:60]


async def test_a_client_that_was_read_before_is_found_however_much_strangers_have_fetched():
    documents = Documents({URL: document()})
    server = Server(fetch=documents.fetch)
    await server.clients.find(URL)
    server.clock.turn(minutes=10)
    for number in range(61):
        with suppress(UnavailableError):
            stranger = f"https://assistant.example/{number}"
            documents.served[stranger] = UnavailableError("It does not answer.")
            await server.clients.find(stranger)
    client = await server.clients.find(URL)

    assert client is not None
    assert documents.asked.count(URL) == 1


async def test_a_client_is_found_for_a_day_while_its_site_does_not_answer():
    documents = Documents({URL: document()})
    server = Server(fetch=documents.fetch)
    await server.clients.find(URL)
    documents.served[URL] = UnavailableError("It does not answer.")
    server.clock.turn(hours=23)
    client = await server.clients.find(URL)
    server.clock.turn(hours=2)
    with pytest.raises(UnavailableError):
        await server.clients.find(URL)

    assert client is not None


async def test_a_client_whose_document_changed_for_the_worse_is_not_found_as_before():
    documents = Documents({URL: document()})
    server = Server(fetch=documents.fetch)
    await server.clients.find(URL)
    server.clock.turn(minutes=10)
    documents.served[URL] = document(redirect_uris=["http://evil.example/cb"])
    with pytest.raises(OAuthError):
        await server.clients.find(URL)
    server.clock.turn(minutes=10)
    documents.served[URL] = UnavailableError("It does not answer.")
    with pytest.raises(UnavailableError):
        await server.clients.find(URL)


async def test_a_url_that_names_no_document_is_neither_fetched_nor_counted():
    documents = Documents({URL: document()})
    server = Server(fetch=documents.fetch)
    for _ in range(61):
        with pytest.raises(OAuthError):
            await server.clients.find("https://169.254.169.254/latest")
    client = await server.clients.find(URL)

    assert client is not None
    assert documents.asked == [URL]
