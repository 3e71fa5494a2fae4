"""The catalogue of modifiers: what each makes of a value."""

import math
import sys
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import modifiers
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.evaluator import EvaluationError, evaluate, knows_javascript
from appmixer_mcp.sandbox.javascript import UNDEFINED
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import FlowFacts
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler

FACTS = FlowFacts(
    flow_id="f",
    flow_name="n",
    user_id="u",
    webhook_url="w",
    custom_fields=lambda: {"team": "sales"},
    now=datetime(2026, 1, 31, 8, 0, tzinfo=UTC),
)


def apply(
    name: str, value: Json, *arguments: Json, named: Mapping[str, Json] | None = None
) -> Json:
    """Run a value through a modifier, as a transform does; UNDEFINED when nothing is left."""
    function = {
        "name": name,
        "params": [
            one if isinstance(one, dict) and "modifiers" in one else {"value": one}
            for one in arguments
        ],
        "hashParams": {key: {"value": one} for key, one in (named or {}).items()},
    }
    bindings = {"x": {"b": {"variable": "$.c.out.value", "functions": [function]}}}
    compiler = TransformCompiler()
    transform = compiler.compile({"lambda": {"x": "{{{b}}}"}, "modifiers": bindings})
    assert compiler.problems == []
    outputs = {"c": {"out": {} if value is UNDEFINED else {"value": value}}}
    return transform.resolve({}, outputs, FACTS).get("x", UNDEFINED)


