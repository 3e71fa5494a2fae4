"""Flows that their owners share with others."""

from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import (
    TRIGGER,
    Client,
    Connect,
    echo_flow,
    failing_flow,
    problem,
    saved,
    started,
)

TO_BOB = {"email": "Bob@Example.com"}


async def shared(
    ann: Client,
    *permissions: str,
    recipient: dict[str, str] = TO_BOB,
    descriptor: dict[str, Any] | None = None,
) -> str:
    """Save a flow of Ann's that is shared for this, and return its id."""
    body = {
        "name": "Shared",
        "flow": descriptor or echo_flow(),
        "description": "all about it",
        "sharedWith": [{**recipient, "permissions": list(permissions)}],
    }
    return str((await ann.post("/flows", json=body)).raise_for_status().json()["flowId"])


async def statuses(client: Client, flow_id: str) -> dict[str, int]:
    """Return what becomes of each kind of use of a flow."""
    uses = {
        "get": ("GET", "", None),
        "start": ("POST", "/coordinator", {"command": "start"}),
        "stop": ("POST", "/coordinator", {"command": "stop"}),
        "update": ("PUT", "", {"name": "stolen"}),
        "delete": ("DELETE", "", None),
        "validate": ("GET", "/validate", None),
        "versions": ("GET", "/versions", None),
    }
    return {
        use: (await client.request(method, f"/flows/{flow_id}{path}", json=body)).status_code
        for use, (method, path, body) in uses.items()
    }


@pytest.mark.parametrize(
    ("permissions", "permitted"),
    [
        (["read"], {"get"}),
        (["start"], {"start"}),
        (["stop"], {"stop"}),
        (["read", "start", "stop"], {"get", "start", "stop"}),
        ([], set[str]()),
    ],
)
async def test_a_recipient_does_what_is_permitted_and_nothing_else(
    ann: Client, bob: Client, permissions: list[str], permitted: set[str]
) -> None:
    flow_id = await shared(ann, *permissions)

    found = await statuses(bob, flow_id)

    assert {use for use, status in found.items() if status == 200} == permitted
    assert {status for status in found.values() if status != 200} == {403}
    assert (await ann.get(f"/flows/{flow_id}")).json()["name"] == "Shared"


async def test_who_a_flow_is_not_shared_with_knows_nothing_of_it(
    ann: Client, connect: Connect
) -> None:
    flow_id = await shared(ann, "read", "start", "stop")
    carol = connect("carol@example.com")

    assert set((await statuses(carol, flow_id)).values()) == {404}
    assert (await carol.get("/flows")).json() == []


@pytest.mark.parametrize(
    ("recipient", "reached"),
    [
        ({"domain": "Example.com"}, True),
        ({"domain": "@example.com"}, True),
        ({"domain": "other.com"}, False),
        ({"domain": "ample.com"}, False),
        ({"scope": "user"}, True),
        ({"scope": "admin"}, False),
        ({"email": "bob@example.co"}, False),
    ],
)
async def test_a_flow_is_shared_by_address_domain_or_scope(
    ann: Client, bob: Client, recipient: dict[str, str], *, reached: bool
) -> None:
    flow_id = await shared(ann, "read", recipient=recipient)

    assert (await bob.get(f"/flows/{flow_id}")).status_code == (200 if reached else 404)


async def test_an_administrator_reaches_what_is_shared_with_that_scope(
    ann: Client, root: Client
) -> None:
    flow_id = await shared(ann, "read", recipient={"scope": "admin"})

    assert (await root.get(f"/flows/{flow_id}")).status_code == 200


async def test_a_recipient_sees_only_the_entries_about_them(ann: Client, bob: Client) -> None:
    mine = {"email": "bob@example.com", "permissions": ["read"]}
    other = {"email": "carol@example.com", "permissions": ["start"]}
    sent = {"flow": echo_flow(), "sharedWith": [other, mine]}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]

    assert (await ann.get(f"/flows/{flow_id}")).json()["sharedWith"] == [other, mine]
    assert (await bob.get(f"/flows/{flow_id}")).json()["sharedWith"] == [mine]
    assert [flow["sharedWith"] for flow in (await bob.get("/flows")).json()] == [[mine]]


async def test_shared_flows_are_listed_unless_one_asks_for_ones_own(
    ann: Client, bob: Client
) -> None:
    flow_id, own_id = await shared(ann, "read"), await saved(bob, {})
    bob_id = (await bob.get("/user")).json()["id"]

    listed = (await bob.get("/flows", params={"sort": "name:1"})).json()
    own = (await bob.get("/flows", params={"filter": f"userId:{bob_id}"})).json()

    assert [flow["flowId"] for flow in listed] == [own_id, flow_id]
    assert listed[1]["flow"] == echo_flow()
    assert [flow["flowId"] for flow in own] == [own_id]
    assert (await bob.get("/flows/count")).json() == {"count": 2}


