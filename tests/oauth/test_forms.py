"""Forms of the sign-in page that reach nobody at the tenant: cancelled, forged, old or broken."""

import pytest

from tests.oauth.browsing import (
    CALLBACK,
    ISSUER,
    PASSWORD,
    USERNAME,
    Clock,
    Server,
    hidden,
    link,
    open_page,
    problem,
    way_back,
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"with": "password"},
        {"with": "password", "username": USERNAME},
        {"with": "password", "username": "  ", "password": PASSWORD},
        {"with": "token", "token": ""},
        {"with": "magic"},
    ],
)
async def test_what_was_left_empty_is_asked_for(page, fields):
    answer = await page.send(**fields)

    assert answer.status_code == 400
    assert problem(answer).startswith("Enter ")
    assert hidden(answer) == page.pending_id


async def test_cancelling_leads_back_and_ends_the_page(server, page):
    answer = await page.cancel()
    afterwards = await page.sign_in()

    target, told = way_back(answer)
    assert target == CALLBACK
    assert told.pop("error_description")
    assert told == {"error": "access_denied", "state": "s t&a=te", "iss": ISSUER}
    assert afterwards.status_code == 400
    assert server.outcomes == ["cancelled"]


@pytest.mark.parametrize("has_cookie", [True, False])
async def test_a_page_that_another_browser_was_given_signs_nobody_in(
    server, client_id, page, has_cookie
):
    async with server.browser() as victim:
        if has_cookie:
            await victim.get(link(client_id))
        page.browser = victim
        answer = await page.sign_in()

    assert answer.status_code == 400
    assert "another browser" in problem(answer)
    assert server.outcomes == []


async def test_a_page_is_good_for_ten_minutes():
    clock = Clock()
    server = Server(clock=clock)
    async with server.browser() as browser:
        page = await open_page(browser, link(await server.register()))
        clock.turn(seconds=601)
        answer = await page.cancel()

    assert answer.status_code == 400
    assert "too old" in problem(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ISSUER + ".evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_from_another_site_is_refused(server, page, headers):
    page.browser.headers.update(headers)

    answer = await page.sign_in()

    assert answer.status_code == 403
    assert "own page" in problem(answer)
    assert server.outcomes == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"request": "x"}', "application/json"),
        (b"request=x&request=y", "application/x-www-form-urlencoded"),
        (b"request=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(30)), "application/x-www-form-urlencoded"),
        (b"password=%ff", "application/x-www-form-urlencoded"),
        (b"password=\xff", "application/x-www-form-urlencoded"),
    ],
)
async def test_what_the_page_never_sends_is_refused(browser, content, kind):
    answer = await browser.post("/authorize", content=content, headers={"content-type": kind})

    assert answer.status_code == 400
    assert problem(answer)
