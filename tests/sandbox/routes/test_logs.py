"""Log records: searched, sorted, paged, and looked at one by one."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.logs import LogRecord
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem

Write = Callable[..., None]


@pytest.fixture
async def write(ann: Client, tenant: Tenant) -> Write:
    """Write a record of Ann's; `at` is the time of 2026-01-30, or a whole instant."""
    user_id = (await ann.get("/user")).json()["id"]

    def write(msg: Any, at: str = "10:00:00", **fields: str) -> None:
        instant = at if "T" in at else f"2026-01-30T{at}"
        record = LogRecord(
            user_id=user_id,
            flow_id=fields.pop("flow_id", "f1"),
            at_ms=to_ms(datetime.fromisoformat(instant).replace(tzinfo=UTC)),
            msg=msg if isinstance(msg, str) else json.dumps(msg, ensure_ascii=False),
            **fields,
        )
        with tenant.database.transaction():
            logs.write(tenant.database, record)

    return write


async def found(client: Client, **query: Any) -> list[str]:
    """Return the texts of the hits, in their order."""
    answer = await client.get("/logs", params=query)
    return [hit["msg"] for hit in answer.raise_for_status().json()["hits"]]


async def test_a_record_shows_the_documented_fields(ann: Client, write: Write) -> None:
    write(
        {"id": 7}, component_id="c1", component_type="a.b.c.D", port="in", port_type="in",
        correlation_id="k1", sender_id="c0", sender_type="a.b.c.S", sender_port="out",
    )  # fmt: skip

    answer = (await ann.get("/logs")).json()

    hit = answer["hits"][0]
    assert len(hit.pop("_id")) == 32
    assert hit == {
        "_index": "appmixer-202601", "severity": "info",
        "@timestamp": "2026-01-30T10:00:00.000Z", "gridTimestamp": "2026-01-30T10:00:00.000Z",
        "flowId": "f1", "componentId": "c1", "componentType": "a.b.c.D", "portType": "in",
        "port": "in", "senderId": "c0", "senderType": "a.b.c.S", "senderPort": "out",
        "correlationId": "k1", "msg": '{"id": 7}',
    }  # fmt: skip


async def test_the_histogram_counts_everything_by_day(ann: Client, write: Write) -> None:
    for at in ("2026-01-29T23:59:59", "2026-01-30T00:00:00", "2026-01-30T12:00:00"):
        write("x", at)

    answer = (await ann.get("/logs", params={"size": 1})).json()

    assert len(answer["hits"]) == 1
    assert [(one["key_as_string"], one["doc_count"]) for one in answer["buckets"]] == [
        ("2026-01-29T00:00:00.000Z", 1),
        ("2026-01-30T00:00:00.000Z", 2),
    ]
    assert answer["buckets"][0]["key"] == 1769644800000


async def test_the_newest_comes_first_unless_asked_otherwise(ann: Client, write: Write) -> None:
    write("b", "10:00:01", flow_id="f1")
    write("a", "10:00:00", flow_id="f2")
    write("c", "10:00:01", flow_id="f2")

    assert await found(ann) == ["c", "b", "a"]
    assert await found(ann, sort="gridTimestamp") == ["a", "b", "c"]
    assert await found(ann, sort="@timestamp:asc") == ["a", "b", "c"]
    assert await found(ann, sort=["flowId:desc", "gridTimestamp:asc"]) == ["a", "c", "b"]


async def test_pages_give_each_record_once(ann: Client, write: Write) -> None:
    for number in range(7):
        write(str(number))  # all in the same millisecond

    pages = [await found(ann, size=3, **{"from": start}) for start in (0, 3, 6)]

    assert [text for page in pages for text in page] == list("6543210")


async def test_a_page_can_begin_after_the_last_record_seen(ann: Client, write: Write) -> None:
    write("a", "10:00:00", component_id="c1")
    write("b", "10:00:01", component_id="c1")
    write("c", "10:00:01", component_id="c2")
    sort = ["gridTimestamp:asc", "componentId:desc"]

    assert await found(ann, sort=sort[0], searchAfter="2026-01-30T10:00:00.000Z") == ["b", "c"]
    assert await found(ann, sort=sort, **{"searchAfter[]": ["2026-01-30T10:00:01.000Z", "c2"]}) == [
        "b"
    ]
    assert problem(await ann.get("/logs", params={"sort": sort, "searchAfter": "x"}))[0] == 400


