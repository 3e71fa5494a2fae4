"""Connecting an account with a browser."""

import re
from datetime import timedelta

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, problem, saved

SLACK = "appmixer.slack.list.NewMessage"


async def ticket_of(client: Client) -> str:
    return str((await client.post("/auth/ticket")).raise_for_status().json()["ticket"])


async def url_of(client: Client, ticket: str, component_type: str = SLACK, **query: str) -> str:
    path = f"/auth/{component_type}/auth-url/{ticket}"
    return str((await client.get(path, params=query)).raise_for_status().json()["authUrl"])


async def test_opening_the_url_connects_an_account(ann: Client, visitor: Client) -> None:
    ticket = await ticket_of(ann)
    url = await url_of(ann, ticket)
    before = (await ann.get(f"/auth/status/{ticket}")).json()

    page = await visitor.get(url)

    after = (await ann.get(f"/auth/status/{ticket}")).json()
    accounts = (await ann.get("/accounts")).json()
    assert (before["finished"], before["accountId"]) == (False, None)
    assert page.status_code == 200
    assert (after["finished"], after["accountId"]) == (True, accounts[0]["accountId"])
    assert [(one["service"], one["name"]) for one in accounts] == [
        ("appmixer:slack", "Sandbox account")
    ]


async def test_a_ticket_begins_with_its_users_id(ann: Client) -> None:
    user_id = (await ann.get("/user")).json()["id"]

    assert (await ticket_of(ann)).startswith(f"{user_id}:")


async def test_the_page_says_what_it_is_and_tells_the_window_that_opened_it(
    ann: Client, visitor: Client
) -> None:
    ticket = await ticket_of(ann)

    page = await visitor.get(await url_of(ann, ticket))

    nonces = set(re.findall(r'nonce="([\w-]+)"', page.text))
    policy = page.headers["content-security-policy"]
    assert "nobody has signed in to appmixer:slack" in page.text
    assert f'postMessage("appmixer.auth.success.{ticket}"' in page.text
    assert "default-src 'none'" in policy
    assert [f"script-src 'nonce-{nonce}'" in policy for nonce in nonces] == [True]


async def test_what_went_wrong_is_shown_as_text_and_told(ann: Client, visitor: Client) -> None:
    ticket = await ticket_of(ann)
    url = (await url_of(ann, ticket)).replace("code=sandbox", "error=%3Cscript%3Ealert(1)")

    page = await visitor.get(url)

    status = (await ann.get(f"/auth/status/{ticket}")).json()
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert f"appmixer.auth.failure.{ticket}" in page.text
    assert (status["finished"], status["accountId"]) == (True, None)
    assert status["error"] == "<script>alert(1)"
    assert (await ann.get("/accounts")).json() == []


async def test_a_url_works_once_and_only_the_latest_one(ann: Client, visitor: Client) -> None:
    ticket = await ticket_of(ann)
    first, second = await url_of(ann, ticket), await url_of(ann, ticket)

    answers = [await visitor.get(url) for url in (first, second, second)]

    assert [answer.status_code for answer in answers] == [404, 200, 404]


async def test_a_url_is_good_for_an_hour(ann: Client, visitor: Client, clock: ManualClock) -> None:
    url = await url_of(ann, await ticket_of(ann))

    clock.turn(timedelta(hours=1))

    assert problem(await visitor.get(url))[0] == 404
    assert (await ann.get("/accounts")).json() == []


async def test_a_url_is_for_the_component_type_that_it_was_made_for(
    ann: Client, visitor: Client
) -> None:
    url = (await url_of(ann, await ticket_of(ann))).replace("slack", "github")

    assert problem(await visitor.get(url))[0] == 404


async def test_a_named_component_gets_the_account(ann: Client, visitor: Client) -> None:
    flow_id = await saved(ann, echo_flow())
    ticket = await ticket_of(ann)

    await visitor.get(await url_of(ann, ticket, componentId=TRIGGER))

    used = (await ann.get(f"/accounts/flow/{flow_id}")).json()
    assert [one["componentIds"] for one in used] == [[TRIGGER]]


async def test_a_service_id_is_connected_as_it_is(ann: Client, visitor: Client) -> None:
    await visitor.get(await url_of(ann, await ticket_of(ann), "acme:crm:deals"))

    assert [one["service"] for one in (await ann.get("/accounts")).json()] == ["acme:crm:deals"]


async def test_a_ticket_is_its_users_own(ann: Client, bob: Client) -> None:
    ticket = await ticket_of(ann)

    assert problem(await bob.get(f"/auth/status/{ticket}"))[0] == 404
    assert problem(await bob.get(f"/auth/{SLACK}/auth-url/{ticket}"))[0] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/auth/{SLACK}/callback", 400),
        (f"/auth/{SLACK}/callback?code=x", 404),
        (f"/auth/{SLACK}/callback?code=x&state=guess", 404),
        ("/auth/%3Cscript%3E/callback?error=x&state=guess", 404),
        (f"/auth/{'a' * 300}.b/callback?error=x", 404),
    ],
)
async def test_a_callback_that_nobody_waits_for_is_refused(
    visitor: Client, path: str, status: int
) -> None:
    assert problem(await visitor.get(path))[0] == status


async def test_a_component_that_is_nowhere_cannot_be_connected(ann: Client) -> None:
    ticket = await ticket_of(ann)

    answer = await ann.get(f"/auth/{SLACK}/auth-url/{ticket}", params={"componentId": "x"})

    assert problem(answer) == (404, "Component not found in any of your flows")
