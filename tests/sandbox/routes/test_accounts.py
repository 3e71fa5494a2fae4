"""Accounts of other services, and which components use them."""

from typing import Any

import pytest

from tests.sandbox.routes.conftest import TRIGGER, Client, echo_flow, problem, saved, started

SLACK = "appmixer:slack"
NEW_MESSAGE = "33333333-3333-4333-8333-333333333333"


def slack_flow() -> dict[str, Any]:
    return echo_flow() | {NEW_MESSAGE: {"type": "appmixer.slack.list.NewMessage"}}


async def new_account(client: Client, **body: Any) -> str:
    body = {"service": SLACK, "token": {"accessToken": "s3cret"}, "name": "Ann", **body}
    answer = await client.post("/accounts", json=body)
    return str(answer.raise_for_status().json()["accountId"])


async def test_no_answer_ever_holds_a_token(ann: Client) -> None:
    body = {
        "service": SLACK,
        "token": {"accessToken": "s3cret"},
        "name": "Ann",
        "profileInfo": {"email": "ann@example.com"},
    }

    created = await ann.post("/accounts?validateScope=false&requestProfileInfo=false", json=body)

    account_id = created.json()["accountId"]
    answers = [
        created,
        await ann.get("/accounts"),
        await ann.get(f"/accounts/{account_id}"),
        await ann.get("/auth/appmixer.slack.list.NewMessage"),
        await ann.post(f"/accounts/{account_id}/test"),
    ]
    assert not any("s3cret" in answer.text for answer in answers)
    assert created.json()["profileInfo"] == {"email": "ann@example.com"}
    assert created.json()["revoked"] is False
    assert answers[2].json()["valid"] is True
    assert answers[4].json() == {account_id: "valid"}


async def test_an_account_of_the_same_service_and_name_is_replaced(ann: Client) -> None:
    first = await new_account(ann, displayName="Mine")

    second = await new_account(ann, profileInfo={"id": 1})

    listed = (await ann.get("/accounts")).json()
    assert first == second
    assert [(one["displayName"], one["profileInfo"]) for one in listed] == [("Mine", {"id": 1})]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"profileInfo": {"email": "a@example.com", "name": "Ann"}}, "a@example.com"),
        ({"token": {"username": "ann", "password": "x"}}, "ann"),
        ({"profileInfo": {"email": 5}}, SLACK),
        ({}, SLACK),
    ],
)
async def test_an_account_without_a_name_is_named_after_its_owner(
    ann: Client, body: dict[str, Any], name: str
) -> None:
    await new_account(ann, name=None, **body)

    assert [one["name"] for one in (await ann.get("/accounts")).json()] == [name]


@pytest.mark.parametrize(
    "body",
    [
        {"service": SLACK},
        {"token": {}},
        {"service": "slack", "token": {}},
        {"service": "a:b:c:d", "token": {}},
        {"service": SLACK, "token": "s3cret"},
        {"service": SLACK, "token": {}, "name": " "},
    ],
)
async def test_an_account_that_lacks_something_is_refused_without_its_token(
    ann: Client, body: dict[str, Any]
) -> None:
    answer = await ann.post("/accounts", json=body)

    assert problem(answer)[0] == 400
    assert "s3cret" not in answer.text
    assert (await ann.get("/accounts")).json() == []


async def test_accounts_are_filtered_by_a_service_with_a_colon(ann: Client) -> None:
    slack = await new_account(ann)
    await new_account(ann, service="appmixer:aws")

    found = (await ann.get("/accounts?filter=service:!appmixer:aws")).json()

    assert [one["accountId"] for one in found] == [slack]


async def test_an_account_gets_another_display_name(ann: Client) -> None:
    account_id = await new_account(ann)

    answer = await ann.put(f"/accounts/{account_id}", json={"displayName": "Work"})

    assert answer.status_code == 200
    assert (await ann.get(f"/accounts/{account_id}")).json()["displayName"] == "Work"
    assert problem(await ann.put(f"/accounts/{account_id}", json={}))[0] == 400


