"""Lucene queries over log records: what they find, and why they are refused."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.log_conditions import Reach
from appmixer_mcp.sandbox.log_index import index_some
from appmixer_mcp.sandbox.log_query import log_search
from appmixer_mcp.sandbox.logs import LogRecord

Search = Callable[[str], list[str]]
NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    """Five records to search in, and the search: the texts found, the newest first."""
    database = Database(tmp_path_factory.mktemp("logs") / "tenant.db")

    def write(at: str, msg: str, flow_id: str = "f1", **fields: str) -> None:
        at_ms = to_ms(datetime.fromisoformat(at).replace(tzinfo=UTC))
        record = LogRecord(user_id="ann", flow_id=flow_id, at_ms=at_ms, msg=msg, **fields)
        logs.write(database, record)

    with database.transaction():
        write("2026-01-29T10:00", "Flow started.", flow_id="f2")
        write(
            "2026-01-30T10:00", '{"order": "A-7", "city": "Plzeň"}', component_id="c1",
            port_type="out",
        )  # fmt: skip
        write(
            "2026-01-30T11:00", '{"order": "A-8", "discount": "50%"}', component_id="c2",
            port_type="in",
        )  # fmt: skip
        write(
            "2026-01-30T12:00", "Bad thing", severity="error", component_id="c2",
            err='{"message":"timeout"}', component_type="appmixer.utils.http.Get",
            correlation_id="k 1",
        )  # fmt: skip
        write("2026-01-31T07:59", '{"order": "B_9"}', input_messages='{"in":[{"deep":"treasure"}]}')
    while index_some(database):
        pass

    def search(query: str) -> list[str]:
        asked = log_search(QueryParams({"query": query}), Reach("ann"), NOW)
        found = asked.run(database.connection)
        hits = [str(hit.get("msg")) for hit in found["hits"]]
        assert sum(bucket["doc_count"] for bucket in found["buckets"]) == len(hits)
        return hits

    yield search
    database.close()


FLOW, A7, A8, BAD, B9 = "Flow", "A-7", "A-8", "Bad", "B_9"


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
        ('msg:"A-?"', [A8, A7]),
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
        ("componentId:c2 && portType:in", [A8]),
        ("componentId:c1||componentId:c2", [BAD, A8, A7]),
        ("!severity:error && !portType:in", [B9, A7, FLOW]),
        ('msg:"a && b"', []),
        (r"correlationId:a\&&b", []),
        ("msg:time", []),
        ("tim*", [BAD]),
        ("err:*meou*", [BAD]),
        ("err:tim?out", [BAD]),
        ("msg:disc*", [A8]),
        ("*7*", [A7]),
        ('"order A"', [A8, A7]),
        ('"A order"', []),
        ("msg:(city 8)", [A8, A7]),
        ("msg:(+order -city)", [B9, A8]),
        ("msg:(order AND NOT city)", [B9, A8]),
        ("severity:error OR treasure", [B9, BAD]),
        ("severity:error OR (treasure AND NOT timeout)", [B9, BAD]),
        ("NOT order", [BAD, FLOW]),
        ("order AND componentId:c1", [A7]),
        ("order AND correlationId:*", []),
        ("%", [A8]),
        ("componentId:[c1 TO c2}", [A7]),
        ("componentId:{c1 TO *]", [BAD, A8]),
        ("componentId:>=c2", [BAD, A8]),
        ("severity:[error TO error]", [BAD]),
        ("msg:[Bad TO Bae]", [BAD]),
        ("componentId.keyword:c1", [A7]),
        ("_exists_:componentId AND NOT _exists_:portType", [BAD]),
        ("_exists_:@timestamp", [B9, BAD, A8, A7, FLOW]),
        ("_id:nothing", []),
        ("gridTimestamp:[now-1d/d TO now-1d/d]", [BAD, A8, A7]),
        ("gridTimestamp:2026-01 AND severity:error", [BAD]),
        ("gridTimestamp:2026-01-30 OR flowId:f2", [BAD, A8, A7, FLOW]),
        ("NOT gridTimestamp:2026-01-30", [B9, FLOW]),
        ("gridTimestamp:2026-01-30T11:00", [A8]),
        ("order AND gridTimestamp:[2026-01-30T10:30:00Z TO *]", [B9, A8]),
        ("gridTimestamp:[99999999999999 TO *]", []),
        ("NOT (" * 13 + "order" + ")" * 13, [BAD, FLOW]),
        ("city OR (discount AND " * 13 + "order" + ")" * 13, [A8, A7]),
        ("severity:error OR (order AND componentId:* AND NOT componentId:c2)", [BAD, A7]),
        ("nothing", []),
    ],
)
def test_a_query_finds_what_it_describes(search: Search, query: str, expected: list[str]) -> None:
    found = search(query)

    assert len(found) == len(expected), found
    assert all(part in text for part, text in zip(expected, found, strict=True)), found


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
        ("a &&", "no valid Lucene"),
        ("[a TO b]", "gridTimestamp"),
        ("_exists_:(msg err)", "'(msg err)'"),
        ("gridTimestamp:[soon TO *]", "'soon'"),
        ("gridTimestamp:[2026-13-01 TO *]", "'2026-13-01'"),
        ("gridTimestamp:[now-999999w TO *]", "now-15m"),
        ("gridTimestamp:x*", "instant"),
        ("a " * 101, "100 clauses"),
        ("a" * 5_001, "5000 characters"),
        ("*" + "a?" * 300, "500 characters"),
        ("(" * 40 + "a" + ")" * 40, "30 levels"),
        ("NOT " * 40 + "a", "30 levels"),
        ("_exists_:colour", "'colour'"),
        ("x'; DROP TABLE log; --:1", "no valid Lucene"),
    ],
)
def test_a_query_that_cannot_be_understood_says_why(search: Search, query: str, part: str) -> None:
    with pytest.raises(InputError, match=re.escape(part)):
        search(query)

    assert len(search("")) == 5


@given(
    st.text(alphabet="ab:*?\"()[]{}+-!&|\\/~^<>= \n\0'\u0130\u6771🎉TONRAD_:msgflowId", max_size=40)
)
def test_any_text_is_either_answered_or_refused(search: Search, query: str) -> None:
    try:
        found = search(query)
    except InputError:
        return

    assert len(found) <= 5
