"""Whatever one user has, another one is told that it is not there."""

from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, failing_flow, problem, saved, started

OF_ONE_OBJECT: list[tuple[str, Any]] = [
    ("GET /flows/{flow}", None),
    ("PUT /flows/{flow}", {"name": "stolen"}),
    ("PUT /flows/{flow}?forceUpdate=true", {"flow": {}}),
    ("DELETE /flows/{flow}", None),
    ("POST /flows/{flow}/clone", {}),
    ("POST /flows/{flow}/coordinator", {"command": "stop"}),
    ("POST /flows/{flow}/coordinator", {"command": "start"}),
    ("GET /flows/{flow}/coordinator/status", None),
    ("PUT /flows/{flow}/start", None),
    ("PUT /flows/{flow}/stop", None),
    ("GET /flows/{flow}/validate", None),
    ("GET /auth/flow/{flow}", None),
    ("GET /accounts/flow/{flow}", None),
    ("GET /stores/{store}", None),
    ("PUT /stores/{store}", {"name": "stolen"}),
    ("DELETE /stores/{store}", None),
    ("GET /data-stores/{store}", None),
    ("DELETE /data-stores/{store}", None),
    ("GET /store?storeId={store}", None),
    ("GET /store/count?storeId={store}", None),
    ("GET /store/{store}/k", None),
    ("POST /store/{store}/k", "stolen"),
    ("PATCH /store/{store}/k", {"value": "stolen"}),
    ("DELETE /store/{store}/k", None),
    ("GET /accounts/{account}", None),
    ("PUT /accounts/{account}", {"displayName": "stolen"}),
    ("DELETE /accounts/{account}", None),
    ("POST /accounts/{account}/test", None),
    ("GET /accounts/{account}/flows", None),
    ("PUT /auth/component/" + TRIGGER + "/{account}", None),
    ("DELETE /auth/component/" + TRIGGER, None),
    ("DELETE /auth/component/" + TRIGGER + "/{account}", None),
    ("GET /charts/{chart}", None),
    ("PUT /charts/{chart}", {"name": "stolen"}),
    ("DELETE /charts/{chart}", None),
    ("GET /log/any/{log}", None),
    ("GET /logs/any/{log}", None),
    ("GET /unprocessed-messages/{message}", None),
    ("POST /unprocessed-messages/{message}", None),
    ("POST /unprocessed-messages/{message}/retry", None),
    ("DELETE /unprocessed-messages/{message}", None),
    ("GET /people-task/tasks/{task}", None),
    ("PUT /people-task/tasks/{task}", {"title": "stolen"}),
    ("PUT /people-task/tasks/{task}/approve", None),
    ("PUT /people-task/tasks/{task}/reject", None),
]
LISTS = [
    "/flows", "/stores", "/data-stores", "/accounts", "/charts", "/insights", "/people-task/tasks",
    "/plugins/appmixer/utils/tasks/tasks", "/unprocessed-messages",
]  # fmt: skip


@pytest.fixture
async def ids(ann: Client, tenant: Tenant) -> dict[str, str]:
    """One object of each kind, all of them Ann's."""
    flow_id = await started(ann, failing_flow())
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    store = (await ann.post("/stores", json={"name": "S"})).json()["storeId"]
    await ann.post(f"/store/{store}/k", json="mine")
    account = {"service": "appmixer:slack", "token": {"accessToken": "x"}}
    account_id = (await ann.post("/accounts", json=account)).json()["accountId"]
    await ann.put(f"/auth/component/{TRIGGER}/{account_id}")
    task = {"title": "T", "requester": "ann@example.com", "approver": "ann@example.com"}
    return {
        "flow": flow_id,
        "store": store,
        "account": account_id,
        "chart": (await ann.post("/charts", json={})).json()["chartId"],
        "log": (await ann.get("/logs")).json()["hits"][0]["_id"],
        "message": (await ann.get("/unprocessed-messages")).json()[0]["messageId"],
        "task": (await ann.post("/people-task/tasks", json=task)).json()["taskId"],
    }


async def everything(client: Client) -> list[Any]:
    return [(await client.get(path)).json() for path in [*LISTS, "/logs"]]


@pytest.mark.parametrize(("call", "body"), OF_ONE_OBJECT)
async def test_another_users_object_is_as_one_that_is_not_there(
    ann: Client, bob: Client, ids: dict[str, str], call: str, body: Any
) -> None:
    before = await everything(ann)
    method, path = call.split()

    theirs = await bob.request(method, path.format(**ids), json=body)
    unknown = await bob.request(method, path.format(**dict.fromkeys(ids, "0" * 24)), json=body)

    assert problem(theirs)[0] == 404
    assert problem(theirs) == problem(unknown)
    assert await everything(ann) == before


async def test_no_record_of_another_user_is_deleted_by_its_name(
    ann: Client, bob: Client, ids: dict[str, str]
) -> None:
    answer = await bob.request("DELETE", "/store", json=[{"storeId": ids["store"], "key": "k"}])

    assert problem(answer)[0] == 404
    assert (await ann.get(f"/store/{ids['store']}/k")).json()["value"] == "mine"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.usefixtures("ids")
async def test_a_list_holds_only_ones_own(ann: Client, bob: Client, path: str) -> None:
    assert (await ann.get(path)).json() != []
    assert (await bob.get(path)).json() == []


@pytest.mark.parametrize("path", ["/flows/count", "/people-task/tasks-count"])
@pytest.mark.usefixtures("ids")
async def test_a_count_counts_only_ones_own(ann: Client, bob: Client, path: str) -> None:
    assert (await ann.get(path)).json() == {"count": 1}
    assert (await bob.get(path)).json() == {"count": 0}


async def test_no_search_finds_another_users_logs(
    ann: Client, bob: Client, ids: dict[str, str]
) -> None:
    flow_id = ids["flow"]
    queries: list[dict[str, str]] = [
        {}, {"flowId": flow_id}, {"query": f"flowId:{flow_id}"}, {"query": "* OR a OR NOT b"},
        {"query": f"_id:{ids['log']}"}, {"trace": "true"},
    ]  # fmt: skip

    for query in queries:
        assert (await ann.get("/logs", params=query)).json()["hits"] != []
        assert (await bob.get("/logs", params=query)).json() == {"buckets": [], "hits": []}


async def test_the_same_component_id_in_two_users_flows_has_two_accounts(
    ann: Client, bob: Client, ids: dict[str, str]
) -> None:
    await saved(bob, failing_flow())
    account = {"service": "appmixer:slack", "token": {}}
    account_id = (await bob.post("/accounts", json=account)).json()["accountId"]

    await bob.put(f"/auth/component/{TRIGGER}/{account_id}")
    await bob.delete(f"/auth/component/{TRIGGER}")

    used = (await ann.get(f"/accounts/{ids['account']}/flows")).json()
    assert [one["flowId"] for one in used] == [ids["flow"]]


@pytest.mark.parametrize(("call", "body"), OF_ONE_OBJECT)
async def test_without_a_token_nothing_can_be_reached(
    visitor: Client, ids: dict[str, str], call: str, body: Any
) -> None:
    method, path = call.split()

    assert problem(await visitor.request(method, path.format(**ids), json=body))[0] == 401