CASES: list[tuple[str, Json, tuple[Json, ...], Json]] = [
    ("g_stringify", {"a": 1}, (), '{"a":1}'),
    ("g_stringify", "x", (), '"x"'),
    ("g_length", "abc", (), 3),
    ("g_length", [1, 2], (), 2),
    ("g_length", 5, (), 0),
    ("g_length", None, (), 0),
    ("g_length", {"a": 1}, (), 0),
    ("g_condition", "", ("yes", "no"), "no"),
    ("g_condition", "false", ("yes", "no"), "yes"),
    ("g_condition", [], ("yes", "no"), "yes"),
    ("g_equals", 1, ("1",), True),
    ("g_equals", True, ("true",), False),
    ("g_equals", {"a": [1]}, ({"a": [1]},), True),
    ("g_equals", {"a": 1}, ({"a": 2},), False),
    ("g_equals", None, (0,), False),
    ("g_not", 0, (), True),
    ("g_not", "false", (), False),
    ("g_jsonPath", {"a": {"b": 1}}, ("a.b",), 1),
    ("g_jsonPath", {"a": [{"b": 1}, {"b": 2}]}, ("$.a[*].b",), [1, 2]),
    ("g_jsonPath", {"a": [{"b": 1}, {"b": 2}]}, ("$..b",), [1, 2]),
    ("g_jsonPath", [{"b": 1}, {"b": 2}], ("[1].b",), 2),
    ("g_jsonPath", [1, 2, 3], ("$[0:2]",), [1, 2]),
    ("g_jsonPath", [1, 2, 3], ("$[-1]",), 3),
    ("g_jsonPath", {"a b": 1}, ("$['a b']",), 1),
    ("g_jsonPath", {"a": 1}, ("b",), UNDEFINED),
    ("g_jsonPath", {"a": [{"x": 1}, {"x": 2}]}, ("$.a[?(@.x>1)].x",), 2),
    ("g_jsonPath", {"a": [{"x": 1}, {"x": 2}]}, ("a[?(@.x===1 || @.x===2)].x",), [1, 2]),
    ("g_jsonPath", {"a": [{"on": True, "x": 1}, {"on": False, "x": 2}]}, ("a[?(@.on)].x",), 1),
    ("g_jsonPath", {"a": [{"on": True, "x": 1}, {"x": 2}]}, ("a[?(!@.on)].x",), 2),
    ("g_jsonPath", {"a": [{"n": "Ada"}, {"n": ""}]}, ("a[?(@.n.length > 0)].n",), "Ada"),
    ("g_jsonPath", {"a": [{"n": "Ada"}, {"n": "Bo"}]}, ("a[?search(@.n, '^B')].n",), "Bo"),
    ("g_jsonPath", {"a": [{"n": "1.5"}, {"n": 1.5}]}, ("a[?(@.n=='1.5')].n",), "1.5"),
    ("g_jsonPath", {"a": [5, 6, 7]}, ("$.a[(@.length-1)]",), 7),
    ("g_jsonPath", {"a": [5, 6, 7]}, ("$.a.1",), 6),
    ("g_jsonPath", {"a": {"b": 1, "c": 2}}, ("$.a['b','c']",), [1, 2]),
    ("g_jsonPath", {"a-b": 1}, ("a-b",), 1),
    ("g_jsonPath", 5, ("a",), UNDEFINED),
    ("g_jsonPath", '{"a": 1}', ("a",), UNDEFINED),
    ("g_pick", [{"id": 1}, {"x": 2}], ("id",), [1, None]),
    ("g_pick", [{"a": [1, 2]}, {"a": [3]}], ("a[*]",), [1, 3]),
    ("g_pick", "text", ("id",), "text"),
    ("g_jsonata", {"a": [1, 2]}, ("$sum(a)",), 3),
    ("g_jsonata", [{"n": 1}, {"n": 5}], ("$[n > 1].n",), 5),
    ("g_jsonata", {"a": None}, ("a",), None),
    ("g_jsonata", {"a": 1}, ("b",), UNDEFINED),
    ("g_jsonata", {"a": 1}, ("a +",), {"a": 1}),
    ("g_join", [1, 2], (), "1,2"),
    ("g_join", ["a", None, {"x": 1}], (" ",), "a  [object Object]"),
    ("g_join", "text", ("-",), "text"),
    ("g_first", [1, 2], (), 1),
    ("g_last", [1, 2], (), 2),
    ("g_first", [], (), UNDEFINED),
    ("g_first", "text", (), "text"),
    ("g_nthIndex", ["a", "b"], ("1",), "b"),
    ("g_nthIndex", ["a", "b"], (2,), ["a", "b"]),
    ("g_nthIndex", ["a", "b"], (-1,), ["a", "b"]),
    ("g_initial", [1, 2, 3], (), [1]),
    ("g_initial", [1, 2, 3], (2,), [1, 2]),
    ("g_tail", [1, 2, 3], (), [2, 3]),
    ("g_tail", [1, 2, 3], ("2",), [3]),
    ("g_reverse", [1, 2], (), [2, 1]),
    ("g_reverse", "ab", (), "ab"),
    ("g_flatten", [[1], [[2]]], (), [1, [2]]),
    ("g_flatten", [[1], [[2]]], (True,), [1, 2]),
    ("g_sum", [1, 2.5], (), 3.5),
    ("g_sum", ["1", "2"], (), "12"),
    ("g_sum", [1, 2, "a", 3, None], (), "3a3null"),
    ("g_sum", [None, 2], (), 2),
    ("g_sum", [], (), 0),
    ("g_maxList", [1, 3, 2], (), 3),
    ("g_maxList", [], (), UNDEFINED),
    ("g_minList", [2, "1", 3], (), 1),
    ("g_avgList", [1, 2, 6], (), 3),
    ("g_deduplicate", [1, 1, "1", {"a": 1}, {"a": 1}], (), [1, "1", {"a": 1}]),
    ("g_deduplicate", [{"k": 1, "n": 1}, {"k": 1, "n": 2}], ("k",), [{"k": 1, "n": 1}]),
    ("g_deduplicate", "abca", (), ["a", "b", "c"]),
    ("g_toPairs", {"a": 1}, (), [["a", 1]]),
    ("g_keys", {"a": 1}, (), ["a"]),
    ("g_values", {"a": 1}, (), [1]),
    ("g_set", {"a": 1}, ("b.c", "text"), {"a": 1, "b": {"c": "text"}}),
    ("g_set", {"a": 1}, ("a", '{"x":1}'), {"a": {"x": 1}}),
    ("g_set", {"a": [1]}, ("a[2]", 3), {"a": [1, None, 3]}),
    ("g_set", {"a": 1}, ("a.b", 2), {"a": {"b": 2}}),
    ("g_set", "text", ("a", 1), "text"),
    ("g_lowercase", "ABC", (), "abc"),
    ("g_uppercase", 5, (), "5"),
    ("g_uppercase", None, (), "NULL"),
    ("g_regex", "a1b2", ("[0-9]",), ["1"]),
    ("g_regex", "a1b2", ("x",), None),
    ("g_regex", "John Smith", (r"(?<first>\w+) (\w+)",), ["John Smith", "John", "Smith"]),
    ("g_md5", "a", (), "0cc175b9c0f1b6a831c399e269772661"),
    ("g_sha1", "a", (), "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("g_sha256", "a", (), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    ("g_sha512", "a", (), (
        "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f53"
        "02860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75"
    )),
    ("g_base64", "é", (), "w6k="),
    ("g_extractEmail", "to ada@x.org, bo@y.co.uk!", (), ["ada@x.org", "bo@y.co.uk"]),
    ("g_extractEmail", "none", (), None),
    ("g_extractUrls", "see https://a.b/c?d=1, (http://e.f)", (), ["https://a.b/c?d=1", "http://e.f"]),
    ("g_encodeUrl", "a b&c", (), "a%20b%26c"),
    ("g_encodeUrl", "a b&c", (True,), "a%20b&c"),
    ("g_decodeUrl", "a%20b%26c", (), "a b&c"),
    ("g_decodeUrl", "a%20b%26c", (True,), "a b%26c"),
    ("g_decodeUrl", "100%", (), "100%"),
    ("g_trim", "  a ", (), "a"),
    ("g_trim", "xxaxx", ("x",), "a"),
    ("g_trimStart", " a ", (), "a "),
    ("g_trimEnd", " a ", (), " a"),
    ("g_truncate", "abcdef", (3,), "..."),
    ("g_truncate", "abcdef", (5, "."), "abcd."),
    ("g_truncate", "abc", (3,), "abc"),
    ("g_escapeHtml", "<a href='x'>&\"", (), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"),
    ("g_splitWords", "fred, barney & pebbles", (), ["fred", "barney", "pebbles"]),
    ("g_splitByWhitespace", " a  b\nc ", (), ["a", "b", "c"]),
    ("g_replace", "a.b.c", (".", "-"), "a-b-c"),
    ("g_replace", "abc", ("x", "-"), "abc"),
    ("g_split", "a,b", (",",), ["a", "b"]),
    ("g_split", "a,b", (), ["a,b"]),
    ("g_split", "ab", ("",), ["a", "b"]),
    ("g_pad", "a", (4, "Pad Left", "0"), "000a"),
    ("g_pad", "a", (4, "Pad Right", "xy"), "axyx"),
    ("g_pad", "a", (4,), " a  "),
    ("g_pad", "abcd", (2, "Pad Left"), "abcd"),
    ("g_kebabCase", "Foo barBaz", (), "foo-bar-baz"),
    ("g_camelCase", "Foo bar-baz", (), "fooBarBaz"),
    ("g_snakeCase", "fooBar HTTPServer 2", (), "foo_bar_http_server_2"),
    ("g_lowerFirst", "ABC", (), "aBC"),
    ("g_upperFirst", "abc", (), "Abc"),
    ("g_lessThan", "2", ("10",), True),
    ("g_lessThan", "b", ("a",), False),
    ("g_greaterThan", 2, (2,), False),
    ("g_add", "1", ("2",), 3),
    ("g_add", "a", (1,), "a1"),
    ("g_add", 0.5, (0.5,), 1),
    ("g_sub", "5", (2,), 3),
    ("g_mul", 1.5, (2,), 3),
    ("g_div", 1, (4,), 0.25),
    ("g_mod", -7, (3,), -1),
    ("g_max", 1, (5, "3"), 5),
    ("g_min", 1, (5, "3"), 1),
    ("g_avg", 1, (2, 6), 3),
    ("g_floor", "1.7", (), 1),
    ("g_ceil", 1.2, (), 2),
    ("g_formatDate", "2024-03-05T14:07:09.045Z", ("YYYY-MM-DD HH:mm:ss.SSS",),
     "2024-03-05 14:07:09.045"),
    ("g_formatDate", "2024-03-05T14:07:09Z", ("ddd D MMM YY, h:m:s a",), "Tue 5 Mar 24, 2:7:9 pm"),
    ("g_formatDate", "2024-03-05T00:07:09Z", ("dddd Do MMMM [at] hh A",),
     "Tuesday 5th March at 12 AM"),
    ("g_formatDate", "2024-03-01T14:07:09+02:00", ("H Z ZZ",), "12 +00:00 +0000"),
    ("g_formatDate", "2024-03-03", ("X x M DDD d",), "1709424000 1709424000000 3 63 0"),
    ("g_formatDate", "2024-03-23T10:00:00Z", (), "2024-03-23T10:00:00+00:00"),
    ("g_formatDate", 1709424000000, ("YYYY",), "2024"),
    ("g_formatDate", "no date", ("YYYY",), "Invalid date"),
    ("g_relativeTime", "2019-01-31T08:00:00Z", (), "7 years ago"),
    ("g_relativeTime", "2026-01-31T08:00:20Z", (), "in a few seconds"),
    ("g_relativeTime", "2026-01-31T07:59:00Z", (), "a minute ago"),
    ("g_relativeTime", "2026-01-31T07:00:00Z", (), "an hour ago"),
    ("g_relativeTime", "2026-02-10T08:00:00Z", (), "in 10 days"),
    ("g_relativeTime", "2025-11-01", (), "3 months ago"),
    ("g_relativeTime", "2026-01-31T07:59:15.600Z", (), "a few seconds ago"),
    ("g_relativeTime", "2026-01-31T07:59:15Z", (), "a minute ago"),
    ("g_relativeTime", "2026-01-30T09:30:00Z", (), "a day ago"),
    ("g_relativeTime", "2026-03-02T08:00:00Z", (), "in a month"),
    ("g_relativeTime", "2025-01-31T08:00:00Z", (), "a year ago"),
    ("g_relativeTime", "no date", (), "Invalid date"),
    ("g_flowId", "anything", (), "f"),
    ("g_flowName", UNDEFINED, (), "n"),
    ("g_userId", UNDEFINED, (), "u"),
    ("g_webhookUrl", UNDEFINED, (), "w"),
    ("g_customFields", UNDEFINED, (), {"team": "sales"}),
    ("g_pi", UNDEFINED, (), math.pi),
    ("g_timestamp", UNDEFINED, (), 1769846400),
    ("g_now", UNDEFINED, (), "2026-01-31T08:00:00.000Z"),
    ("g_lessThanDate", "2024-01-01", ("2024-01-02",), True),
    ("g_greaterThanDate", "2024-01-01T01:00:00+01:00", ("2024-01-01",), False),
    ("g_greaterThanDate", "no date", ("2024-01-01",), False),
]  # fmt: skip

