"""Each method of the SDK sends the documented request and understands the documented answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import (
    AccountId,
    AppmixerClient,
    ChartId,
    ComponentId,
    FlowId,
    LogId,
    StoreId,
    TaskId,
)
from appmixer_mcp.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from .conftest import Backend

FLOW = FlowId("f1")
STORE = StoreId("s1")
ACCOUNT = AccountId("a1")
TASK = TaskId("t1")
CHART = ChartId("c1")


@dataclass(frozen=True)
class Row:
    """One method: how it is called, what has to go out, what comes back and what that means."""

    sdk: str
    call: Callable[[AppmixerClient], Awaitable[object]]
    sent: str
    answer: Any
    means: Callable[[Any], object]
    result: object = None
    body: Any = None


ROWS = [
    Row(
        "authenticateUser",
        lambda client: client.users.authenticate_user("ada", "secret"),
        "POST /user/auth",
        {"token": "t0k3n", "user": {"id": "u1", "username": "ada"}},
        lambda found: (found.token.get_secret_value(), found.user.username),
        ("t0k3n", "ada"),
        {"username": "ada", "password": "secret"},
    ),
    Row(
        "signupUser",
        lambda client: client.users.signup_user("ada", "secret"),
        "POST /user",
        {"token": "t0k3n", "user": {"id": "u1", "username": "ada"}},
        lambda found: (found.token.get_secret_value(), found.user.user_id),
        ("t0k3n", "u1"),
        {"username": "ada", "password": "secret"},
    ),
    Row(
        "getUser",
        lambda client: client.users.get_user(),
        "GET /user",
        {"id": "u1", "username": "ada", "scope": ["user"], "isActive": True, "vendor": ["acme"]},
        lambda user: (user.user_id, user.username, user.scope, user.is_active, user.vendor),
        ("u1", "ada", ["user"], True, ["acme"]),
    ),
    Row(
        "createFlow",
        lambda client: client.flows.create_flow(
            "Orders", {"x": {"type": "a.b.c.D"}}, {"customFields": {"team": "sales"}}
        ),
        "POST /flows",
        {"flowId": "f2"},
        lambda flow_id: flow_id,
        "f2",
        {
            "name": "Orders",
            "flow": {"x": {"type": "a.b.c.D"}},
            "customFields": {"team": "sales"},
        },
    ),
    Row(
        "deleteFlow",
        lambda client: client.flows.delete_flow(FLOW),
        "DELETE /flows/f1",
        {"flowId": "f1"},
        lambda nothing: nothing,
    ),
    Row(
        "getFlow",
        lambda client: client.flows.get_flow(FLOW, projection="-thumbnail"),
        "GET /flows/f1?projection=-thumbnail",
        {"flowId": "f1", "stage": "running", "flow": {"x": {}}, "btime": 1_700_000_000_000},
        lambda flow: (flow.flow_id, flow.stage, flow.flow, flow.created_at.isoformat()),
        ("f1", "running", {"x": {}}, "2023-11-14T22:13:20+00:00"),
    ),
    Row(
        "getFlows",
        lambda client: client.flows.list_flows(
            limit=2,
            offset=4,
            pattern="a b",
            projection="-flow",
            sort="mtime:-1",
            filters=["stage:running", "service:!appmixer:aws"],
            shared_with_permissions="read",
        ),
        "GET /flows?limit=2&offset=4&pattern=a%20b&projection=-flow&sort=mtime%3A-1"
        "&filter=stage%3Arunning&filter=service%3A%21appmixer%3Aaws&sharedWithPermissions=read",
        [{"flowId": "f1"}, {"flowId": "f2"}],
        lambda flows: [flow.flow_id for flow in flows],
        ["f1", "f2"],
    ),
    Row(
        "getFlowsCount",
        lambda client: client.flows.count_flows(pattern="x", filters=["stage:running"]),
        "GET /flows/count?pattern=x&filter=stage%3Arunning",
        {"count": 7},
        lambda count: count,
        7,
    ),
    Row(
        "updateFlow",
        lambda client: client.flows.update_flow(FLOW, {"name": "New"}, force=True),
        "PUT /flows/f1?forceUpdate=true",
        {"flowId": "f1", "result": "updated"},
        lambda nothing: nothing,
        body={"name": "New"},
    ),
    Row(
        "startFlow",
        lambda client: client.flows.start_flow(FLOW),
        "POST /flows/f1/coordinator",
        {"flowId": "f1"},
        lambda nothing: nothing,
        body={"command": "start"},
    ),
    Row(
        "stopFlow",
        lambda client: client.flows.stop_flow(FLOW),
        "POST /flows/f1/coordinator",
        {"flowId": "f1", "ticket": "f1"},
        lambda nothing: nothing,
        body={"command": "stop"},
    ),
    Row(
        "cloneFlow",
        lambda client: client.flows.clone_flow(FLOW, prefix="Copy of "),
        "POST /flows/f1/clone",
        {"cloneId": "f2"},
        lambda flow_id: flow_id,
        "f2",
        {"prefix": "Copy of "},
    ),
    Row(
        "getFlowAuthentication",
        lambda client: client.flows.get_flow_authentication(FLOW),
        "GET /auth/flow/f1",
        {"components": {"x": {"service": "acme:mail"}}, "services": {}},
        lambda found: (found.components, found.services),
        ({"x": {"service": "acme:mail"}}, {}),
    ),
    Row(
        "getStores",
        lambda client: client.stores.list_stores(),
        "GET /stores",
        [{"name": "Stock", "storeId": "s1"}],
        lambda stores: [(store.store_id, store.name) for store in stores],
        [("s1", "Stock")],
    ),
    Row(
        "getStore",
        lambda client: client.stores.get_store(STORE),
        "GET /stores/s1",
        {"name": "Stock", "storeId": "s1"},
        lambda store: (store.store_id, store.name),
        ("s1", "Stock"),
    ),
    Row(
        "createStore",
        lambda client: client.stores.create_store("Stock"),
        "POST /stores",
        {"storeId": "s2"},
        lambda store_id: store_id,
        "s2",
        {"name": "Stock"},
    ),
    Row(
        "renameStore",
        lambda client: client.stores.rename_store(STORE, "Depot"),
        "PUT /stores/s1",
        {"oldName": "Stock", "storeId": "s1"},
        lambda nothing: nothing,
        body={"name": "Depot"},
    ),
    Row(
        "deleteStore",
        lambda client: client.stores.delete_store(STORE),
        "DELETE /stores/s1",
        None,
        lambda nothing: nothing,
    ),
    Row(
        "getStoreRecordsCount",
        lambda client: client.stores.count_store_records(STORE, pattern="x"),
        "GET /store/count?storeId=s1&pattern=x",
        {"count": 0},
        lambda count: count,
        0,
    ),
    Row(
        "getStoreRecords",
        lambda client: client.stores.list_store_records(
            STORE, pattern="x", limit=1, offset=2, sort="updatedAt:-1"
        ),
        "GET /store?storeId=s1&pattern=x&limit=1&offset=2&sort=updatedAt%3A-1",
        [{"key": "k", "value": {"n": 1}, "updatedAt": "2024-05-01T10:00:00.000Z"}],
        lambda records: [(one.key, one.value, one.updated_at.hour) for one in records],
        [("k", {"n": 1}, 10)],
    ),
    Row(
        "createStoreItem",
        lambda client: client.stores.create_store_item(STORE, "a/b c", {"n": [1, None]}),
        "POST /store/s1/a%2Fb%20c",
        {"key": "a/b c", "value": {"n": [1, None]}},
        lambda record: (record.key, record.value),
        ("a/b c", {"n": [1, None]}),
        {"n": [1, None]},
    ),
    Row(
        "deleteStoreItems",
        lambda client: client.stores.delete_store_items([(STORE, "k1"), (STORE, "k2")]),
        "DELETE /store",
        {"deletedCount": 1},
        lambda count: count,
        1,
        [{"key": "k1", "storeId": "s1"}, {"key": "k2", "storeId": "s1"}],
    ),
    Row(
        "createAccount",
        lambda client: client.accounts.create_account(
            {"service": "acme:mail", "token": {"apiKey": "k"}}, validate_scope=False
        ),
        "POST /accounts?validateScope=false&requestProfileInfo=true",
        {"accountId": "a1", "service": "acme:mail", "pre": {}, "revoked": False},
        lambda account: (account.account_id, account.service, account.revoked),
        ("a1", "acme:mail", False),
        {"service": "acme:mail", "token": {"apiKey": "k"}},
    ),
    Row(
        "getAccounts",
        lambda client: client.accounts.list_accounts(filters=["service:!acme:mail"]),
        "GET /accounts?filter=service%3A%21acme%3Amail",
        [{"accountId": "a1", "name": "me", "displayName": None, "profileInfo": {"id": 1}}],
        lambda accounts: [(one.account_id, one.name, one.profile_info) for one in accounts],
        [("a1", "me", {"id": 1})],
    ),
    Row(
        "getAccountsInfo",
        lambda client: client.accounts.list_accounts(),
        "GET /accounts",
        [],
        lambda accounts: accounts,
        [],
    ),
    Row(
        "getComponentAccounts",
        lambda client: client.accounts.list_component_accounts(
            "acme.mail.send.Send", ComponentId("x")
        ),
        "GET /auth/acme.mail.send.Send?componentId=x",
        {
            "componentType": "acme.mail.send.Send",
            "auth": {"accounts": {"a1": {"componentAssigned": True, "scopeValid": False}}},
        },
        lambda found: [(one.account_id, one.component_assigned, one.scope_valid) for one in found],
        [("a1", True, False)],
    ),
    Row(
        "getAccountFlows",
        lambda client: client.accounts.list_account_flows(ACCOUNT),
        "GET /accounts/a1/flows",
        [{"flowId": "f1", "name": "Orders"}],
        lambda flows: [(flow.flow_id, flow.name) for flow in flows],
        [("f1", "Orders")],
    ),
    Row(
        "setAccountName",
        lambda client: client.accounts.set_account_name(ACCOUNT, "Mine"),
        "PUT /accounts/a1",
        None,
        lambda nothing: nothing,
        body={"displayName": "Mine"},
    ),
    Row(
        "getLogs",
        lambda client: client.logs.query_logs(
            query="severity:error",
            flow_ids=[FLOW, FlowId("f2")],
            port_types=["in"],
            sort=["@timestamp:desc", "_id:asc"],
            size=5,
            from_=10,
            search_after=["1", "2"],
            includes=["_id", "flowId"],
        ),
        "GET /logs?query=severity%3Aerror&flowId=f1&flowId=f2&portType=in"
        "&sort=%40timestamp%3Adesc&sort=_id%3Aasc&size=5&from=10&searchAfter=1&searchAfter=2"
        "&includes=_id%2CflowId",
        {
            "buckets": [{"key": 1_700_000_000_000, "key_as_string": "2023", "doc_count": 1}],
            "hits": [{"_id": "l1", "_index": "i", "@timestamp": "2024-05-01T10:00:00Z", "id": "q"}],
        },
        lambda page: (
            [bucket.doc_count for bucket in page.buckets],
            [(hit.log_id, hit.index, hit.logged_at.year, hit.model_extra) for hit in page.hits],
        ),
        ([1], [("l1", "i", 2024, {"id": "q"})]),
    ),
    Row(
        "getLog",
        lambda client: client.logs.get_log(LogId("l1"), "appmixer-202405"),
        "GET /log/appmixer-202405/l1",
        {"_index": "appmixer-202405", "_id": "l1", "_source": {"msg": {"n": 1}, "err": None}},
        lambda log: (log.log_id, log.index, log.source.msg),
        ("l1", "appmixer-202405", {"n": 1}),
    ),
    Row(
        "getPeopleTasks",
        lambda client: client.tasks.list_tasks(
            role="approver",
            pattern="pay",
            secret="s3cret",
            limit=1,
            offset=0,
            sort="created:-1",
            projection="-description",
            filters=["status:pending"],
        ),
        "GET /people-task/tasks?role=approver&pattern=pay&secret=s3cret&limit=1&offset=0"
        "&sort=created%3A-1&projection=-description&filter=status%3Apending",
        [{"id": "t1", "title": "Pay?", "status": "pending", "decisionBy": "2024-05-01T10:00:00Z"}],
        lambda tasks: [(task.task_id, task.status, task.decision_by.month) for task in tasks],
        [("t1", "pending", 5)],
    ),
    Row(
        "getPeopleTasksCount",
        lambda client: client.tasks.count_tasks(role="requester"),
        "GET /people-task/tasks-count?role=requester",
        {"count": 3},
        lambda count: count,
        3,
    ),
    Row(
        "getPeopleTask",
        lambda client: client.tasks.get_task(TASK, "s3cret"),
        "GET /people-task/tasks/t1?secret=s3cret",
        {"taskId": "t1", "id": "t1", "approver": "ada@example.com"},
        lambda task: (task.task_id, task.approver),
        ("t1", "ada@example.com"),
    ),
    Row(
        "approveTask",
        lambda client: client.tasks.approve_task(TASK, secret="s3cret"),
        "PUT /people-task/tasks/t1/approve",
        {"taskId": "t1", "status": "approved"},
        lambda task: task.status,
        "approved",
        {"secret": "s3cret"},
    ),
    Row(
        "rejectTask",
        lambda client: client.tasks.reject_task(TASK),
        "PUT /people-task/tasks/t1/reject",
        {"taskId": "t1", "status": "rejected"},
        lambda task: task.status,
        "rejected",
        {},
    ),
    Row(
        "getCharts",
        lambda client: client.charts.list_charts(pattern="p", limit=1, offset=0, sort="name:1"),
        "GET /charts?pattern=p&limit=1&offset=0&sort=name%3A1",
        [{"chartId": "c1", "name": "Sales", "type": "bar", "traces": {}}],
        lambda charts: [(chart.chart_id, chart.name, chart.type) for chart in charts],
        [("c1", "Sales", "bar")],
    ),
    Row(
        "getChart",
        lambda client: client.charts.get_chart(CHART),
        "GET /charts/c1",
        {"chartId": "c1", "query": {"range": {}}},
        lambda chart: (chart.chart_id, chart.query),
        ("c1", {"range": {}}),
    ),
    Row(
        "deleteChart",
        lambda client: client.charts.delete_chart(CHART),
        "DELETE /charts/c1",
        None,
        lambda nothing: nothing,
    ),
]


def _answer(content: Any) -> httpx2.Response:
    return httpx2.Response(200) if content is None else httpx2.Response(200, json=content)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sdk)
async def test_a_method_sends_its_request_and_understands_the_answer(
    row: Row, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer(row.answer))

    result = await row.call(client)

    assert backend.sent == [row.sent]
    assert backend.bodies == [row.body]
    assert row.means(result) == row.result


def test_every_rest_method_of_the_sdk_is_in_the_table() -> None:
    assert len({row.sdk for row in ROWS}) == 38


async def test_text_is_stored_as_text_even_when_it_looks_like_json(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer({"key": "k", "value": "[1]"}))

    await client.stores.create_store_item(STORE, "k", "[1] ✓")

    assert backend.requests[0].headers["content-type"] == "text/plain; charset=utf-8"
    assert backend.requests[0].content == "[1] ✓".encode()


async def test_a_record_that_is_not_there_is_none_and_no_failure(
    backend: "Backend", client: AppmixerClient
) -> None:
    failures: list[object] = []
    client.on("error", failures.append)
    backend.will(httpx2.Response(404, json={"statusCode": 404, "error": "Not Found"}))

    record = await client.stores.get_store_record(STORE, "k")

    assert record is None
    assert failures == []


async def test_a_record_that_is_there_is_read(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(_answer({"key": "k", "value": 0}))

    record = await client.stores.get_store_record(STORE, "k")

    assert record is not None
    assert record.value == 0


async def test_deleting_no_records_sends_nothing(
    backend: "Backend", client: AppmixerClient
) -> None:
    assert await client.stores.delete_store_items([]) == 0

    assert backend.sent == []


async def test_unprocessed_messages_are_counted_over_all_pages(
    backend: "Backend", client: AppmixerClient
) -> None:
    def page(request: httpx2.Request) -> httpx2.Response:
        first = int(request.url.params["offset"])
        last = min(first + int(request.url.params["limit"]), 130)
        return _answer([{"messageId": str(number)} for number in range(first, last)])

    backend.will(page)

    assert await client.messages.count_unprocessed(FLOW) == 130


async def test_counting_ends_when_the_server_ignores_the_offset(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(lambda _: _answer([{"messageId": "m1"}, {"messageId": "m2"}]))

    assert await client.messages.count_unprocessed(FLOW) == 2


@pytest.mark.parametrize("accounts", [None, 1, {"a1": 1}, [1], {"a1": None}])
async def test_accounts_in_no_known_shape_are_an_error(
    accounts: Any, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer({"auth": {"accounts": accounts}}))

    with pytest.raises(UnexpectedAnswerError):
        await client.accounts.list_component_accounts("acme.mail.send.Send")


async def test_an_account_list_in_place_of_the_map_is_read_too(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer({"auth": {"accounts": [{"accountId": "a1"}]}}))

    accounts = await client.accounts.list_component_accounts("acme.mail.send.Send")

    assert [account.account_id for account in accounts] == ["a1"]