async def test_flows_and_port_types_narrow_the_search(ann: Client, write: Write) -> None:
    write("a", flow_id="f1", port_type="in")
    write("b", flow_id="f2", port_type="out")
    write("c", flow_id="f3")

    assert await found(ann, flowId="f1") == ["a"]
    assert await found(ann, flowId=["f1", "f3"]) == ["c", "a"]
    assert await found(ann, portType="out") == ["b"]
    assert await found(ann, portType=["in", "out"]) == ["b", "a"]


async def test_traces_are_shown_only_when_asked_for(ann: Client, write: Write) -> None:
    write("step", severity="trace")
    write("record")

    assert await found(ann) == ["record"]
    assert await found(ann, trace="true") == ["record", "step"]


async def test_fields_can_be_left_out(ann: Client, write: Write) -> None:
    write("a")

    without = (await ann.get("/logs", params={"excludes": "msg,severity"})).json()["hits"][0]
    only = (await ann.get("/logs", params={"includes": "msg,flowId"})).json()["hits"][0]

    assert not {"msg", "severity"} & set(without)
    assert only == {"msg": "a", "flowId": "f1"}


@pytest.fixture
def orders(write: Write) -> None:
    """Five records to search in."""
    write("Flow started.", "2026-01-29T10:00:00", flow_id="f2")
    write({"order": "A-7", "city": "Plzeň"}, "10:00:00", component_id="c1", port_type="out")
    write({"order": "A-8", "discount": "50%"}, "11:00:00", component_id="c2", port_type="in")
    write(
        "Bad thing", "12:00:00", severity="error", component_id="c2", err='{"message":"timeout"}',
        component_type="appmixer.utils.http.Get", correlation_id="k 1",
    )  # fmt: skip
    write({"order": "B_9"}, "2026-01-31T07:59:00", input_messages='{"in":[{"deep":"treasure"}]}')


FLOW, A7, A8, BAD, B9 = "Flow", "A-7", "A-8", "Bad", "B_9"


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [B9, BAD, A8, A7, FLOW]),
        ("*", [B9, BAD, A8, A7, FLOW]),
        ("*:*", [B9, BAD, A8, A7, FLOW]),
        ("severity:error", [BAD]),
        ("severity:Error", []),
        ("NOT severity:error", [B9, A8, A7, FLOW]),
        ("-severity:error", [B9, A8, A7, FLOW]),
        ("componentId:c1 OR componentId:c2", [BAD, A8, A7]),
        ("componentId:c1 componentId:c2", [BAD, A8, A7]),
        ("componentId:(c1 OR c2)", [BAD, A8, A7]),
        ("componentId:(c1 c2) -portType:in", [BAD, A7]),
        ("componentId:c2 AND portType:in", [A8]),
        ("+componentId:c2 +severity:info", [A8]),
        ("+componentId:c2 severity:error", [BAD, A8]),
        ("componentId:c2 AND +severity:error", [BAD]),
        ("componentId:c2 AND NOT (portType:in OR portType:out)", [BAD]),
        ("(componentId:c1 OR severity:error) AND flowId:f1", [BAD, A7]),
        ("timeout", [BAD]),
        ("TIMEOUT", [BAD]),
        ("Plzeň", [A7]),
        ("treasure", [B9]),
        ("inputMessages:treasure", [B9]),
        ("msg:treasure", []),
        ('msg:"Flow started."', [FLOW]),
        ('"flow started"', [FLOW]),
        (r'msg:"\"order\""', [B9, A8, A7]),
        ("msg:order", [B9, A8, A7]),
        ("msg:A-?", [A8, A7]),
        ("msg:flow*ed", [FLOW]),
        ('msg:"A-?"', []),
        ("msg:50%", [A8]),
        ("msg:5%", []),
        ("msg:B_9", [B9]),
        ("msg:A_7", []),
        (r"msg:A\-7", [A7]),
        ("componentType:appmixer.utils.*", [BAD]),
        ("componentType:appmixer", []),
        ('correlationId:"k 1"', [BAD]),
        (r"correlationId:k\ 1", [BAD]),
        ("_exists_:err", [BAD]),
        ("err:*", [BAD]),
        ("componentId:[* TO *]", [BAD, A8, A7]),
        ("gridTimestamp:[2026-01-30 TO 2026-01-30]", [BAD, A8, A7]),
        ("gridTimestamp:2026-01-29", [FLOW]),
        ("gridTimestamp:{2026-01-29 TO 2026-01-31}", [BAD, A8, A7]),
        ("gridTimestamp:[2026-01-29 TO 2026-01-30}", [FLOW]),
        ("@timestamp:[2026-01-30T11:00:00Z TO *]", [B9, BAD, A8]),
        ("@timestamp:{2026-01-30T11:00:00.000Z TO *}", [B9, BAD]),
        ('@timestamp:[* TO "2026-01-30T12:00:00+02:00"]', [A7, FLOW]),
        ("@timestamp:[* TO 1769767200000]", [A7, FLOW]),
        ("gridTimestamp:[now-1h TO now]", [B9]),
        ("gridTimestamp:>=2026-01-31", [B9]),
        ("gridTimestamp:<2026-01-30", [FLOW]),
        ('gridTimestamp:["2026-01-30T10:00:00Z" TO "2026-01-30T10:30:00Z"]', [A7]),
        ("gridTimestamp:[* TO *]", [B9, BAD, A8, A7, FLOW]),
        ("@timestamp:[2026-01-30 TO *] AND +flowId:f1", [B9, BAD, A8, A7]),
        ("severity:error^2", [BAD]),
        ("nothing", []),
    ],
)
async def test_a_query_finds_what_it_describes(
    ann: Client, query: str, expected: list[str]
) -> None:
    hits = await found(ann, query=query)

    assert len(hits) == len(expected), hits
    assert all(part in text for part, text in zip(expected, hits, strict=True)), hits


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("a AND", "no valid Lucene"),
        ("(a OR b", "no valid Lucene"),
        ('"open', "no valid Lucene"),
        ("colour:red", "'colour'"),
        ("time:10:30", "'time'"),
        ("severity:10:30", "quotation marks"),
        ("roam~", "fuzzy"),
        ("/a.*b/", "regex"),
        ('"a b"~2', "proximity"),
        ("a && b", "AND"),
        ("msg:[a TO b]", "gridTimestamp"),
        ("[a TO b]", "gridTimestamp"),
        ("gridTimestamp:[soon TO *]", "'soon'"),
        ("gridTimestamp:[2026-13-01 TO *]", "'2026-13-01'"),
        ("gridTimestamp:[now-999999w TO *]", "now-15m"),
        ("gridTimestamp:x*", "instant"),
        ("a " * 101, "100 clauses"),
        ("a" * 5_001, "5000 characters"),
        ("(" * 40 + "a" + ")" * 40, "30 levels"),
        ("NOT " * 40 + "a", "30 levels"),
        ("_exists_:colour", "'colour'"),
        ("x'; DROP TABLE log; --:1", ""),
    ],
)
async def test_a_query_that_cannot_be_understood_says_why(
    ann: Client, query: str, part: str
) -> None:
    status, message = problem(await ann.get("/logs", params={"query": query}))

    assert status == 400
    assert part in message
    assert len(await found(ann)) == 5