"""Modifier, value, positional arguments, result."""

NAMED: list[tuple[str, Json, tuple[Json, ...], dict[str, Json], Json]] = [
    ("g_stringify", [1], (), {"space": 2}, "[\n  1\n]"),
    ("g_regex", "a1b2", ("[0-9]",), {"global": True}, ["1", "2"]),
    ("g_regex", "A\nB", ("^b$",), {"multiline": True, "ignorecase": True}, ["B"]),
    ("g_replace", "a1b2", ("[0-9]", "#"), {"regex": True}, "a#b2"),
    ("g_replace", "a1b2", ("[0-9]", "#"), {"regex": True, "global": True}, "a#b#"),
    ("g_replace", "John Smith", (r"(\w+) (\w+)", "$2, $1 [$&] $$ $3"), {"regex": True},
     "Smith, John [John Smith] $ $3"),
    ("g_lessThan", 2, ("2",), {"inclusive": True}, True),
    ("g_greaterThanDate", "2024-01-01", ("2024-01-01",), {"inclusive": True}, True),
    ("g_addTimeSpan", "2024-01-31", (), {"months": 1}, "2024-02-29T00:00:00.000Z"),
    ("g_addTimeSpan", "2024-01-31T10:00:00Z", (), {"years": "-1", "days": 1, "minutes": 90},
     "2023-02-01T11:30:00.000Z"),
    ("g_relativeTime", "2019-01-31T08:00:00Z", (), {"without suffix": True}, "7 years"),
    ("g_addTimeSpan", "2024-02-29T10:00:00Z", (), {"years": 1}, "2025-02-28T10:00:00.000Z"),
    ("g_addTimeSpan", "2024-03-31", (), {"months": "-1", "weeks": 1}, "2024-03-07T00:00:00.000Z"),
    ("g_addTimeSpan", "2024-01-01T00:00:00Z", (), {"hours": 1.5}, "2024-01-01T01:30:00.000Z"),
    ("g_addTimeSpan", "2024-01-01", (), {"days": 0.5}, "2024-01-02T00:00:00.000Z"),
    ("g_addTimeSpan", "no date", (), {"days": 1}, "Invalid date"),
]  # fmt: skip
"""Modifier, value, positional arguments, named arguments, result."""

