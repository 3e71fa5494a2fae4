"""What a client asks for at /authorize, before anybody signs in."""

import re

import pytest

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth.attempts import AttemptLimits
from appmixer_mcp.oauth.client_documents import FetchedDocument
from tests.oauth.browsing import (
    CALLBACK,
    CHALLENGE,
    DOCUMENT,
    ISSUER,
    LostState,
    Server,
    link,
    offered_way_back,
    problem,
    way_back,
)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        CALLBACK + "/",
        CALLBACK.replace("https", "http"),
        CALLBACK + "?next=https://evil.example",
        CALLBACK.replace("assistant", "Assistant"),
        "https://assistant.example.evil.example/callback",
        "https://user@assistant.example/callback",
        "javascript:alert(1)",
    ],
)
async def test_an_address_that_was_not_registered_gets_a_page_and_no_redirect(
    browser, client_id, redirect_uri
):
    answer = await browser.get(link(client_id, redirect_uri=redirect_uri))

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers
    assert redirect_uri not in answer.text
    assert "did not register" in problem(answer)


@pytest.mark.parametrize("client_id", ["client-unknown", "", "client-" + "A" * 22])
async def test_an_unknown_client_gets_a_page_and_no_redirect(browser, client_id):
    answer = await browser.get(link(client_id))

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "does not know the program" in problem(answer)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_a_client_or_address_named_twice_gets_a_page(browser, client_id, name):
    value = client_id if name == "client_id" else CALLBACK

    answer = await browser.get(f"{link(client_id)}&{name}={value}")

    assert answer.status_code == 400
    assert "twice" in problem(answer)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": ISSUER + ".evil.example"}, "invalid_target"),
        ({"resource": ISSUER + "/mcp#part"}, "invalid_target"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://assistant.example/r"}, "request_uri_not_supported"),
    ],
)
async def test_a_mistake_is_told_to_the_client_with_its_state_and_our_name(
    server, browser, parameters, error
):
    callback = "http://localhost:51234/callback"
    client_id = await server.register("http://localhost/callback")

    answer = await browser.get(link(client_id, redirect_uri=callback, **parameters))

    target, told = way_back(answer)
    assert answer.status_code == 302
    assert target == callback
    assert told.pop("error_description")
    assert told == {"error": error, "state": "s t&a=te", "iss": ISSUER}


@pytest.mark.parametrize("callback", [CALLBACK, "cursor://a/cb"])
async def test_a_link_with_a_mistake_leads_nowhere_until_the_person_follows_it(
    server, browser, callback
):
    client_id = await server.register(callback)

    answer = await browser.get(link(client_id, redirect_uri=callback, response_type="token"))

    target, told = offered_way_back(answer)
    assert answer.status_code == 400
    assert target == callback
    assert (told["error"], told["iss"]) == ("unsupported_response_type", ISSUER)


async def test_a_link_that_would_fill_the_store_is_refused(browser, client_id):
    answer = await browser.get(link(client_id, state="s" * 9_000))

    assert answer.status_code == 400
    assert "too long" in problem(answer)


@pytest.mark.parametrize("name", ["scope", "state", "code_challenge", "response_type", "unknown"])
async def test_a_repeated_parameter_is_a_mistake(browser, client_id, name):
    answer = await browser.get(f"{link(client_id, scope='a', unknown='a')}&{name}=x")

    target, told = offered_way_back(answer)
    assert target == CALLBACK
    assert told["error"] == "invalid_request"
    assert ("state" in told) == (name != "state")


@pytest.mark.parametrize(
    "parameters",
    [
        {"scope": "openid offline_access admin:everything"},
        {"scope": ""},
        {"state": None},
        {"redirect_uri": None},
        {"resource": ISSUER},
        {"resource": f"{ISSUER}/"},
        {"resource": f"{ISSUER}/mcp"},
        {"unknown": "x", "prompt": "consent"},
        {"response_mode": "query"},
    ],
)
async def test_what_is_lenient_gets_the_sign_in_page(browser, client_id, parameters):
    answer = await browser.get(link(client_id, **parameters))

    assert answer.status_code == 200
    assert "Sign in and allow" in answer.text


async def test_the_resource_alone_may_be_named_several_times(browser, client_id):
    answer = await browser.get(f"{link(client_id, resource=ISSUER)}&resource={ISSUER}/mcp")

    assert answer.status_code == 200


async def test_every_address_in_the_metadata_is_answered(browser):
    found = (await browser.get("/.well-known/oauth-authorization-server")).json()

    for name in ("token_endpoint", "registration_endpoint", "revocation_endpoint"):
        assert (await browser.get(found[name])).status_code == 405
    assert (await browser.get(found["authorization_endpoint"])).status_code == 400
    for path in ("", "/mcp", "/sse"):
        resource = await browser.get(f"/.well-known/oauth-protected-resource{path}")
        assert resource.json()["authorization_servers"] == [found["issuer"]] == [ISSUER]


