"""The `openapi` dialect: its own paths and shapes, and plain words for what it lacks."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import (
    AccountId,
    AppmixerClient,
    ChartId,
    FlowId,
    LogId,
    StoreId,
    TaskId,
)
from appmixer_mcp.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from .conftest import Backend

FLOW = FlowId("f1")
STORE = StoreId("s1")
Method = Callable[[AppmixerClient], Awaitable[object]]


@pytest.fixture
def client(backend: "Backend") -> AppmixerClient:
    return backend.client(dialect="openapi")


SPELLINGS: list[tuple[Method, str, Any]] = [
    (lambda client: client.flows.start_flow(FLOW), "PUT /flows/f1/start", None),
    (lambda client: client.flows.stop_flow(FLOW), "PUT /flows/f1/stop", None),
    (lambda client: client.flows.get_flow(FLOW, projection="-flow"), "GET /flows/f1", {"id": "1"}),
    (lambda client: client.stores.list_stores(), "GET /data-stores", []),
    (lambda client: client.stores.get_store(STORE), "GET /data-stores/s1", {"storeId": "s1"}),
    (lambda client: client.stores.delete_store(STORE), "DELETE /data-stores/s1", None),
    (lambda client: client.charts.list_charts(), "GET /insights", []),
    (
        lambda client: client.logs.query_logs(flow_ids=[FLOW], size=5, from_=10),
        "GET /logs?flowId=f1&limit=5&offset=10",
        [],
    ),
]


@pytest.mark.parametrize(("method", "sent", "answer"), SPELLINGS, ids=[row[1] for row in SPELLINGS])
async def test_a_call_goes_to_the_path_of_the_dialect(
    method: Method, sent: str, answer: Any, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200) if answer is None else httpx2.Response(200, json=answer))

    await method(client)

    assert backend.sent == [sent]


LACKING: dict[str, Method] = {
    "clone_flow": lambda client: client.flows.clone_flow(FLOW),
    "get_flow_authentication": lambda client: client.flows.get_flow_authentication(FLOW),
    "list_flows with shared_with_permissions": lambda client: client.flows.list_flows(
        shared_with_permissions="read"
    ),
    "create_store": lambda client: client.stores.create_store("x"),
    "rename_store": lambda client: client.stores.rename_store(STORE, "x"),
    "count_store_records": lambda client: client.stores.count_store_records(STORE),
    "list_store_records": lambda client: client.stores.list_store_records(STORE),
    "get_store_record": lambda client: client.stores.get_store_record(STORE, "k"),
    "create_store_item": lambda client: client.stores.create_store_item(STORE, "k", 1),
    "delete_store_items": lambda client: client.stores.delete_store_items([(STORE, "k")]),
    "list_accounts with filters": lambda client: client.accounts.list_accounts(filters=["a:b"]),
    "create_account": lambda client: client.accounts.create_account({}),
    "list_component_accounts": lambda client: client.accounts.list_component_accounts("a.b.c.D"),
    "list_account_flows": lambda client: client.accounts.list_account_flows(AccountId("a")),
    "set_account_name": lambda client: client.accounts.set_account_name(AccountId("a"), "x"),
    "query_logs with query": lambda client: client.logs.query_logs(query="x"),
    "query_logs with several flow_ids": lambda client: client.logs.query_logs(
        flow_ids=[FLOW, FlowId("f2")]
    ),
    "get_log": lambda client: client.logs.get_log(LogId("l"), "i"),
    "list_tasks with pattern, secret": lambda client: client.tasks.list_tasks(
        pattern="x", secret="y"
    ),
    "count_tasks with filters": lambda client: client.tasks.count_tasks(filters=["a:b"]),
    "get_task with secret": lambda client: client.tasks.get_task(TaskId("t"), "s"),
    "approve_task": lambda client: client.tasks.approve_task(TaskId("t")),
    "reject_task": lambda client: client.tasks.reject_task(TaskId("t")),
    "list_charts with sort": lambda client: client.charts.list_charts(sort="name:1"),
    "delete_chart": lambda client: client.charts.delete_chart(ChartId("c")),
}


@pytest.mark.parametrize("what", LACKING)
async def test_what_the_dialect_lacks_is_refused_with_the_setting_to_change(
    what: str, backend: "Backend", client: AppmixerClient
) -> None:
    with pytest.raises(InputError, match=f"no call for {what}.*APPMIXER_API_DIALECT"):
        await LACKING[what](client)

    assert backend.sent == []


async def test_flows_are_counted_over_all_pages(backend: "Backend", client: AppmixerClient) -> None:
    def page(request: httpx2.Request) -> httpx2.Response:
        first = int(request.url.params["offset"])
        return httpx2.Response(
            200, json=[{"id": str(number)} for number in range(first, min(first + 40, 100))]
        )

    backend.will(page)

    assert await client.flows.count_flows(pattern="x") == 100


async def test_a_task_is_found_among_all_tasks(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(httpx2.Response(200, json=[{"id": "t1"}, {"id": "t2", "status": "due"}]))

    task = await client.tasks.get_task(TaskId("t2"))

    assert task.status == "due"
    assert await client.tasks.count_tasks(role="approver") == 2
    assert [one.task_id for one in await client.tasks.list_tasks(limit=1, offset=1)] == ["t2"]
    with pytest.raises(NotFoundError, match="list_tasks"):
        await client.tasks.get_task(TaskId("t3"))


async def test_a_chart_is_found_among_all_charts(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200, json=[{"id": "c1", "name": "Sales", "type": "bar"}]))

    assert (await client.charts.get_chart(ChartId("c1"))).name == "Sales"
    with pytest.raises(NotFoundError, match="list_charts"):
        await client.charts.get_chart(ChartId("c2"))


async def test_log_entries_are_read_in_their_own_shape(
    backend: "Backend", client: AppmixerClient
) -> None:
    entry = {"timestamp": "2024-05-01T10:00:00Z", "flowId": "f1", "message": "m", "level": "error"}
    backend.will(httpx2.Response(200, json=[entry]))

    (hit,) = (await client.logs.query_logs()).hits

    assert (hit.flow_id, hit.msg, hit.severity) == ("f1", "m", "error")
    assert hit.logged_at is not None
    assert hit.logged_at.hour == 10


async def test_unprocessed_messages_of_one_flow_are_picked_out(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(
        httpx2.Response(
            200,
            json=[
                {"messageId": "m1", "flowId": "f1", "createdAt": "2024-05-01T10:00:00Z"},
                {"messageId": "m2", "flowId": "f2"},
            ],
        )
    )

    messages = await client.messages.list_unprocessed(FLOW)

    assert [message.message_id for message in messages] == ["m1"]
    assert await client.messages.count_unprocessed(FLOW) == 1


async def test_a_sign_up_that_answers_with_the_user_is_followed_by_a_sign_in(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(
        httpx2.Response(200, json={"id": "u1", "username": "ada"}),
        httpx2.Response(200, json={"token": "t0k3n"}),
    )

    await client.users.signup_user("ada", "secret")

    assert backend.sent == ["POST /user", "POST /user/auth"]
    assert client.get("access_token") == "t0k3n"


async def test_a_sign_up_that_answers_with_a_token_beside_the_user_is_enough(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200, json={"id": "u1", "username": "ada", "token": "t0k3n"}))

    result = await client.users.signup_user("ada", "secret")

    assert result.user is not None
    assert result.user.username == "ada"
    assert client.get("access_token") == "t0k3n"