BLOCKS: list[tuple[str, Json, str, Json]] = [
    ("g_map", [{"n": 2}, {"n": 3}], "@value.n", [2, 3]),
    ("g_map", [{"n": 2}, {}], "@value.n", [2, None]),
    ("g_map", {"a": 1, "b": 2}, "@key", ["a", "b"]),
    ("g_map", "text", "@value", []),
    ("g_filterList", [{"n": 0}, {"n": 3}], "@value.n", [{"n": 3}]),
    ("g_filterList", ["", "false", None], "@value", ["false"]),
    ("g_each", ["a", "b"], "@value", "ab"),
    ("g_each", {"a": 1, "b": 2}, "@index", "01"),
]
"""Modifier, value, what its block refers to, result."""
MOMENT = [
    ("YYYY YY Y", "2024 24 2024"), ("Q Qo", "1 1st"), ("M Mo MM MMM MMMM", "3 3rd 03 Mar March"),
    ("D Do DD", "5 5th 05"), ("DDD DDDo DDDD", "65 65th 065"),
    ("d do dd ddd dddd", "2 2nd Tu Tue Tuesday"),
    ("e E", "2 2"), ("w wo ww", "10 10th 10"), ("W Wo WW", "10 10th 10"),
    ("gg gggg GG GGGG", "24 2024 24 2024"), ("N NNNN", "AD Anno Domini"), ("A a", "PM pm"),
    ("H HH h hh k kk", "14 14 2 02 14 14"), ("m mm s ss", "7 07 9 09"),
    ("S SS SSS SSSS", "0 04 045 0450"), ("hmm hmmss Hmm Hmmss", "207 20709 1407 140709"),
    ("Z ZZ", "+00:00 +0000"), ("X x", "1709647629 1709647629045"),
    ("LT LTS L l", "2:07 PM 2:07:09 PM 03/05/2024 3/5/2024"), ("LL", "March 5, 2024"),
    ("ll", "Mar 5, 2024"), ("LLL", "March 5, 2024 2:07 PM"), ("lll", "Mar 5, 2024 2:07 PM"),
    ("LLLL", "Tuesday, March 5, 2024 2:07 PM"), ("llll", "Tue, Mar 5, 2024 2:07 PM"),
    ("[at] H\\h", "at 14h"), ("[] /,-.", " /,-."), ("été", "été"), ("[[YYYY]", "[YYYY"),
]  # fmt: skip
"""Format, what it makes of Tuesday 2024-03-05T14:07:09.045Z."""


