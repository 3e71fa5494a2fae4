"""Signing in on the page, at a real sandbox tenant."""

import re

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import NotSignedInError, UnavailableError
from appmixer_mcp.oauth.attempts import AttemptLimits
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.state import MemoryState
from tests.oauth.browsing import (
    CALLBACK,
    ISSUER,
    PASSWORD,
    TENANT_URL,
    USERNAME,
    VERIFIER,
    Clock,
    Naps,
    Server,
    client_of,
    hidden,
    link,
    open_page,
    open_tenant,
    problem,
    way_back,
)


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory):
    """One for all: no test changes anything of it, and opening one takes time."""
    async with open_tenant(tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture
def server(tenant):
    async def open_client():
        return client_of(tenant)

    return Server(open_client=open_client)


async def caller(server, client_id, code):
    """Redeem a code and return whom its token stands for."""
    tokens = await server.grants.redeem(
        client_id, code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER, resources=[]
    )
    return await server.grants.caller_of(tokens.access_token.get_secret_value())


async def name_of(tenant, user):
    """Return whom the tenant takes a user's token for."""
    async with client_of(tenant) as client:
        client.set("access_token", user.appmixer_token.get_secret_value())
        found = await client.users.get_user()
        assert found.user_id == user.user_id
        return found.username


async def token_of_ann(tenant):
    async with client_of(tenant) as client:
        result = await client.users.authenticate_user(USERNAME, PASSWORD)
        return result.token.get_secret_value()


def answering(handle):
    """Return what opens a client of a tenant that answers in a way of its own."""

    async def open_client():
        return AppmixerClient(TENANT_URL, transport=httpx2.MockTransport(handle))

    return open_client


async def test_the_right_password_leads_back_with_a_code_for_that_user(
    server, tenant, client_id, page
):
    answer = await page.sign_in()

    target, given = way_back(answer)
    code = given.pop("code")
    found = await caller(server, client_id, code)
    assert (target, given) == (CALLBACK, {"state": "s t&a=te", "iss": ISSUER})
    assert await name_of(tenant, found.user) == USERNAME
    assert found.user.token_expires_at is not None
    assert server.outcomes == ["signed_in"]


async def test_an_access_token_leads_back_with_a_code_for_its_user(server, tenant, client_id, page):
    token = await token_of_ann(tenant)

    answer = await page.bring_token(f" Bearer {token}\n")

    found = await caller(server, client_id, way_back(answer)[1]["code"])
    assert await name_of(tenant, found.user) == USERNAME
    assert found.user.appmixer_token == SecretStr(token)


@pytest.mark.parametrize(
    "token", ["nonsense", "a b", "ä", "Bearer ", "x" * 20_000, "eyJhbGciOiJub25lIn0.e30."]
)
async def test_a_bad_access_token_is_refused_and_not_shown_again(page, token):
    answer = await page.bring_token(token)

    assert answer.status_code == 403
    assert "did not accept" in problem(answer)
    assert "<details open>" in answer.text
    assert token not in answer.text.replace("Bearer token", "")


async def test_an_unknown_user_and_a_wrong_password_are_answered_alike(server, page):
    wrong = await page.sign_in(password="not-the-password")
    unknown = await page.sign_in(username="eve@example.com")

    one, other = (
        re.sub(r'nonce[-=]"?[\w-]+|value="[^"]*@[^"]*"', "", str([a.text, a.headers.multi_items()]))
        for a in (wrong, unknown)
    )
    assert wrong.status_code == unknown.status_code == 403
    assert one == other
    assert server.outcomes == ["refused", "refused"]


async def test_no_refusal_comes_sooner_than_another(tenant):
    clock = Clock()
    took_s = iter([0.05, 0.3])

    async def open_client():
        clock.turn(seconds=next(took_s))
        return client_of(tenant)

    naps = Naps()
    sign_in = SignIn(open_client, tenant="acme", clock=clock.seconds, sleep=naps)
    for username in ("eve@example.com", USERNAME):
        with pytest.raises(NotSignedInError):
            await sign_in.with_password(username, SecretStr("not-the-password"))

    assert naps.asked_s == pytest.approx([0.45, 0.2])


async def test_a_wrong_password_leaves_the_page_usable_and_the_name_typed(page):
    wrong = await page.sign_in(password="not-the-password")
    right = await page.sign_in()

    assert hidden(wrong) == page.pending_id
    assert f'value="{USERNAME}"' in wrong.text
    assert "not-the-password" not in wrong.text
    assert "code" in way_back(right)[1]


async def test_a_page_signs_in_once_even_when_its_form_is_sent_several_times_at_once(page):
    answers = []

    async def send():
        answers.append(await page.sign_in())

    async with anyio.create_task_group() as group:
        group.start_soon(send)
        group.start_soon(send)

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert sum("code=" in answer.headers.get("refresh", "") for answer in answers) == 1


async def test_two_pages_of_one_browser_do_not_disturb_each_other(browser, client_id):
    one = await open_page(browser, link(client_id, state="one"))
    other = await open_page(browser, link(client_id, state="other"))

    answers = [await one.sign_in(), await other.sign_in()]

    assert [way_back(answer)[1]["state"] for answer in answers] == ["one", "other"]


async def test_a_form_from_the_page_itself_is_taken(page):
    page.browser.headers.update({"origin": ISSUER, "sec-fetch-site": "same-origin"})

    assert "code" in way_back(await page.sign_in())[1]


async def test_while_appmixer_is_down_nothing_is_lost(tenant):
    is_down = True

    async def open_client():
        if is_down:
            raise UnavailableError("The tenant at 10.0.0.7 does not answer.")
        return client_of(tenant)

    server = Server(open_client=open_client)
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        down = await page.sign_in()
        is_down = False
        up = await page.sign_in()

    assert down.status_code == 503
    assert "Nothing was lost" in problem(down)
    assert "10.0.0.7" not in down.text
    assert "code" in way_back(up)[1]
    assert server.naps.asked_s == [0, 0]
    assert server.outcomes == ["unavailable", "signed_in"]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (httpx2.Response(200, json={"mfaRequired": True}), 502, "second factor"),
        (httpx2.Response(200, text="<html>", headers={"content-type": "text/html"}), 502, "single"),
        (httpx2.Response(500, json={"message": "secret of theirs"}), 503, "Nothing was lost"),
        (httpx2.Response(429, headers={"retry-after": "90"}), 503, "Nothing was lost"),
        (httpx2.Response(400, json={"message": "no such user"}), 403, "did not accept"),
        (httpx2.Response(403, json={"message": "User not found."}), 403, "did not accept"),
    ],
)
async def test_whatever_else_the_tenant_answers_is_said_plainly(answer, status, said):
    server = Server(open_client=answering(lambda _: answer))
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        shown = await page.sign_in()

    assert shown.status_code == status
    assert said in problem(shown)
    assert hidden(shown) == page.pending_id
    assert "secret of theirs" not in shown.text


