"""What `POST /logs` counts."""

from typing import Any

import pytest

from tests.sandbox.routes.conftest import Client, WriteLog, problem

BY_DAY = {"date_histogram": {"field": "@timestamp", "interval": "1d"}}
BY_COMPONENT = {"terms": {"field": "componentId"}}


@pytest.fixture
def orders(write_log: WriteLog) -> None:
    """Six records on three days, one of them an error."""
    write_log("order", "2026-01-28T23:00", component_id="c1", correlation_id="k1")
    write_log("order", "2026-01-30T08:00", component_id="c1", correlation_id="k2")
    write_log("sent", "2026-01-30T08:30", component_id="c2", correlation_id="k2")
    write_log("bad", "2026-01-30T09:15", component_id="c2", severity="error", err="timeout")
    write_log("order", "2026-01-31T00:00", component_id="c1", flow_id="f2", correlation_id="k3")
    write_log("Flow stopped.", "2026-01-31T01:00", flow_id="f2")


async def counted(client: Client, what: Any, **query: Any) -> Any:
    """Return the result of one aggregation."""
    answer = await client.post("/logs", params=query, json={"aggs": {"asked": what}, "size": 0})
    return answer.raise_for_status().json()["aggregations"]["asked"]


def shape(buckets: list[dict[str, Any]]) -> list[tuple[Any, int]]:
    return [(one.get("key_as_string", one["key"])[:16], one["doc_count"]) for one in buckets]


@pytest.mark.usefixtures("orders")
async def test_a_search_by_post_finds_the_same_and_counts_it(ann: Client) -> None:
    body = {
        "query": "order", "size": 2, "from": 1, "sort": [{"gridTimestamp": {"order": "asc"}}],
        "aggregations": {"components": BY_COMPONENT, "days": BY_DAY},
    }  # fmt: skip

    answer = (await ann.post("/logs", params={"flowId": ["f1", "f2"]}, json=body)).json()

    assert [hit["@timestamp"][:10] for hit in answer["hits"]] == ["2026-01-30", "2026-01-31"]
    assert [bucket["doc_count"] for bucket in answer["buckets"]] == [1, 1, 1]
    assert set(answer["aggregations"]) == {"components", "days"}
    assert answer["aggregations"]["components"] == {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": 0,
        "buckets": [{"key": "c1", "doc_count": 3}],
    }


@pytest.mark.usefixtures("orders")
async def test_a_search_without_a_body_counts_nothing(ann: Client) -> None:
    answer = await ann.post("/logs", params={"query": "severity:error"})

    assert [hit["msg"] for hit in answer.json()["hits"]] == ["bad"]
    assert answer.json()["aggregations"] == {}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"interval": "day"},
            [
                ("2026-01-28T00:00", 1),
                ("2026-01-29T00:00", 0),
                ("2026-01-30T00:00", 3),
                ("2026-01-31T00:00", 2),
            ],
        ),
        (
            {"fixed_interval": "2d", "min_doc_count": 2},
            [("2026-01-29T00:00", 3), ("2026-01-31T00:00", 2)],
        ),
        ({"calendar_interval": "week"}, [("2026-01-26T00:00", 6)]),
        ({"calendar_interval": "1M"}, [("2026-01-01T00:00", 6)]),
        ({"calendar_interval": "quarter"}, [("2026-01-01T00:00", 6)]),
        ({"calendar_interval": "year", "format": "yyyy"}, [("2026", 6)]),
        (
            {"fixed_interval": "1d", "format": "dd.MM.yy 'at' HH", "min_doc_count": 3},
            [("30.01.26 at 00", 3)],
        ),
        (
            {"interval": "12h", "min_doc_count": 1, "format": "epoch_millis"},
            [("1769601600000", 1), ("1769731200000", 3), ("1769817600000", 2)],
        ),
    ],
)
async def test_a_date_histogram_counts_by_interval(
    ann: Client, options: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    result = await counted(ann, {"date_histogram": {"field": "gridTimestamp", **options}})

    assert shape(result["buckets"]) == expected


@pytest.mark.usefixtures("orders")
async def test_a_histogram_of_a_window_counts_no_record_outside_of_it(ann: Client) -> None:
    window = "gridTimestamp:[2026-01-28T23:30:00Z TO 2026-01-31T00:30:00Z]"

    by_day = await counted(ann, BY_DAY, query=window)
    answer = await ann.get("/logs", params={"query": window})

    expected = [("2026-01-30T00:00", 3), ("2026-01-31T00:00", 1)]
    assert shape(by_day["buckets"]) == shape(answer.json()["buckets"]) == expected


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("options", "expected", "others"),
    [
        ({}, [("c1", 3), ("c2", 2)], 0),
        ({"size": 1}, [("c1", 3)], 2),
        ({"order": {"_count": "asc"}}, [("c2", 2), ("c1", 3)], 0),
        ({"order": [{"_key": "desc"}]}, [("c2", 2), ("c1", 3)], 0),
        ({"min_doc_count": 3}, [("c1", 3)], 0),
        ({"field": "componentId.keyword"}, [("c1", 3), ("c2", 2)], 0),
    ],
)
async def test_terms_count_by_value_and_leave_out_what_has_none(
    ann: Client, options: dict[str, Any], expected: list[tuple[str, int]], others: int
) -> None:
    result = await counted(ann, {"terms": {"field": "componentId", **options}})

    assert shape(result["buckets"]) == expected
    assert result["sum_other_doc_count"] == others


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("metric", "field", "expected"),
    [
        ("value_count", "componentId", {"value": 5}),
        ("value_count", "@timestamp", {"value": 6}),
        ("cardinality", "correlationId", {"value": 3}),
        (
            "min",
            "@timestamp",
            {"value": 1769641200000, "value_as_string": "2026-01-28T23:00:00.000Z"},
        ),
        (
            "max",
            "gridTimestamp",
            {"value": 1769821200000, "value_as_string": "2026-01-31T01:00:00.000Z"},
        ),
        ("sum", "@timestamp", {"value": 10618566300000}),
    ],
)
async def test_metrics_are_single_values(
    ann: Client, metric: str, field: str, expected: dict[str, Any]
) -> None:
    assert await counted(ann, {metric: {"field": field}}) == expected