@pytest.mark.parametrize(("name", "value", "arguments", "result"), CASES)
def test_a_modifier_gives_what_the_catalogue_says(
    name: str, value: Json, arguments: tuple[Json, ...], result: Json
) -> None:
    assert apply(name, value, *arguments) == result


@pytest.mark.parametrize(("name", "value", "arguments", "named", "result"), NAMED)
def test_named_arguments_are_understood(
    name: str, value: Json, arguments: tuple[Json, ...], named: dict[str, Json], result: Json
) -> None:
    assert apply(name, value, *arguments, named=named) == result


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("g_div", 1, (0,)),
        ("g_floor", "x", ()),
        ("g_mod", 1, (0,)),
        ("g_maxList", [5, "x", 7], ()),
        ("g_minList", ["x", 5, 7], ()),
        ("g_max", 5, ("x", 7)),
        ("g_max", "x", (5,)),
        ("g_min", 5, ("x", 7)),
        ("g_min", "x", (5,)),
    ],
)
def test_what_is_no_number_is_null_in_json(
    name: str, value: Json, arguments: tuple[Json, ...]
) -> None:
    result = apply(name, value, *arguments)

    assert not math.isfinite(result)
    assert dumps(result) == "null"


def test_a_shuffled_list_has_the_same_items() -> None:
    assert sorted(apply("g_shuffle", list(range(50)))) == list(range(50))


