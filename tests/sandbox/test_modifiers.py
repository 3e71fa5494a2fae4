"""The catalogue of modifiers: what each makes of a value."""

import math
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import modifiers
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import FlowFacts
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler

FACTS = FlowFacts(
    flow_id="f",
    flow_name="n",
    user_id="u",
    webhook_url="w",
    custom_fields=dict,
    now=datetime(2026, 1, 31, 8, 0, tzinfo=UTC),
)


def apply(
    name: str, value: Json, *arguments: Json, named: Mapping[str, Json] | None = None
) -> Json:
    """Run a value through a modifier, as a transform does; UNDEFINED when nothing is left."""
    function = {
        "name": name,
        "params": [{"value": argument} for argument in arguments],
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
    ("g_jsonPath", '{"a": 1}', ("a",), UNDEFINED),
    ("g_pick", [{"id": 1}, {"x": 2}], ("id",), [1, None]),
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
    ("g_lowercase", "ABC", (), "abc"),
    ("g_uppercase", 5, (), "5"),
    ("g_uppercase", None, (), "NULL"),
    ("g_regex", "a1b2", ("[0-9]",), ["1"]),
    ("g_regex", "a1b2", ("x",), None),
    ("g_regex", "John Smith", (r"(?<first>\w+) (\w+)",), ["John Smith", "John", "Smith"]),
    ("g_md5", "a", (), "0cc175b9c0f1b6a831c399e269772661"),
    ("g_sha1", "a", (), "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("g_sha256", "a", (), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
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
    ("g_formatDate", "2024-03-22", ("Do",), "22nd"),
    ("g_formatDate", "2024-03-11", ("Do",), "11th"),
    ("g_formatDate", "no date", ("YYYY",), "Invalid date"),
    ("g_relativeTime", "2019-01-31T08:00:00Z", (), "7 years ago"),
    ("g_relativeTime", "2026-01-31T08:00:20Z", (), "in a few seconds"),
    ("g_relativeTime", "2026-01-31T07:59:00Z", (), "a minute ago"),
    ("g_relativeTime", "2026-01-31T07:00:00Z", (), "an hour ago"),
    ("g_relativeTime", "2026-02-10T08:00:00Z", (), "in 10 days"),
    ("g_relativeTime", "2025-11-01", (), "3 months ago"),
    ("g_lessThanDate", "2024-01-01", ("2024-01-02",), True),
    ("g_greaterThanDate", "2024-01-01T01:00:00+01:00", ("2024-01-01",), False),
    ("g_greaterThanDate", "no date", ("2024-01-01",), False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "arguments", "result"), CASES)
def test_a_modifier_gives_what_the_catalogue_says(
    name: str, value: Json, arguments: tuple[Json, ...], result: Json
) -> None:
    assert apply(name, value, *arguments) == result


@pytest.mark.parametrize(
    ("name", "value", "arguments", "named", "result"),
    [
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
    ],
)  # fmt: skip
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


def test_flow_variables_make_up_what_they_should() -> None:
    assert UUID(apply("g_uuid4", UNDEFINED)).version == 4
    assert 0 <= apply("g_random", UNDEFINED) < 1
    assert apply("g_pi", UNDEFINED) == math.pi
    assert [apply(f"g_{name}", 1) for name in ("flowId", "flowName", "userId", "webhookUrl")] == [
        "f", "n", "u", "w",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "arguments", "named"),
    [
        ("g_pad", "a", (1e12,), {}),
        ("g_replace", "a" * 100_000, ("a", "b" * 1_000), {}),
        ("g_regex", "a" * 9_000 + "!", ("(a+)+$",), {}),
        ("g_regex", "a" * 9_000 + "!", ("(a|aa)*$",), {}),
        ("g_regex", "a", ("(",), {}),
        ("g_replace", "a" * 100_001, ("a", ""), {"regex": True}),
        ("g_jsonPath", {"a": 1}, ("$[?(@.a)]",), {}),
        ("g_jsonPath", [[0] * 400] * 400, ("$..*",), {}),
        ("g_set", [1], ("99999999", 1), {}),
    ],
)
def test_work_without_bounds_is_refused(
    name: str, value: Json, arguments: tuple[Json, ...], named: dict[str, Json]
) -> None:
    with pytest.raises(InputError):
        apply(name, value, *arguments, named=named)


def test_the_catalogue_is_complete_but_for_what_a_later_release_brings() -> None:
    names = {modifier.id for modifier in modifiers.every()}

    assert len(names) == 82
    assert not names & {"g_jsonata", "g_javascript", "g_parse"}
    assert modifiers.find("uppercase") is modifiers.find("g_uppercase")
    assert modifiers.find("nothing") is None