async def test_shared_flows_are_listed_by_what_one_may_do(ann: Client, bob: Client) -> None:
    own_id = await saved(bob, {})
    read_id, both_id = await shared(ann, "read"), await shared(ann, "read", "start")

    async def listed(permissions: str, name: str = "sharedWithPermissions") -> set[str]:
        return {flow["flowId"] for flow in (await bob.get(f"/flows?{name}={permissions}")).json()}

    assert await listed("read") == {own_id, read_id, both_id}
    assert await listed("read,start") == {own_id, both_id}
    assert await listed("start", "sharedWithPermission") == {own_id, both_id}
    assert problem(await bob.get("/flows?sharedWithPermissions=write"))[0] == 400


async def test_without_permission_to_read_only_the_head_is_listed(ann: Client, bob: Client) -> None:
    flow_id = await shared(ann, "start")

    [listed] = (await bob.get("/flows")).json()

    assert (listed["flowId"], listed["name"], listed["stage"]) == (flow_id, "Shared", "stopped")
    assert not {"flow", "description"} & set(listed)


async def test_unprocessed_messages_of_a_shared_flow_are_read_and_not_touched(
    ann: Client, bob: Client, tenant: Tenant
) -> None:
    flow_id = await shared(ann, "read", descriptor=failing_flow())
    await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    [listed] = (await bob.get("/unprocessed-messages")).json()
    path = f"/unprocessed-messages/{listed['messageId']}"

    assert (await bob.get(path)).json()["flowId"] == flow_id
    for method, address in (("POST", path), ("POST", f"{path}/retry"), ("DELETE", path)):
        assert problem(await bob.request(method, address))[0] == 403
    assert len((await ann.get("/unprocessed-messages")).json()) == 1


async def test_logs_of_a_flow_are_found_by_who_may_read_it(
    ann: Client, bob: Client, connect: Connect
) -> None:
    flow_id = await shared(ann, "read")
    await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})
    only_starts = await shared(ann, "start")
    await ann.post(f"/flows/{only_starts}/coordinator", json={"command": "start"})
    carol = connect("carol@example.com")

    found = (await bob.get("/logs")).json()["hits"]

    assert {hit["flowId"] for hit in found} == {flow_id}
    assert (await bob.get(f"/logs/any/{found[0]['_id']}")).status_code == 200
    assert (await carol.get("/logs")).json()["hits"] == []


async def test_what_is_no_longer_shared_is_gone(ann: Client, bob: Client) -> None:
    flow_id = await shared(ann, "read")

    await ann.put(f"/flows/{flow_id}", json={"sharedWith": []})

    assert problem(await bob.get(f"/flows/{flow_id}"))[0] == 404


async def test_a_change_of_something_else_leaves_the_sharing(ann: Client, bob: Client) -> None:
    flow_id = await shared(ann, "read")

    await ann.put(f"/flows/{flow_id}", json={"name": "Other"})

    assert (await bob.get(f"/flows/{flow_id}")).json()["name"] == "Other"


async def test_stores_and_accounts_of_a_shared_flow_stay_its_owners(
    ann: Client, bob: Client
) -> None:
    flow_id = await shared(ann, "read", "start", "stop")
    account = {"service": "appmixer:slack", "token": {"accessToken": "hidden"}}
    account_id = (await ann.post("/accounts", json=account)).json()["accountId"]
    await ann.put(f"/auth/component/{TRIGGER}/{account_id}")

    assert problem(await bob.get(f"/accounts/{account_id}"))[0] == 404
    assert problem(await bob.get(f"/accounts/flow/{flow_id}"))[0] == 403
    assert problem(await bob.get(f"/auth/flow/{flow_id}"))[0] == 403
    assert problem(await bob.put(f"/auth/component/{TRIGGER}/{account_id}"))[0] == 404


@pytest.mark.parametrize(
    "entry",
    [
        {"email": "bob@example.com"},
        {"permissions": ["read"]},
        {"email": "bob@example.com", "scope": "user", "permissions": ["read"]},
        {"email": "bob@example.com", "permissions": ["write"]},
        {"email": "", "permissions": ["read"]},
        {"scope": 1, "permissions": ["read"]},
        "bob@example.com",
    ],
)
async def test_an_entry_has_one_recipient_and_known_permissions(ann: Client, entry: object) -> None:
    flow_id = await saved(ann, {})

    answer = await ann.put(f"/flows/{flow_id}", json={"sharedWith": [entry]})

    assert problem(answer)[0] == 400
    assert (await ann.get(f"/flows/{flow_id}")).json()["sharedWith"] == []


async def test_a_running_flow_is_stopped_by_who_it_is_shared_with(ann: Client, bob: Client) -> None:
    flow_id = await started(ann, echo_flow())
    entry = {**TO_BOB, "permissions": ["stop"]}
    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"sharedWith": [entry]})

    stopped = await bob.put(f"/flows/{flow_id}/stop")

    assert stopped.json() == {"flowId": flow_id}
    assert (await ann.get(f"/flows/{flow_id}")).json()["stage"] == "stopped"
    assert problem(await bob.put(f"/flows/{flow_id}/start"))[0] == 403