def test_the_sum_of_many_texts_takes_no_more_memory_than_they_do() -> None:
    texts = ["x" * 60] * 2_000

    tracemalloc.start()
    try:
        total = apply("g_sum", texts)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert total == "x" * 120_000
    assert peak_bytes < 5_000_000


def test_what_is_made_up_is_of_the_right_kind() -> None:
    assert UUID(apply("g_uuid4", UNDEFINED)).version == 4
    assert 0 <= apply("g_random", UNDEFINED) < 1


@pytest.mark.parametrize(("name", "value", "refers_to", "result"), BLOCKS)
def test_a_block_is_evaluated_for_each_item(
    name: str, value: Json, refers_to: str, result: Json
) -> None:
    block = {"value": "{{{v}}}", "modifiers": {"v": {"variable": refers_to, "functions": []}}}

    assert apply(name, value, block) == result


@pytest.mark.parametrize(("pattern", "text"), MOMENT)
def test_dates_are_written_as_moment_writes_them(pattern: str, text: str) -> None:
    assert apply("g_formatDate", "2024-03-05T14:07:09.045Z", pattern) == text


@pytest.mark.parametrize(
    ("day", "pattern", "text"),
    [
        ("2024-03-22", "Do", "22nd"), ("2024-03-11", "Do", "11th"), ("2024-03-23", "Do", "23rd"),
        ("2024-12-30", "gggg ww, GGGG WW", "2025 01, 2025 01"),
        ("2023-01-01", "gggg ww, GGGG WW, e E", "2023 01, 2022 52, 0 7"),
        ("2024-12-29", "ww WW Q", "01 52 4"),
        ("2024-03-05T00:30:00Z", "h:mm A, k", "12:30 AM, 24"),
        ("2024-03-05T12:30:00Z", "h:mm a", "12:30 pm"),
    ],
)  # fmt: skip
def test_the_edges_of_days_weeks_and_years(day: str, pattern: str, text: str) -> None:
    assert apply("g_formatDate", day, pattern) == text