@pytest.mark.usefixtures("orders")
async def test_the_mean_of_instants_is_an_instant(ann: Client) -> None:
    result = await counted(ann, {"avg": {"field": "@timestamp"}}, flowId="f2")

    assert result == {"value": 1769819400000, "value_as_string": "2026-01-31T00:30:00.000Z"}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"match_all": {}}, 6),
        ({"query_string": {"query": "order AND componentId:c1"}}, 3),
        ({"term": {"severity": "error"}}, 1),
        ({"term": {"severity": {"value": "error"}}}, 1),
        ({"terms": {"componentId": ["c1", "c2"]}}, 5),
        ({"terms": {"componentId": []}}, 0),
        ({"match": {"msg": "sent stopped"}}, 2),
        ({"match": {"msg": {"query": "flow stopped", "operator": "and"}}}, 1),
        ({"match_phrase": {"msg": "stopped flow"}}, 0),
        ({"wildcard": {"componentId": {"value": "?2"}}}, 2),
        ({"wildcard": {"@timestamp": "2026-01-30"}}, 3),
        ({"exists": {"field": "err"}}, 1),
        ({"range": {"@timestamp": {"gte": "2026-01-30", "lt": "2026-01-31"}}}, 3),
        ({"range": {"@timestamp": {"gt": 1769731200000, "time_zone": "UTC"}}}, 5),
        ({"range": {"componentId": {"gte": "c2"}}}, 2),
        (
            {
                "bool": {
                    "must": {"term": {"componentId": "c1"}},
                    "must_not": [{"term": {"flowId": "f2"}}],
                }
            },
            2,
        ),
        ({"bool": {"should": [{"term": {"severity": "error"}}, {"term": {"flowId": "f2"}}]}}, 3),
        ({"bool": {"filter": [{"match_all": {}}], "should": [{"term": {"severity": "error"}}]}}, 6),
        (
            {
                "bool": {
                    "filter": [{"match_all": {}}],
                    "should": [{"term": {"severity": "error"}}],
                    "minimum_should_match": 1,
                }
            },
            1,
        ),
    ],
)
async def test_a_filter_counts_what_fulfils_it(
    ann: Client, asked: dict[str, Any], count: int
) -> None:
    assert await counted(ann, {"filter": asked}) == {"doc_count": count}
    listed = (await ann.post("/logs", json={"query": asked})).json()
    assert len(listed["hits"]) == count


@pytest.mark.usefixtures("orders")
async def test_buckets_are_counted_further_inside(ann: Client) -> None:
    result = await counted(
        ann,
        {
            **BY_DAY,
            "aggs": {
                "components": {
                    "terms": {"field": "componentId", "size": 1},
                    "aggs": {"passes": {"cardinality": {"field": "correlationId"}}},
                },
                "failed": {
                    "filter": {"term": {"severity": "error"}},
                    "aggs": {"latest": {"max": {"field": "@timestamp"}}},
                },
            },
        },
    )

    nothing = {"doc_count": 0, "latest": {"value": None}}
    days = [
        (
            bucket["key_as_string"][:10],
            [(one["key"], one["passes"]["value"]) for one in bucket["components"]["buckets"]],
            bucket["failed"]["doc_count"],
        )
        for bucket in result["buckets"]
    ]
    assert days == [
        ("2026-01-28", [("c1", 1)], 0),
        ("2026-01-29", [], 0),
        ("2026-01-30", [("c2", 1)], 1),
        ("2026-01-31", [("c1", 1)], 0),
    ]
    assert [one["failed"] for one in result["buckets"]].count(nothing) == 3


