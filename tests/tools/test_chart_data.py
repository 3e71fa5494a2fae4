"""Charts made, changed and counted; telemetry; tasks that no flow asks for."""

from datetime import datetime, timedelta

import pytest

from appmixer_mcp.sandbox.config import LOCAL_USER

from .conftest import ECHO, as_user
from .serving_all import all_tools


@pytest.fixture(scope="module")
async def tools(tmp_path_factory):
    async with all_tools(tmp_path_factory.mktemp("charts")) as tools:
        yield tools


@pytest.fixture(scope="module")
async def busy(tools):
    """A flow with two components that has answered one request."""
    flow_id = (await tools("create_flow", name="Echo", descriptor=ECHO))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tools.confirmed("trigger_component", flow_id=flow_id, component="hook", body={})
    await tools.tenant.engine.wait_idle()
    await tools("stop_flow", flow_id=flow_id)
    return flow_id


def trace(agg, **targets):
    return {"t": {"name": "T", "agg": agg, "source": {"type": "flow", "targets": targets}}}


async def test_a_chart_of_flows_counts_their_log_records(tools, busy):
    idle = (await tools("create_flow", name="Idle"))["flow_id"]
    chart = {"name": "Both", "flow_ids": [busy, idle], "interval": "1h"}
    chart_id = (await tools("create_chart", **chart))["chart_id"]

    data = await tools("get_chart_data", chart_id=chart_id)
    logged = await tools("query_logs", flow_id=busy)

    assert data["name"] == "Both"
    assert {point["trace"] for point in data["points"]} == {"Echo"}
    assert sum(point["count"] for point in data["points"]) == logged["total"]


async def test_a_chart_of_one_component_counts_what_it_is_told_to(tools, busy):
    traces = trace({"terms": {"field": "severity", "size": "5"}}, **{busy: ["reply"]})
    made = await tools("create_chart", name="Reply", type="pie", traces=traces)

    data = await tools("get_chart_data", chart_id=made["chart_id"])
    logged = await tools("query_logs", flow_id=busy, query="componentId:reply")

    assert data["points"] == [{"at": "info", "count": logged["total"]}]


async def test_a_change_leaves_the_rest_of_a_chart_as_it_was(tools, busy):
    made = await tools("create_chart", name="Old", type="bar", flow_ids=[busy], days=30)
    before = await tools("get_chart", chart_id=made["chart_id"])

    await tools("update_chart", chart_id=made["chart_id"], name="New")
    renamed = await tools("get_chart", chart_id=made["chart_id"])
    await tools("update_chart", chart_id=made["chart_id"], days=1)
    shorter = await tools("get_chart", chart_id=made["chart_id"])

    assert renamed["chart"]["name"] == "New"
    assert {**renamed, "chart": 0} == {**before, "chart": 0}
    assert shorter["query"] != before["query"]
    assert shorter["traces"] == before["traces"]


MONTH_BEGINS = {"subtract": [1, "months"], "startOf": "month"}


@pytest.mark.parametrize(
    ("first", "last", "ends", "days"),
    [
        ("2026-01-31", "2026-02-01T12:00:00+01:00", ("T00:00:00.000Z", "T11:00:00.000Z"), (1, 2)),
        ({"subtract": [7, "day"]}, {}, ("Z", "Z"), (7, 7.01)),
        ({"subtract": [7, "d"], "startOf": "day"}, {}, ("T00:00:00.000Z", "Z"), (7, 8)),
        ({}, {"endOf": "day"}, ("Z", "T23:59:59.999Z"), (7, 8)),
        (MONTH_BEGINS, {"endOf": "month"}, ("-01T00:00:00.000Z", "T23:59:59.999Z"), (58, 62)),
        ({"startOf": "week"}, {"endOf": "week"}, ("T00:00:00.000Z", "T23:59:59.999Z"), (6.9, 7)),
        ({"startOf": "year"}, {"endOf": "year"}, ("-01-01T00:00:00.000Z", "-12-31"), (364, 366)),
        ({"subtract": [1, "quarter"], "startOf": "quarter"}, {}, ("-01T", "Z"), (89, 185)),
        ({"subtract": [90, "minutes"], "startOf": "hour"}, {}, (":00:00.000Z", "Z"), (0.06, 0.11)),
    ],
)
async def test_the_time_range_of_a_chart_is_read_as_the_library_that_drew_it_would(
    first, last, ends, days, tools
):
    chart = {"name": "C", "query": {"range": {"from": first, "to": last}}}
    chart_id = (await as_user(tools.tenant, "POST", "/charts", chart))["chartId"]

    data = await tools("get_chart_data", chart_id=chart_id)

    lasts = datetime.fromisoformat(data["to_at"]) - datetime.fromisoformat(data["from_at"])
    assert ends[0] in data["from_at"]
    assert ends[1] in data["to_at"]
    assert timedelta(days=days[0]) <= lasts <= timedelta(days=days[1])


@pytest.mark.parametrize(
    "definition",
    [
        {"query": {"range": {"from": "soon"}}},
        {"query": {"range": {"from": {"subtract": [1, "fortnight"]}}}},
        {"query": {"range": {"from": {"subtract": 7}}}},
        {"query": {"range": {"from": {"subtract": [10**9, "year"]}}}},
        {"traces": trace({"avg": {"field": "@timestamp"}})},
    ],
)
async def test_a_chart_that_cannot_be_counted_says_what_to_change(definition, tools):
    chart_id = (await as_user(tools.tenant, "POST", "/charts", definition))["chartId"]

    assert "update_chart" in await tools.refused("get_chart_data", chart_id=chart_id)


async def test_a_chart_of_nothing_and_a_change_of_nothing_are_refused(tools):
    made = await as_user(tools.tenant, "POST", "/charts", {"name": "C"})

    assert "flow_ids or traces" in await tools.refused("create_chart", name="C")
    assert "Nothing to change" in await tools.refused("update_chart", chart_id=made["chartId"])
    assert "list_flows" in await tools.refused("create_chart", name="C", flow_ids=["nowhere"])


async def test_telemetry_counts_messages_and_names_the_apps(tools, busy):
    usage = await tools("get_telemetry")

    assert usage["message_count"] >= 1
    assert usage["running_flow_count"] == 0
    assert "appmixer.utils" in usage["used_apps"]
    assert "is no day" in await tools.refused("get_telemetry", first_day="yesterday")


async def test_a_task_is_opened_in_the_users_own_name_and_no_secret_is_told(tools):
    made = await tools(
        "create_task", title="Pay?", approver="a@x.org", decision_by="2099-01-01T10:00"
    )

    shown = await tools("get_task", task_id=made["task"]["task_id"])

    assert shown["task"] == made["task"]
    assert made["task"]["requester"] == LOCAL_USER
    assert made["task"]["decision_by"] == "2099-01-01T10:00:00.000Z"
    assert "ecret" not in str(made)


async def test_a_task_until_no_time_is_refused(tools):
    said = await tools.refused("create_task", title="t", approver="a@x.org", decision_by="soon")

    assert "decision_by is no time" in said
