"""Copies of flows."""

import json
from typing import Any

import pytest

from tests.sandbox.routes.conftest import (
    STEP,
    TRIGGER,
    Client,
    echo_flow,
    failing_flow,
    problem,
    saved,
)


async def cloned(client: Client, flow_id: str, **options: Any) -> dict[str, Any]:
    answer = await client.post(f"/flows/{flow_id}/clone", json=options)
    copy_id = answer.raise_for_status().json()["cloneId"]
    copy: dict[str, Any] = (await client.get(f"/flows/{copy_id}")).json()
    return copy


async def account(client: Client) -> str:
    body = {"service": "appmixer:slack", "token": {"accessToken": "x"}}
    return str((await client.post("/accounts", json=body)).json()["accountId"])


READABLE = [{"email": "bob@example.com", "permissions": ["read"]}]


async def test_a_copy_has_the_same_flow_under_fresh_ids(ann: Client) -> None:
    sent = {"name": "A", "flow": failing_flow(), "customFields": {"a": 1}}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]

    copy = await cloned(ann, flow_id)

    text = json.dumps(copy["flow"])
    ids = copy["componentIdMap"]
    assert copy["name"] == "Copy of A"
    assert copy["customFields"] == {"a": 1}
    assert copy["stage"] == "stopped"
    assert TRIGGER not in text
    assert STEP not in text
    assert text == json.dumps(failing_flow()).replace(TRIGGER, ids[TRIGGER]).replace(
        STEP, ids[STEP]
    )


async def test_a_copy_follows_its_options(ann: Client) -> None:
    sent = {"name": "A", "flow": echo_flow(), "thumbnail": "data:,x", "description": "D"}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]

    copy = await cloned(
        ann, flow_id, prefix="New ", projection="-thumbnail", setOriginFlowId=True,
        setComponentIdMap=False,
        additional={"type": "integration-template", "wizard": {"fields": []}},
    )  # fmt: skip

    assert copy["name"] == "New A"
    assert copy["description"] == "D"
    assert copy["originFlowId"] == flow_id
    assert (copy["type"], copy["wizard"]) == ("integration-template", {"fields": []})
    assert not {"thumbnail", "componentIdMap"} & set(copy)


async def test_a_copy_of_a_copy_tells_its_own_ids(ann: Client) -> None:
    first = await cloned(ann, await saved(ann, echo_flow()))

    plain = await cloned(ann, first["flowId"], setComponentIdMap=False)
    second = await cloned(ann, first["flowId"])

    assert set(second["componentIdMap"]) == set(first["flow"])
    assert "componentIdMap" not in plain


async def test_a_copy_is_shared_as_the_original_unless_told_otherwise(ann: Client) -> None:
    sent = {"flow": echo_flow(), "sharedWith": READABLE}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]
    others = [{"scope": "user", "permissions": ["start"]}]

    assert (await cloned(ann, flow_id))["sharedWith"] == READABLE
    assert (await cloned(ann, flow_id, projection="-sharedWith"))["sharedWith"] == []
    shared_anew = await cloned(ann, flow_id, additional={"sharedWith": others})
    assert shared_anew["sharedWith"] == others


async def test_a_copy_uses_the_accounts_of_the_original_when_asked_to(ann: Client) -> None:
    flow_id, account_id = await saved(ann, echo_flow()), await account(ann)
    await ann.put(f"/auth/component/{TRIGGER}/{account_id}")

    connected = await cloned(ann, flow_id, connectAccounts=True)
    await cloned(ann, flow_id)

    used = (await ann.get(f"/accounts/{account_id}/flows")).json()
    assert {flow["flowId"] for flow in used} == {flow_id, connected["flowId"]}


async def test_a_flow_that_is_shared_for_reading_is_copied_without_what_is_not_the_readers(
    ann: Client, bob: Client
) -> None:
    sent = {"name": "A", "flow": echo_flow(), "sharedWith": READABLE}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]
    await ann.put(f"/auth/component/{TRIGGER}/{await account(ann)}")

    copy = await cloned(bob, flow_id)
    with_accounts = await bob.post(f"/flows/{flow_id}/clone", json={"connectAccounts": True})

    assert copy["userId"] == (await bob.get("/user")).json()["id"]
    assert copy["sharedWith"] == []
    assert (await bob.get(f"/accounts/flow/{copy['flowId']}")).json() == []
    assert problem(with_accounts)[0] == 403


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": 1},
        {"connectAccounts": "perhaps"},
        {"additional": {"type": "unknown"}},
        {"additional": {"sharedWith": [{}]}},
    ],
)
async def test_options_that_make_no_sense_copy_nothing(
    ann: Client, options: dict[str, Any]
) -> None:
    flow_id = await saved(ann, echo_flow())

    answer = await ann.post(f"/flows/{flow_id}/clone", json=options)

    assert problem(answer)[0] == 400
    assert (await ann.get("/flows/count")).json() == {"count": 1}