async def test_where_nothing_is_found_the_results_are_empty(ann: Client) -> None:
    aggs = {
        "days": BY_DAY, "components": BY_COMPONENT, "latest": {"max": {"field": "@timestamp"}},
        "sum": {"sum": {"field": "@timestamp"}}, "count": {"value_count": {"field": "flowId"}},
        "failed": {"filter": {"term": {"severity": "error"}}, "aggs": {"days": BY_DAY}},
    }  # fmt: skip

    answer = (await ann.post("/logs", json={"aggs": aggs})).json()

    assert answer["aggregations"] == {
        "days": {"buckets": []},
        "components": {"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": []},
        "latest": {"value": None},
        "sum": {"value": 0},
        "count": {"value": 0},
        "failed": {"doc_count": 0, "days": {"buckets": []}},
    }


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("x", "object"),
        ({}, "one key"),
        ({"terms": {"field": "flowId"}, "sum": {"field": "flowId"}}, "one key"),
        ({"percentiles": {"field": "@timestamp"}}, "'percentiles'"),
        ({"terms": {}}, "terms.field"),
        ({"terms": {"field": "colour"}}, "'colour'"),
        ({"terms": {"field": "msg"}}, "msg"),
        ({"terms": {"field": "_id"}}, "_id"),
        ({"terms": {"field": "flowId", "size": 0}}, "size"),
        ({"terms": {"field": "flowId", "size": True}}, "size"),
        ({"terms": {"field": "flowId", "order": {"latest": "asc"}}}, "order"),
        ({"terms": {"field": "flowId", "include": "f.*"}}, "'include'"),
        ({"sum": {"field": "flowId"}}, "value_count and cardinality"),
        ({"sum": {"field": "@timestamp"}, "aggs": {"x": BY_DAY}}, "inside"),
        ({"date_histogram": {"field": "flowId", "interval": "1d"}}, "gridTimestamp"),
        ({"date_histogram": {"field": "@timestamp"}}, "calendar_interval"),
        ({"date_histogram": {"field": "@timestamp", "interval": "soon"}}, "'soon'"),
        ({"date_histogram": {"field": "@timestamp", "interval": "0d"}}, "'0d'"),
        (
            {
                "date_histogram": {
                    "field": "@timestamp",
                    "interval": "1d",
                    "time_zone": "Europe/Prague",
                }
            },
            "time_zone",
        ),
        ({"date_histogram": {"field": "@timestamp", "interval": "1d", "format": "EEEE"}}, "'EEEE'"),
        ({"date_histogram": {"field": "@timestamp", "interval": "1s"}}, "10,000 buckets"),
        ({"filter": {"fuzzy": {"msg": "x"}}}, "'fuzzy'"),
        ({"filter": {"term": {"msg": ["x"]}}}, "text or a number"),
        ({"filter": {"range": {"@timestamp": {"after": 1}}}}, "'after'"),
        ({"filter": {"range": {"@timestamp": {"gte": 1.5e300}}}}, "no instant"),
        ({"filter": {"bool": {"might": []}}}, "'might'"),
        ({"filter": {"query_string": {"query": "a AND"}}}, "no valid Lucene"),
        ({"filter": {"terms": {"flowId": ["x"] * 1_001}}}, "1000 values"),
    ],
)
async def test_an_aggregation_that_makes_no_sense_is_refused_with_the_reason(
    ann: Client, what: Any, part: str
) -> None:
    status, message = problem(await ann.post("/logs", json={"aggs": {"asked": what}}))

    assert status == 400
    assert part in message


async def test_what_is_nested_too_deeply_is_refused(ann: Client) -> None:
    deep: dict[str, Any] = {}
    for _ in range(6):
        deep = {"x": {**BY_COMPONENT, "aggs": deep}}
    filters: dict[str, Any] = {"match_all": {}}
    for _ in range(30):
        filters = {"bool": {"must": filters}}

    assert "5 levels" in problem(await ann.post("/logs", json={"aggs": deep}))[1]
    assert "20 levels" in problem(await ann.post("/logs", json={"query": filters}))[1]
    many = {str(number): BY_DAY for number in range(51)}
    assert "50 aggregations" in problem(await ann.post("/logs", json={"aggs": many}))[1]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"aggs": []},
        {"size": -1},
        {"size": 1_001},
        {"sort": {"a": 1, "b": 1}},
        {"sort": "x:up"},
        {"search_after": ["a", "b"]},
        {"query": 5},
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(ann: Client, body: Any) -> None:
    assert problem(await ann.post("/logs", json=body))[0] == 400


@pytest.mark.usefixtures("orders")
async def test_nobody_counts_what_belongs_to_others(ann: Client, bob: Client) -> None:
    for aggs in ({"x": BY_COMPONENT}, {"x": {"value_count": {"field": "flowId"}}}):
        answer = (await bob.post("/logs", params={"flowId": "f1"}, json={"aggs": aggs})).json()

        assert answer["aggregations"]["x"].get("buckets", []) == []
        assert answer["aggregations"]["x"].get("value", 0) == 0