@pytest.mark.parametrize(
    "query",
    [{"size": "1001"}, {"size": "x"}, {"sort": "colour:asc"}, {"sort": "msg:up"}, {"trace": "so"}],
)
async def test_a_parameter_that_makes_no_sense_is_named(ann: Client, query: dict[str, str]) -> None:
    status, message = problem(await ann.get("/logs", params=query))

    assert status == 400
    assert next(iter(query)) in message


@pytest.mark.parametrize("path", ["/log/appmixer-202601", "/logs/any-index"])
async def test_one_record_is_shown_with_its_data_parsed(
    ann: Client, write: Write, path: str
) -> None:
    write({"id": 7}, severity="error", err="{}")
    log_id = (await ann.get("/logs")).json()["hits"][0]["_id"]

    shown = (await ann.get(f"{path}/{log_id}")).json()

    assert shown["_id"] == log_id
    assert shown["_type"] == "engine"
    assert shown["_source"]["msg"] == {"id": 7}
    assert problem(await ann.get(f"{path}/unknown")) == (404, "Log record not found.")


@pytest.mark.usefixtures("orders")
async def test_a_search_by_post_finds_the_same(ann: Client) -> None:
    answer = await ann.post("/logs", params={"query": "severity:error"}, json={})
    refused = await ann.post("/logs", json={"aggs": {"x": {"terms": {"field": "flowId"}}}})

    assert [hit["msg"] for hit in answer.json()["hits"]] == ["Bad thing"]
    assert answer.json()["aggregations"] == {}
    assert problem(refused)[0] == 400
    assert "aggregations" in refused.json()["message"]


class TestOtherDialect:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, dialect="openapi")

    async def test_the_other_dialect_is_a_list_of_four_fields(
        self, ann: Client, write: Write
    ) -> None:
        write("a")
        write("b", severity="error", err="broken")

        listed = (await ann.get("/logs", params={"limit": 1, "offset": 0})).json()

        assert listed == [
            {
                "timestamp": "2026-01-30T10:00:00.000Z",
                "flowId": "f1",
                "message": "broken",
                "level": "error",
            }
        ]
