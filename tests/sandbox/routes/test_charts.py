"""Charts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem

CHART = {
    "name": "Orders", "index": 2, "type": "line", "query": {"range": {"from": {}, "to": {}}},
    "options": {"a": 1}, "traces": {"t": {"name": "T"}},
}  # fmt: skip


async def new_chart(client: Client, **body: Any) -> str:
    answer = await client.post("/charts", json=CHART | body)
    return str(answer.raise_for_status().json()["chartId"])


async def test_a_chart_comes_back_as_it_was_sent(ann: Client) -> None:
    chart_id = await new_chart(ann)

    shown = (await ann.get(f"/charts/{chart_id}")).json()

    assert {key: shown[key] for key in CHART} == CHART
    assert shown["chartId"] == shown["id"] == chart_id


async def test_a_change_replaces_only_what_is_sent(ann: Client, clock: ManualClock) -> None:
    chart_id = await new_chart(ann)
    clock.turn(timedelta(hours=1))

    changed = (await ann.put(f"/charts/{chart_id}", json={"name": "B"})).json()

    assert (changed["name"], changed["type"]) == ("B", "line")
    assert changed["mtime"] == "2026-01-31T09:00:00.000Z"
    assert (await ann.get(f"/charts/{chart_id}")).json() == changed


@pytest.mark.parametrize("path", ["/charts", "/insights"])
async def test_charts_are_listed_in_both_dialects(ann: Client, path: str) -> None:
    await new_chart(ann, name="B", index=1)
    await new_chart(ann, name="A", index=0)

    listed = (await ann.get(path, params={"sort": "index:1", "projection": "id,name"})).json()
    found = (await ann.get(path, params={"pattern": "^a"})).json()

    assert [one["name"] for one in listed] == ["A", "B"]
    assert set(listed[0]) == {"chartId", "id", "name"}  # the id stays, whatever is asked for
    assert [one["name"] for one in found] == ["A"]


@pytest.mark.parametrize("body", [{"type": "donut"}, {"index": "x"}, {"traces": []}])
async def test_a_chart_of_an_unknown_kind_is_refused(ann: Client, body: dict[str, Any]) -> None:
    assert problem(await ann.post("/charts", json=CHART | body))[0] == 400


async def test_a_deleted_chart_is_gone(ann: Client) -> None:
    chart_id = await new_chart(ann)

    assert (await ann.delete(f"/charts/{chart_id}")).status_code == 200

    assert problem(await ann.get(f"/charts/{chart_id}")) == (404, "Chart not found.")
    assert problem(await ann.delete(f"/charts/{chart_id}"))[0] == 404
    assert problem(await ann.put(f"/charts/{chart_id}", json={}))[0] == 404


class TestDemo:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, demo=True, local_key=SecretStr("local key"))

    async def test_the_log_counts_what_the_demos_chart_shows(
        self, tenant: Tenant, visitor: Client
    ) -> None:
        with anyio.fail_after(5):
            await tenant.engine.wait_idle()
        credentials = {"username": LOCAL_USER, "password": "local key"}
        token = (await visitor.post("/user/auth", json=credentials)).json()["token"]
        visitor.headers["Authorization"] = f"Bearer {token}"

        (chart,) = (await visitor.get("/charts")).json()
        (trace,) = chart["traces"].values()
        answer = await visitor.post(
            "/logs",
            params={"flowId": list(trace["source"]["targets"])},
            json={"aggs": {"drawn": trace["agg"]}},
        )

        (day,) = answer.json()["aggregations"]["drawn"]["buckets"]
        assert day["key_as_string"] == "2026-01-31T00:00:00.000Z"
        assert day["doc_count"] == len(answer.json()["hits"]) > 0