async def test_a_user_who_may_not_sign_in_any_more_is_refused():
    user = {"id": "u" * 24, "username": USERNAME, "isActive": False}
    server = Server(open_client=answering(lambda _: httpx2.Response(200, json=user)))
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        shown = await page.bring_token("t")

    assert shown.status_code == 403


async def test_a_code_that_cannot_be_stored_leaves_the_page_usable(tenant):
    class Shaky(MemoryState):
        fails = False

        async def put(self, key, value, *, ttl_s):
            if self.fails and "pending" not in key:
                raise UnavailableError("Redis does not answer.")
            await super().put(key, value, ttl_s=ttl_s)

    async def open_client():
        return client_of(tenant)

    state = Shaky()
    server = Server(state=state, open_client=open_client)
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        state.fails = True
        lost = await page.sign_in()
        state.fails = False
        back = await page.sign_in()

    assert lost.status_code == 503
    assert "code" in way_back(back)[1]


async def test_the_page_waits_longer_with_each_failure_until_the_right_password(server, page):
    for _ in range(7):
        await page.sign_in(password="wrong")
    await page.sign_in()

    delays_s = server.naps.asked_s[::2]
    assert delays_s == [0, 0.5, 1, 2, 4, 8, 10, 10]


async def test_an_address_that_guesses_has_to_wait_and_is_told_how_long(tenant):
    async def open_client():
        return client_of(tenant)

    server = Server(open_client=open_client, limits=AttemptLimits(from_address=1))
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        await page.sign_in(password="wrong")
        answer = await page.sign_in()

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 600
    assert "Try again in" in problem(answer)
    assert server.outcomes == ["refused", "limited"]


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
async def test_many_attempts_at_once_lock_nobody_out_and_sign_nobody_in(tenant, count):
    clock = Clock()

    async def open_client():
        return client_of(tenant)

    server = Server(clock=clock, open_client=open_client)
    client_id = await server.register()
    guesses, answers = [], []

    async def guess(number):
        async with server.browser(f"198.51.{number // 250 % 250}.{number % 5}") as attacker:
            page = await open_page(attacker, link(client_id))
            guesses.append(await page.sign_in(password=f"guess-{number}"))

    async def sign_in():
        """Do what a patient person does: try again when the page says so."""
        async with server.browser("203.0.113.7") as browser:
            page = await open_page(browser, link(client_id))
            answer = await page.sign_in()
            while answer.status_code == 429:
                clock.turn(seconds=int(answer.headers["retry-after"]))
                answer = await page.sign_in()
            return answer

    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(guess, number)
        answers.append(await sign_in())

    (answer,) = answers
    found = await caller(server, client_id, way_back(answer)[1]["code"])
    assert await name_of(tenant, found.user) == USERNAME
    assert len(guesses) == count
    assert {guess.status_code for guess in guesses} == {403, 429}
    assert server.outcomes.count("signed_in") == 1