async def test_an_address_may_not_be_left_out_where_there_are_two(server, browser):
    client_id = await server.register(CALLBACK, CALLBACK + "/2")

    answer = await browser.get(link(client_id, redirect_uri=None))

    assert answer.status_code == 400
    assert "where to go" in problem(answer)


async def test_an_answer_keeps_the_query_that_was_registered(server, browser):
    client_id = await server.register(f"{CALLBACK}?tenant=7;8")

    answer = await browser.get(
        link(client_id, redirect_uri=f"{CALLBACK}?tenant=7;8", response_type="token")
    )

    assert f'href="{CALLBACK}?tenant=7;8&amp;error=' in answer.text


@pytest.mark.parametrize(
    ("redirect_uri", "asked", "shown"),
    [
        (CALLBACK, CALLBACK, "assistant.example"),
        (f"{CALLBACK}:8443/x".replace("/callback:8443", ":8443"), None, "assistant.example:8443"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", "this computer"),
        ("http://localhost:3000/cb", "http://localhost:51234/cb", "this computer"),
        ("http://[::1]/cb", "http://[::1]:51234/cb", "this computer"),
        ("cursor://anysphere.cursor/cb", None, "the application on this device that opens cursor:"),
    ],
)
async def test_the_page_says_where_the_answer_goes(server, browser, redirect_uri, asked, shown):
    client_id = await server.register(redirect_uri)

    answer = await browser.get(link(client_id, redirect_uri=asked or redirect_uri))

    assert f'<strong class="host">{shown}' in answer.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("Cla\u200bude\u202e gpj", "Claude gpj"),
        ("A\n\n\n B", "A B"),
        ("W" * 5_000, "W" * 80 + "<"),
        ("\u200b\u2800", "A program without a name"),
    ],
)
async def test_a_stranger_s_name_is_shown_as_text_visible_and_short(server, browser, name, shown):
    client_id = await server.register(client_name=name)

    page = (await browser.get(link(client_id))).text

    assert shown in page
    assert "<script" not in page
    assert "W" * 81 not in page


async def test_a_registered_client_is_called_unverified(browser, client_id):
    page = (await browser.get(link(client_id))).text

    assert "Unverified" in page
    assert "Verified:" not in page


async def test_a_client_with_a_metadata_document_is_shown_with_the_host_that_serves_it():
    async def fetch(url):
        body = f'{{"client_id": "{url}", "client_name": "App", "redirect_uris": ["{CALLBACK}"]}}'
        return FetchedDocument(body=body.encode(), max_age_s=0)

    async with Server(fetch=fetch).browser() as browser:
        page = (await browser.get(link(DOCUMENT))).text

    assert 'Verified: published by <strong class="host">app.example</strong>' in page
    assert "Unverified" not in page


async def test_a_metadata_document_that_cannot_be_read_now_gets_a_page_to_reload():
    async def fetch(url):
        raise UnavailableError("app.example does not answer")

    async with Server(fetch=fetch).browser() as browser:
        answer = await browser.get(link(DOCUMENT))

    assert answer.status_code == 503
    assert "reload" in problem(answer)
    assert int(answer.headers["retry-after"]) > 0


async def test_the_page_says_which_tenant_one_signs_in_to():
    server = Server(tenant="api.acme.example")
    async with server.browser() as browser:
        page = (await browser.get(link(await server.register()))).text

    assert "at <strong>api.acme.example</strong>" in page


async def test_no_other_site_frames_caches_or_feeds_the_page(browser, client_id):
    answer = await browser.get(link(client_id))

    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    (nonce,) = re.findall(r'<style nonce="([^"]+)">', answer.text)
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": "data:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert nonce not in (await browser.get(link(client_id))).text


@pytest.mark.parametrize(
    ("issuer", "cookie"),
    [
        (ISSUER, "__Host-appmixer-sign-in={}; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure"),
        (
            "http://localhost:8000",
            "appmixer-sign-in={}; HttpOnly; Max-Age=600; Path=/; SameSite=lax",
        ),
    ],
)
async def test_the_cookie_is_as_strict_as_the_address_allows(issuer, cookie):
    server = Server(issuer=issuer)
    async with server.browser() as browser:
        answer = await browser.get(link(await server.register()))

    value = next(iter(browser.cookies.values()))
    assert answer.headers["set-cookie"] == cookie.format(value)
    assert value not in answer.text


async def test_an_address_that_opens_pages_without_end_has_to_wait():
    server = Server(limits=AttemptLimits(pages_for_address=2))
    address = link(await server.register())
    async with server.browser("203.0.113.7") as one, server.browser("203.0.113.8") as other:
        seen = [(await one.get(address)).status_code for _ in range(3)]
        refused = await one.get(address)
        elsewhere = await other.get(address)

    assert seen == [200, 200, 429]
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert elsewhere.status_code == 200


async def test_without_the_shared_state_there_is_a_page_that_says_to_come_back():
    async with Server(state=LostState()).browser() as browser:
        answer = await browser.get(link("client-" + "A" * 22))

    assert answer.status_code == 503
    assert "10.0.0.8" not in answer.text