@pytest.mark.parametrize(
    ("name", "value", "arguments", "named"),
    [
        ("g_pad", "a", (1e12,), {}),
        ("g_replace", "a" * 100_000, ("a", "b" * 1_000), {}),
        ("g_regex", "a" * 9_000 + "!", ("(a+)+$",), {}),
        ("g_regex", "a" * 9_000 + "!", ("(a|aa)*$",), {}),
        ("g_regex", "a", ("(",), {}),
        ("g_replace", "a" * 100_001, ("a", ""), {"regex": True}),
        ("g_jsonPath", {"a": 1}, ("$.a[",), {}),
        ("g_jsonPath", {"a": 1}, ("a" * 1_001,), {}),
        ("g_jsonPath", {"a": [1]}, ("$.a[?(@..b)]",), {}),
        ("g_jsonPath", [["a" * 9_000 + "!"]], ("$[?match(@[0], '(a+)+$')]",), {}),
        ("g_pick", [[0] * 1_000] * 1_000, ("$[*].nothing",), {}),
        ("g_stringify", [[[[0] * 300_000]]], (), {"space": 10}),
        ("g_formatDate", 0, ("LLLL" * 9_000,), {}),
        ("g_jsonPath", [[0] * 400] * 400, ("$..*",), {}),
        ("g_set", [1], ("99999999", 1), {}),
    ],
)
def test_work_without_bounds_is_refused(
    name: str, value: Json, arguments: tuple[Json, ...], named: dict[str, Json]
) -> None:
    with pytest.raises(InputError):
        apply(name, value, *arguments, named=named)


def nested(levels: int) -> Json:
    value: Json = "x" * 100_000
    for _ in range(levels):
        value = [value]
    return value


def test_a_small_list_that_stands_for_a_huge_text_is_refused() -> None:
    again = {"name": "g_jsonPath", "params": [{"value": "$..*"}]}
    bindings = {"x": {"b": {"variable": "$.c.out", "functions": [again] * 3}}}
    transform = TransformCompiler().compile({"lambda": {"x": "{{{b}}}"}, "modifiers": bindings})

    with pytest.raises(InputError, match="too long"):
        transform.resolve({}, {"c": {"out": nested(90)}}, FACTS)


@pytest.mark.parametrize(
    "expression",
    [
        "$f := function($n){ $f($n) + 1 }; $f(1)",
        "$pad('x', 11000000)",
        pytest.param("$match($, /(a+)+$/)", marks=pytest.mark.long),
        pytest.param("($f := function($n){ $f($n) }; $f(1))", marks=pytest.mark.long),
        pytest.param("[1..9999999]", marks=pytest.mark.long),
    ],
)
def test_a_json_expression_without_end_is_ended(expression: str) -> None:
    with pytest.raises(InputError, match="takes too long or too much memory"):
        apply("g_jsonata", "a" * 90 + "!", f"({expression})")

    assert apply("g_jsonata", {"a": 1}, "a") == 1


JAVASCRIPT: list[tuple[str, Json, str, Json]] = [
    ("g_javascript", 2, "$variable + 1", 3),
    ("g_javascript", {"a": [1, 2]}, "return $variable.a.length", 2),
    ("g_javascript", "ada", "const name = $variable; name.toUpperCase();", "ADA"),
    ("g_javascript", "ada", "value => ({name: value})", {"name": "ada"}),
    ("g_javascript", UNDEFINED, "typeof $variable", "undefined"),
    ("g_javascript", 2, "undefined", UNDEFINED),
    ("g_javascript", 2, "null", None),
    ("g_javascript", 2, "typeof require + typeof process + typeof fetch", "undefined" * 3),
    ("g_javascript", 2, "throw new Error('no')", 2),
    ("g_javascript", 2, "not JavaScript", 2),
]
"""Modifier, value, code, result."""
needs_javascript = pytest.mark.skipif(not knows_javascript(), reason="mini-racer is not installed")


@needs_javascript
@pytest.mark.parametrize(("name", "value", "code", "result"), JAVASCRIPT)
def test_javascript_sees_the_value_and_nothing_else(
    name: str, value: Json, code: str, result: Json
) -> None:
    assert apply(name, value, code) == result


@needs_javascript
def test_javascript_reads_any_text() -> None:
    text = "h\u00e9\u2028\r\n\U0001f600'\\"

    assert apply("g_javascript", text, "$variable + '\u00e9'") == text + "\u00e9"


