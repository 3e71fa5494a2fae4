"""Log records: searched, sorted, paged, and looked at one by one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from tests.sandbox.routes.conftest import Client, Connect, WriteLog, problem, saved


async def found(client: Client, **query: Any) -> list[str]:
    """Return the texts of the hits, in their order."""
    answer = await client.get("/logs", params=query)
    return [hit["msg"] for hit in answer.raise_for_status().json()["hits"]]


async def test_a_record_shows_the_documented_fields(ann: Client, write_log: WriteLog) -> None:
    write_log(
        {"id": 7}, component_id="c1", component_type="a.b.c.D", port="in", port_type="in",
        correlation_id="k1", sender_id="c0", sender_type="a.b.c.S", sender_port="out",
    )  # fmt: skip

    answer = (await ann.get("/logs")).json()

    hit = answer["hits"][0]
    assert hit.pop("_id")
    assert hit == {
        "_index": "appmixer-202601", "severity": "info",
        "@timestamp": "2026-01-30T10:00:00.000Z", "gridTimestamp": "2026-01-30T10:00:00.000Z",
        "flowId": "f1", "componentId": "c1", "componentType": "a.b.c.D", "portType": "in",
        "port": "in", "senderId": "c0", "senderType": "a.b.c.S", "senderPort": "out",
        "correlationId": "k1", "type": "data", "msg": '{"id": 7}',
    }  # fmt: skip


async def test_only_what_passed_a_port_is_data(ann: Client, write_log: WriteLog) -> None:
    write_log("Flow started.")
    write_log({"id": 7}, "2026-01-30T11:00:00", component_id="c1", port="out", port_type="out")

    hits = (await ann.get("/logs", params={"sort": "gridTimestamp"})).json()["hits"]

    # The metrics page of the command-line tool counts nothing else, and measures its `msg`.
    assert [hit.get("type") for hit in hits] == [None, "data"]


async def test_the_histogram_counts_everything_by_day(ann: Client, write_log: WriteLog) -> None:
    for at in ("2026-01-29T23:59:59", "2026-01-30T00:00:00", "2026-01-30T12:00:00"):
        write_log("x", at)

    answer = (await ann.get("/logs", params={"size": 1})).json()

    assert len(answer["hits"]) == 1
    assert [(one["key_as_string"], one["doc_count"]) for one in answer["buckets"]] == [
        ("2026-01-29T00:00:00.000Z", 1),
        ("2026-01-30T00:00:00.000Z", 2),
    ]
    assert answer["buckets"][0]["key"] == 1769644800000


async def test_the_newest_comes_first_unless_asked_otherwise(
    ann: Client, write_log: WriteLog
) -> None:
    write_log("b", "10:00:01", flow_id="f1")
    write_log("a", "10:00:00", flow_id="f2")
    write_log("c", "10:00:01", flow_id="f2")

    assert await found(ann) == ["c", "b", "a"]
    assert await found(ann, sort="gridTimestamp") == ["a", "b", "c"]
    assert await found(ann, sort="@timestamp:asc") == ["a", "b", "c"]
    assert await found(ann, sort=["flowId:desc", "gridTimestamp:asc"]) == ["a", "c", "b"]


async def test_pages_give_each_record_once(ann: Client, write_log: WriteLog) -> None:
    for number in range(7):
        write_log(str(number))  # all in the same millisecond

    pages = [await found(ann, size=3, **{"from": start}) for start in (0, 3, 6)]

    assert [text for page in pages for text in page] == list("6543210")


async def test_a_page_can_begin_after_the_last_record_seen(
    ann: Client, write_log: WriteLog
) -> None:
    write_log("a", "10:00:00", component_id="c1")
    write_log("b", "10:00:01", component_id="c1")
    write_log("c", "10:00:01", component_id="c2")
    sort = ["gridTimestamp:asc", "componentId:desc"]

    assert await found(ann, sort=sort[0], searchAfter="2026-01-30T10:00:00.000Z") == ["b", "c"]
    assert await found(ann, sort=sort, **{"searchAfter[]": ["2026-01-30T10:00:01.000Z", "c2"]}) == [
        "b"
    ]
    assert problem(await ann.get("/logs", params={"sort": sort, "searchAfter": "x"}))[0] == 400


async def test_pages_that_follow_one_another_give_each_record_once(
    ann: Client, write_log: WriteLog
) -> None:
    for number in range(7):
        write_log(str(number))  # all in the same millisecond
    sort = ["@timestamp:desc", "_id:desc"]

    pages: list[str] = []
    after: list[str] = []
    while True:
        query: dict[str, Any] = {"sort": sort, "size": 3, "searchAfter": after}
        hits = (await ann.get("/logs", params=query)).json()["hits"]
        if not hits:
            break
        pages += [hit["msg"] for hit in hits]
        after = [hits[-1]["@timestamp"], hits[-1]["_id"]]

    assert pages == list("6543210")


async def test_flows_and_port_types_narrow_the_search(ann: Client, write_log: WriteLog) -> None:
    write_log("a", flow_id="f1", port_type="in")
    write_log("b", flow_id="f2", port_type="out")
    write_log("c", flow_id="f3")

    assert await found(ann, flowId="f1") == ["a"]
    assert await found(ann, flowId=["f1", "f3"]) == ["c", "a"]
    assert await found(ann, portType="out") == ["b"]
    assert await found(ann, portType=["in", "out"]) == ["b", "a"]


async def test_traces_are_shown_only_when_asked_for(ann: Client, write_log: WriteLog) -> None:
    write_log("step", severity="trace")
    write_log("record")

    assert await found(ann) == ["record"]
    assert await found(ann, trace="true") == ["record", "step"]


async def test_fields_can_be_left_out(ann: Client, write_log: WriteLog) -> None:
    write_log("a")

    without = (await ann.get("/logs", params={"excludes": "msg,severity"})).json()["hits"][0]
    only = (await ann.get("/logs", params={"includes": "msg,flowId"})).json()["hits"][0]

    assert not {"msg", "severity"} & set(without)
    assert only == {"msg": "a", "flowId": "f1"}


@pytest.mark.parametrize(
    "query",
    [
        {"size": "1001"},
        {"size": "x"},
        {"sort": "colour:asc"},
        {"sort": "msg:up"},
        {"trace": "so"},
        {"portType": "sideways"},
        {"sort": ["msg"] * 11},
        {"flowId": ["f"] * 1_001},
    ],
)
async def test_a_parameter_that_makes_no_sense_is_named(ann: Client, query: dict[str, Any]) -> None:
    status, message = problem(await ann.get("/logs", params=query))

    assert status == 400
    assert next(iter(query)) in message


@pytest.mark.parametrize("path", ["/log/appmixer-202601", "/logs/any-index"])
async def test_one_record_is_shown_with_its_data_parsed(
    ann: Client, write_log: WriteLog, path: str
) -> None:
    write_log({"id": 7}, severity="error", err="{}")
    log_id = (await ann.get("/logs")).json()["hits"][0]["_id"]

    shown = (await ann.get(f"{path}/{log_id}")).json()

    assert shown["_id"] == log_id
    assert shown["_type"] == "engine"
    assert shown["_source"]["msg"] == {"id": 7}
    assert problem(await ann.get(f"{path}/unknown")) == (404, "Log record not found.")


async def test_flows_that_others_share_are_searched_too(
    ann: Client, connect: Connect, write_log: WriteLog
) -> None:
    shared = await saved(ann, {})
    share = {"email": "cleo@example.com", "permissions": ["read"]}
    await ann.put(f"/flows/{shared}", json={"sharedWith": [share]})
    write_log("shared words", flow_id=shared)
    write_log("other words", flow_id="f2")
    cleo = connect("cleo@example.com")

    for query in ({}, {"query": "words"}, {"flowId": shared}, {"flowId": [shared, "f2"]}):
        answer = (await cleo.get("/logs", params=query)).json()

        assert [hit["msg"] for hit in answer["hits"]] == ["shared words"]
        assert [bucket["doc_count"] for bucket in answer["buckets"]] == [1]
    log_id = answer["hits"][0]["_id"]
    assert (await cleo.get(f"/log/any/{log_id}")).status_code == 200


class TestRetention:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, log_retention_s=24 * 3600)

    async def test_a_record_is_gone_when_its_time_is_over(
        self, ann: Client, write_log: WriteLog, clock: ManualClock
    ) -> None:
        write_log("old", "2026-01-30T08:30")
        write_log("new", "2026-01-31T07:00")
        before = await found(ann)

        clock.turn(timedelta(hours=1))
        await anyio.wait_all_tasks_blocked()

        assert before == ["new", "old"]
        assert await found(ann) == ["new"]


class TestOtherDialect:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, dialect="openapi")

    async def test_the_other_dialect_is_a_list_of_four_fields(
        self, ann: Client, write_log: WriteLog
    ) -> None:
        write_log("a")
        write_log("b", severity="error", err="broken")

        listed = (await ann.get("/logs", params={"limit": 1, "offset": 0})).json()

        assert listed == [
            {
                "timestamp": "2026-01-30T10:00:00.000Z",
                "flowId": "f1",
                "message": "broken",
                "level": "error",
            }
        ]