async def test_a_component_is_bound_to_an_account_and_loosed_again(ann: Client) -> None:
    account_id, flow_id = await new_account(ann), await saved(ann, slack_flow())

    bound = await ann.put(f"/auth/component/{NEW_MESSAGE}/{account_id}")

    assert bound.json() == {"componentId": NEW_MESSAGE, "accountId": account_id}
    assert (await ann.get(f"/accounts/{account_id}/flows")).json() == [
        {"flowId": flow_id, "name": "Flow"}
    ]
    usable = (await ann.get(f"/accounts/flow/{flow_id}")).json()
    assert [(one["accountId"], one["componentIds"]) for one in usable] == [
        (account_id, [NEW_MESSAGE])
    ]

    await ann.delete(f"/auth/component/{NEW_MESSAGE}")

    assert (await ann.get(f"/accounts/{account_id}/flows")).json() == []
    assert (await ann.get(f"/accounts/flow/{flow_id}")).json() == []


async def test_loosing_another_account_leaves_the_bound_one(ann: Client) -> None:
    account_id, flow_id = await new_account(ann), await saved(ann, slack_flow())
    await ann.put(f"/auth/component/{NEW_MESSAGE}/{account_id}")

    await ann.delete(f"/auth/component/{NEW_MESSAGE}/another")
    kept = (await ann.get(f"/accounts/flow/{flow_id}")).json()
    await ann.delete(f"/auth/component/{NEW_MESSAGE}/{account_id}")

    assert len(kept) == 1
    assert (await ann.get(f"/accounts/flow/{flow_id}")).json() == []


@pytest.mark.parametrize("component_type", ["appmixer.slack.list.NewMessage", SLACK])
async def test_a_component_type_can_use_the_accounts_of_its_service(
    ann: Client, component_type: str
) -> None:
    account_id, _ = await new_account(ann), await new_account(ann, service="appmixer:aws")
    await saved(ann, slack_flow())
    await ann.put(f"/auth/component/{NEW_MESSAGE}/{account_id}")

    answer = await ann.get(f"/auth/{component_type}", params={"componentId": NEW_MESSAGE})
    other = await ann.get(f"/auth/{component_type}", params={"componentId": TRIGGER})

    accounts = answer.json()["auth"]["accounts"]
    assert list(accounts) == [account_id]
    assert accounts[account_id]["componentAssigned"] is True
    assert other.json()["auth"]["accounts"][account_id]["componentAssigned"] is False


async def test_the_authentication_of_a_flow_names_components_and_services(ann: Client) -> None:
    account_id, flow_id = await new_account(ann), await saved(ann, slack_flow())

    shown = (await ann.get(f"/auth/flow/{flow_id}")).json()

    assert list(shown["components"]) == [NEW_MESSAGE]
    assert list(shown["components"][NEW_MESSAGE]["accounts"]) == [account_id]
    assert list(shown["services"]) == [SLACK]


async def test_only_a_component_of_a_saved_flow_can_be_bound(ann: Client) -> None:
    account_id = await new_account(ann)
    await saved(ann, echo_flow())

    no_component = await ann.put(f"/auth/component/{NEW_MESSAGE}/{account_id}")
    no_account = await ann.put(f"/auth/component/{TRIGGER}/unknown")

    assert problem(no_component) == (404, "Component not found in any of your flows")
    assert problem(no_account) == (404, "Account not found.")


async def test_deleting_an_account_stops_the_flows_that_use_it(ann: Client) -> None:
    account_id = await new_account(ann)
    using, other = await started(ann, echo_flow()), await started(ann, {"x": echo_flow()[TRIGGER]})
    await ann.put(f"/auth/component/{TRIGGER}/{account_id}")

    await ann.delete(f"/accounts/{account_id}")

    stages = [(await ann.get(f"/flows/{one}")).json()["stage"] for one in (using, other)]
    assert stages == ["stopped", "running"]
    assert problem(await ann.get(f"/accounts/{account_id}"))[0] == 404
    assert problem(await ann.delete(f"/accounts/{account_id}"))[0] == 404


async def test_a_copy_of_a_flow_can_keep_its_accounts(ann: Client) -> None:
    account_id, flow_id = await new_account(ann), await saved(ann, slack_flow())
    await ann.put(f"/auth/component/{NEW_MESSAGE}/{account_id}")

    kept = await ann.post(f"/flows/{flow_id}/clone", json={"connectAccounts": True})
    bare = await ann.post(f"/flows/{flow_id}/clone")

    used = (await ann.get(f"/accounts/{account_id}/flows")).json()
    assert {one["flowId"] for one in used} == {flow_id, kept.json()["cloneId"]}
    assert bare.json()["cloneId"] not in {one["flowId"] for one in used}