@needs_javascript
def test_javascript_keeps_nothing_from_one_call_to_the_next() -> None:
    apply("g_javascript", 1, "globalThis.kept = $variable; Array.prototype.map = null")

    assert apply("g_javascript", 1, "typeof kept + typeof [].map") == "undefinedfunction"


@needs_javascript
@pytest.mark.parametrize(
    "code",
    [
        "const all = []; while (true) all.push([1, 2, 3])",
        pytest.param("while (true);", marks=pytest.mark.long),
        pytest.param("/(a+)+$/.test('a'.repeat(50) + '!')", marks=pytest.mark.long),
    ],
)
def test_javascript_without_end_is_ended(code: str) -> None:
    with pytest.raises(InputError, match="takes too long or too much memory"):
        apply("g_javascript", 1, code)

    assert apply("g_javascript", 1, "$variable") == 1


@needs_javascript
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds what is mapped")
def test_javascript_gets_no_gigabyte_beside_its_heap() -> None:
    with pytest.raises(EvaluationError, match="allocation failed"):
        evaluate("javascript", "new Uint8Array(1.5e9).length", [1])


def test_without_an_interpreter_javascript_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)  # as if it were not installed
    compiler = TransformCompiler()

    compiler.compile({"lambda": {"x": "{{{javascript $.c.out 'return 1'}}}"}})

    assert [problem.keyword for problem in compiler.problems] == ["modifier"]
    assert "pip install 'appmixer-mcp[javascript]'" in compiler.problems[0].message


CATALOGUE = [
    "g_add", "g_addTimeSpan", "g_avg", "g_avgList", "g_base64", "g_camelCase", "g_ceil",
    "g_condition", "g_decodeUrl", "g_deduplicate", "g_div", "g_each", "g_encodeUrl", "g_equals",
    "g_escapeHtml", "g_extractEmail", "g_extractUrls", "g_filterList", "g_first", "g_flatten",
    "g_floor", "g_formatDate", "g_greaterThan", "g_greaterThanDate", "g_initial", "g_javascript",
    "g_join", "g_jsonPath", "g_jsonata", "g_kebabCase", "g_keys", "g_last", "g_length",
    "g_lessThan", "g_lessThanDate", "g_lowerFirst", "g_lowercase", "g_map", "g_max", "g_maxList",
    "g_md5", "g_min", "g_minList", "g_mod", "g_mul", "g_not", "g_nthIndex", "g_pad", "g_pick",
    "g_regex", "g_relativeTime", "g_replace", "g_reverse", "g_set", "g_sha1", "g_sha256",
    "g_sha512", "g_shuffle", "g_snakeCase", "g_split", "g_splitByWhitespace", "g_splitWords",
    "g_stringify", "g_sub", "g_sum", "g_tail", "g_toPairs", "g_trim", "g_trimEnd", "g_trimStart",
    "g_truncate", "g_uppercase", "g_upperFirst", "g_values",
]  # fmt: skip
FLOW_VARIABLES = [
    "g_customFields", "g_flowId", "g_flowName", "g_now", "g_pi", "g_random", "g_timestamp",
    "g_userId", "g_uuid4", "g_webhookUrl",
]  # fmt: skip


def test_the_catalogue_is_appmixers_and_every_entry_has_an_example() -> None:
    entries = {modifier.id: modifier for modifier in modifiers.every()}
    rows = {row[0] for table in (CASES, NAMED, BLOCKS, JAVASCRIPT) for row in table}
    made_up = {"g_shuffle", "g_uuid4", "g_random"}  # have tests of their own

    assert len(CATALOGUE) == 74
    assert sorted(entries) == sorted(CATALOGUE + FLOW_VARIABLES)
    assert rows | made_up == set(entries)
    assert sorted(name for name, one in entries.items() if one.flow_variable) == FLOW_VARIABLES


def test_older_flows_leave_out_the_prefix_of_a_modifier() -> None:
    assert modifiers.find("uppercase") is modifiers.find("g_uppercase")
    assert modifiers.find("nothing") is None
