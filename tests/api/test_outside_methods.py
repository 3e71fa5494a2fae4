"""Charts and tasks made, stores downloaded, versions, telemetry, events: each sends its request."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient, ChartId, ComponentId, FlowId, StoreId
from appmixer_mcp.errors import InputError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from .conftest import Backend

FLOW = FlowId("f1")
HOOK = ComponentId("a hook")
LATER = datetime(2026, 5, 1, 10, tzinfo=UTC)
HERE = "http://tenant.test/flows/f1/components/a%20hook"


class Row(NamedTuple):
    """One method: how it is called, what has to go out, what comes back and what that means."""

    name: str
    call: Callable[[AppmixerClient], Awaitable[object]]
    sent: str
    answer: Any
    means: Callable[[Any], object]
    result: object = None
    body: Any = None


ROWS = [
    Row(
        "create_chart",
        lambda client: client.charts.create_chart("Sales", {"type": "bar"}),
        "POST /charts",
        {"chartId": "c2"},
        lambda chart_id: chart_id,
        "c2",
        {"type": "bar", "name": "Sales"},
    ),
    Row(
        "update_chart",
        lambda client: client.charts.update_chart(ChartId("c1"), {"name": "Depot"}),
        "PUT /charts/c1",
        {"chartId": "c1", "name": "Depot"},
        lambda chart: chart.name,
        "Depot",
        {"name": "Depot"},
    ),
    Row(
        "create_task",
        lambda client: client.tasks.create_task(
            "Pay?", approver="a@x.org", requester="r@x.org", decision_by=LATER
        ),
        "POST /people-task/tasks",
        {"taskId": "t1", "approverSecret": "s3cret"},
        lambda task: (task.task_id, "s3cret" in repr(task), "s3cret" in task.model_dump_json()),
        ("t1", False, False),
        {
            "title": "Pay?",
            "approver": "a@x.org",
            "requester": "r@x.org",
            "decisionBy": "2026-05-01T10:00:00+00:00",
        },
    ),
    Row(
        "download_store",
        lambda client: client.stores.download_store(StoreId("s1")),
        "GET /store/download/s1?format=json",
        [{"key": "k", "value": {"n": 1}}],
        lambda records: [(one.key, one.value) for one in records],
        [("k", {"n": 1})],
    ),
    Row(
        "list_flow_versions",
        lambda client: client.versions.list_flow_versions(FLOW, limit=1, offset=2),
        "GET /flows/f1/versions?limit=1&offset=2",
        {"items": [{"versionId": "v1", "btime": 1_700_000_000_000}], "totalCount": 3},
        lambda page: (page.items[0].version_id, page.items[0].btime.year, page.total_count),
        ("v1", 2023, 3),
    ),
    Row(
        "save_flow_version",
        lambda client: client.versions.save_flow_version(FLOW, label="Good"),
        "POST /flows/f1/versions",
        {"versionId": "v1"},
        lambda version: version.version_id,
        "v1",
        {"type": "manual", "label": "Good"},
    ),
    Row(
        "restore_flow_version",
        lambda client: client.versions.restore_flow_version(FLOW, "v1"),
        "POST /flows/f1/versions/v1/restore",
        {},
        lambda nothing: nothing,
        body={},
    ),
    Row(
        "get_telemetry",
        lambda client: client.telemetry.get_telemetry(first_day=date(2026, 5, 1)),
        "GET /telemetry?from=2026-05-01",
        {"messageCounts": {"from": "2026-05-01", "count": 7}, "runningFlows": {"count": 1}},
        lambda usage: (usage.message_counts.count, usage.running_flows.count, usage.used_apps),
        (7, 1, []),
    ),
    Row(
        "send_app_event",
        lambda client: client.events.send_app_event("a/b", {"n": 1}, flow_id=FLOW),
        "POST /plugins/appmixer/utils/appevents/events/a%2Fb?flowId=f1",
        {"triggers": [{"flowId": "f1", "componentId": "c"}]},
        lambda found: (found.triggers[0].flow_id, found.errors),
        ("f1", []),
        {"n": 1},
    ),
]
VERSIONS: list[Callable[[AppmixerClient], Awaitable[object]]] = [
    lambda client: client.versions.list_flow_versions(FLOW),
    lambda client: client.versions.save_flow_version(FLOW),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_method_sends_its_request_and_understands_the_answer(
    row: Row, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200, json=row.answer))

    result = await row.call(client)

    assert backend.sent == [row.sent]
    assert backend.bodies == [row.body]
    assert row.means(result) == row.result


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_other_dialect_has_none_of_these_calls(row: Row, backend: "Backend") -> None:
    with pytest.raises(InputError, match=f"no call for {row.name}"):
        await row.call(backend.client(dialect="openapi"))

    assert backend.sent == []


@pytest.mark.parametrize("call", VERSIONS)
async def test_a_tenant_without_versions_is_no_failure(
    call: Callable[[AppmixerClient], Awaitable[object]],
    backend: "Backend",
    client: AppmixerClient,
) -> None:
    backend.will(httpx2.Response(404, json={"statusCode": 404}))

    assert await call(client) is None


async def test_a_tenant_without_app_events_says_what_to_do_instead(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(404, json={"statusCode": 404}))

    with pytest.raises(NotFoundError, match="trigger_component"):
        await client.events.send_app_event("e", {})


@pytest.mark.parametrize("status", [200, 302, 307, 404, 429, 503])
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_flow_hears_a_request_once_and_whatever_it_answers_is_the_answer(
    method: str, status: int, backend: "Backend", client: AppmixerClient
) -> None:
    elsewhere = {"location": "http://tenant.test/store", "retry-after": "0"}
    backend.will(httpx2.Response(status, text="as the flow says", headers=elsewhere))

    answer = await client.events.call_webhook(FLOW, HOOK, method, parameters={"a": ["1", "2"]})

    assert [str(one.url) for one in backend.requests] == [f"{HERE}?a=1&a=2"]
    assert (answer.status, answer.body) == (status, b"as the flow says")
    assert answer.location == "http://tenant.test/store"


async def test_a_flow_never_hears_the_access_token(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(401))

    await client.events.call_webhook(FLOW, HOOK, body=b"{}")

    (request,) = backend.requests
    assert "authorization" not in request.headers
    assert request.headers["content-type"] == "application/json"


async def test_a_request_to_a_flow_that_got_no_answer_may_have_happened(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.ReadError("gone"))

    with pytest.raises(UnavailableError) as caught:
        await client.events.call_webhook(FLOW, HOOK, "GET")

    assert caught.value.may_have_happened
    assert len(backend.requests) == 1


@pytest.mark.parametrize("component_id", ["..", "", "a\n"])
async def test_a_component_id_cannot_lead_to_another_address(
    component_id: str, backend: "Backend", client: AppmixerClient
) -> None:
    with pytest.raises(InputError):
        await client.events.call_webhook(FLOW, ComponentId(component_id))

    assert backend.sent == []
