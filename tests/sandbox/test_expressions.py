"""What a transform makes of what earlier components sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import FlowFacts
from appmixer_mcp.sandbox.modifiers import every
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler

FACTS = FlowFacts(
    flow_id="flow-1",
    flow_name="Orders",
    user_id="user-1",
    webhook_url="http://127.0.0.1:2200/flows/flow-1/components/c",
    custom_fields=lambda: {"team": "sales"},
    now=datetime(2026, 1, 31, 8, 0, tzinfo=UTC),
)
ORDER = {
    "id": 7, "paid": True, "note": None, "tags": ["a", "b"],
    "lines": [{"sku": "x", "n": 2}, {"sku": "y", "n": 3}], "customer": {"name": "Ada"},
}  # fmt: skip
OUTPUTS: Mapping[str, Mapping[str, Json]] = {
    "4f-a": {"out": ORDER}, "with space": {"item": {"value": 1}},
}  # fmt: skip


def resolve(
    lambda_: Mapping[str, Json], modifiers: Mapping[str, Json] | None = None, **more: Json
) -> Json:
    raw = {"type": "json2new", "lambda": lambda_, "modifiers": modifiers or {}} | more
    return TransformCompiler().compile(raw).resolve({"original": 1}, OUTPUTS, FACTS)


def through(variable: str | None, *functions: Json) -> Json:
    """Return what one field holds that is bound to a variable through functions."""
    bound: dict[str, Json] = {"functions": list(functions)}
    if variable is not None:
        bound["variable"] = variable
    return resolve({"field": "{{{b}}}"}, {"field": {"b": bound}}).get("field", "(undefined)")


def call(name: str, *params: Json, **named: Json) -> dict[str, Json]:
    return {
        "name": name,
        "params": [{"value": value} for value in params],
        "hashParams": {key: {"value": value} for key, value in named.items()},
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("$.4f-a.out", ORDER),
        ("$.4f-a.out.id", 7),
        ("$.4f-a.out.paid", True),
        ("$.4f-a.out.note", None),
        ("$.4f-a.out.customer.name", "Ada"),
        ("$.4f-a.out.lines.1.sku", "y"),
        ("$.4f-a.out.lines[1].sku", "y"),
        ("$.4f-a.out['customer'].name", "Ada"),
        ("$.4f-a.out.tags.length", 2),
        ("$.with space.item.value", 1),
        ("$.4f-a.out.missing.deeper", "(undefined)"),
        ("$.4f-a.out.lines.9", "(undefined)"),
        ("$.4f-a.error", "(undefined)"),
        ("$.ghost.out", "(undefined)"),
    ],
)
def test_a_lone_placeholder_keeps_the_native_value(variable: str, value: Json) -> None:
    assert through(variable) == value
    if value != "(undefined)":
        assert resolve({"field": f"{{{{{{{variable}}}}}}}"}) == {"field": value}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Order {{{$.4f-a.out.id}}}!", "Order 7!"),
        ("{{{$.4f-a.out.id}}}{{{$.4f-a.out.id}}}", "77"),
        (" {{{$.4f-a.out.paid}}}", " true"),
        ("{{{ $.4f-a.out.id }}}", 7),
        ("tags: {{{$.4f-a.out.tags}}}", 'tags: ["a","b"]'),
        ("c: {{{$.4f-a.out.customer}}}", 'c: {"name":"Ada"}'),
        ("note: {{{$.4f-a.out.note}}}", "note: null"),
        ("? {{{$.4f-a.out.missing}}}", "? undefined"),
        ("{{not a placeholder}}", "{{not a placeholder}}"),
        ("{ {{{$.4f-a.out.id}}} }", "{ 7 }"),
        ("", ""),
    ],
)
def test_placeholders_inside_of_text_become_text(text: str, result: Json) -> None:
    assert resolve({"field": text}) == {"field": result}


def test_values_without_placeholders_stay_as_they_are() -> None:
    values: dict[str, Json] = {"n": 1.5, "b": False, "z": None, "l": [1, {"x": "y"}], "t": "text"}

    assert resolve(values) == values


def test_undefined_fields_are_left_out_and_undefined_items_become_null() -> None:
    missing = "{{{$.4f-a.out.missing}}}"

    result = resolve({"gone": missing, "list": [missing, 1], "object": {"gone": missing, "k": 2}})

    assert result == {"list": [None, 1], "object": {"k": 2}}


def test_bindings_are_found_by_the_top_level_field_however_deep_the_placeholder_stands() -> None:
    expression = {"AND": [{"OR": [{"input": "{{{b}}}", "operator": "=", "value": "{{{c}}}"}]}]}
    modifiers = {
        "expression": {
            "b": {"variable": "$.4f-a.out.id", "functions": []},
            "c": {"variable": "$.4f-a.out.customer.name", "functions": [call("g_uppercase")]},
            "never referenced": {"variable": "$.4f-a.out.id", "functions": []},
        }
    }

    result = resolve({"expression": expression}, modifiers)

    assert result == {
        "expression": {"AND": [{"OR": [{"input": 7, "operator": "=", "value": "ADA"}]}]}
    }


def test_json2ext_lays_the_fields_over_the_original() -> None:
    assert resolve({"id": "{{{$.4f-a.out.id}}}"}, type="json2ext") == {"original": 1, "id": 7}


def test_functions_are_applied_from_left_to_right() -> None:
    assert through("$.4f-a.out.tags", call("g_join", "-"), call("g_uppercase")) == "A-B"


def test_arguments_hold_placeholders_with_bindings_of_their_own() -> None:
    separator = {
        "value": "<{{{inner}}}>",
        "modifiers": {
            "inner": {"variable": "$.4f-a.out.customer.name", "functions": [call("g_lowercase")]}
        },
    }

    assert through("$.4f-a.out.tags", {"name": "g_join", "params": [separator]}) == "a<ada>b"


def test_a_flow_variable_needs_no_variable() -> None:
    assert through(None, call("g_flowName"), call("g_uppercase")) == "ORDERS"
    assert through(None, call("g_customFields")) == {"team": "sales"}
    assert through(None, call("g_now")) == "2026-01-31T08:00:00.000Z"
    assert through(None, call("g_timestamp")) == 1769846400


def block(text: str, **bindings: Json) -> dict[str, Json]:
    modifiers = {
        name: {"variable": path, "functions": []} if isinstance(path, str) else path
        for name, path in bindings.items()
    }
    return {"value": text, "modifiers": modifiers}


def test_blocks_are_evaluated_for_each_item() -> None:
    lines = "$.4f-a.out.lines"
    skus = {"name": "g_map", "params": [block("{{{v}}}", v="@value.sku")]}
    texts = {"name": "g_each", "params": [block("{{{i}}}:{{{v}}} ", i="@index", v="@value.n")]}
    many = {
        "variable": "@value.n",
        "functions": [call("g_greaterThan", 2)],
    }
    few = {"name": "g_filterList", "params": [block("{{{m}}}", m=many)]}
    keys = {"name": "g_map", "params": [block("{{{k}}}={{{v}}}", k="@key", v="@value")]}

    assert through(lines, skus) == ["x", "y"]
    assert through(lines, texts) == "0:2 1:3 "
    assert through(lines, few) == [{"sku": "y", "n": 3}]
    assert through("$.4f-a.out.customer", keys) == ["name=Ada"]


@pytest.mark.parametrize("outer", ["../@value.sku", "@value/@value.sku"])
def test_a_block_inside_of_a_block_sees_the_outer_item(outer: str) -> None:
    inner = {
        "variable": "$.4f-a.out.tags",
        "functions": [{"name": "g_map", "params": [block("{{{o}}}{{{t}}}", o=outer, t="@value")]}],
    }

    result = through(
        "$.4f-a.out.lines", {"name": "g_map", "params": [block("{{{list}}}", list=inner)]}
    )

    assert result == [["xa", "xb"], ["ya", "yb"]]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{{uppercase $.4f-a.out.customer.name}}}", "ADA"),
        ("{{{g_join $.4f-a.out.tags ', '}}}", "a, b"),
        ('{{{join $.4f-a.out.tags " and "}}}', "a and b"),
        ("{{{add $.4f-a.out.id 3}}}", 10),
        ("{{{formatDate (now) 'YYYY'}}}", "2026"),
        ("{{{uppercase (join $.4f-a.out.tags '')}}}", "AB"),
        ("{{{replace $.4f-a.out.customer.name 'a$' 'o' regex=true}}}", "Ado"),
        ("{{{condition $.4f-a.out.paid 'yes' 'no'}}}", "yes"),
        ("No. {{{add $.4f-a.out.id -7}}}", "No. 0"),
    ],
)
def test_the_older_form_has_the_call_in_the_text(text: str, result: Json) -> None:
    assert resolve({"field": text}) == {"field": result}


def test_a_modifier_that_fails_leaves_the_value() -> None:
    assert through("$.4f-a.out.id", call("g_addTimeSpan", years="1e99")) in (7, "Invalid date")
    assert through("$.4f-a.out.customer", call("g_decodeUrl")) == "[object Object]"
    assert through("$.4f-a.out.tags", call("g_set", "x.y", 1)) == ["a", "b"]


def test_what_modifiers_leave_undefined_in_lists_becomes_null() -> None:
    assert through("$.4f-a.out.lines", call("g_pick", "nothing")) == [None, None]


def test_a_field_never_changes_what_another_field_sees() -> None:
    changed = {"b": {"variable": "$.4f-a.out.customer", "functions": [call("g_set", "name", "Bo")]}}

    result = resolve({"a": "{{{b}}}", "z": "{{{$.4f-a.out.customer.name}}}"}, {"a": changed})

    assert result == {"a": {"name": "Bo"}, "z": "Ada"}


def test_too_much_work_is_refused() -> None:
    numbers = list(range(1_000))
    raw = {
        "lambda": {"field": "{{{b}}}"},
        "modifiers": {
            "field": {
                "b": {
                    "variable": "$.n.out",
                    "functions": [{"name": "g_map", "params": [block("{{{inner}}}", inner={
                        "variable": "$.n.out",
                        "functions": [{"name": "g_map", "params": [block("{{{v}}}", v="@value")]}],
                    })]}],
                }
            }
        },
    }  # fmt: skip

    with pytest.raises(InputError, match="steps"):
        TransformCompiler().compile(raw).resolve({}, {"n": {"out": numbers}}, FACTS)


def test_results_that_grow_too_large_are_refused() -> None:
    with pytest.raises(InputError, match="too long"):
        resolve({"field": "{{{pad $.4f-a.out.customer.name 99999999}}}"})
    with pytest.raises(InputError, match="too long"):
        resolve({f"f{n}": "{{{pad $.4f-a.out.customer.name 5000000}}}" for n in range(3)})


def test_the_same_large_value_in_many_places_is_refused() -> None:
    items = ["{{{$.c.out}}}"] * 200
    outputs = {"c": {"out": {"text": "x" * 100_000}}}

    with pytest.raises(InputError, match="too long"):
        TransformCompiler().compile({"lambda": {"field": items}}).resolve({}, outputs, FACTS)


def test_maps_that_double_what_they_get_are_refused() -> None:
    twice = {"v": {"variable": "@value", "functions": []}}
    pair = {
        "name": "g_map",
        "params": [{"value": ["{{{v}}}", "{{{v}}}"], "modifiers": twice}],
    }
    bindings = {"x": {"b": {"variable": "$.c.out", "functions": [pair] * 40}}}
    transform = TransformCompiler().compile({"lambda": {"x": "{{{b}}}"}, "modifiers": bindings})

    with pytest.raises(InputError, match="too long"):
        transform.resolve({}, {"c": {"out": ["x" * 100_000]}}, FACTS)


@pytest.mark.long
def test_lists_made_for_each_item_are_counted() -> None:
    wide = block("", v="@value") | {"value": ["{{{v}}}", *[0] * 100_000]}
    bindings = {
        "x": {
            "b": {"variable": "$.c.out", "functions": [{"name": "g_map", "params": [wide]}]},
        }
    }
    transform = TransformCompiler().compile({"lambda": {"x": "{{{b}}}"}, "modifiers": bindings})

    with pytest.raises(InputError, match="too long"):
        transform.resolve({}, {"c": {"out": list(range(1_000))}}, FACTS)


def test_only_what_may_take_long_leaves_the_event_loop() -> None:
    texts = (
        "{{{uppercase $.c.out}}}",
        "{{{regex $.c.out 'a'}}}",
        "{{{join (jsonata $.c.out 'a')}}}",
    )

    transforms = [TransformCompiler().compile({"lambda": {"x": text}}) for text in texts]

    assert [transform.slow for transform in transforms] == [False, True, True]


def test_nesting_without_end_is_a_problem_and_no_crash() -> None:
    deep: Json = "{{{$.4f-a.out.id}}}"
    for _ in range(900):
        deep = [deep]
    compiler = TransformCompiler()

    compiler.compile({"lambda": {"field": deep}}).resolve({}, OUTPUTS, FACTS)

    assert [problem.keyword for problem in compiler.problems] == ["maxDepth"]


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["{{{b}}}", "x{{{b}}}y", "{{{$.a.out.k}}}", "{{{join $.a.out 'x'}}}", "1",
                       "2024-01-31", "a*", "k", "k.0", "$..k", "[0]", "Pad Left", "YYYY"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["k", "b", "0", "x"]), inner, max_size=3
    ),
    max_leaves=12,
)  # fmt: skip
parameters = st.lists(
    st.fixed_dictionaries(
        {"value": values},
        optional={"modifiers": st.fixed_dictionaries(
            {"b": st.fixed_dictionaries({"variable": st.sampled_from(["@value", "$.a.out.k"])})}
        )},
    ) | values,
    max_size=4,
)  # fmt: skip
ELSEWHERE = ("g_jsonata", "g_javascript")  # run by other programs, which have errors of their own
functions = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from([one.id for one in every() if one.id not in ELSEWHERE]),
            "params": parameters,
        },
        optional={
            "hashParams": st.dictionaries(
                st.sampled_from(["regex", "global", "years", "inclusive", "space", "ignorecase"]),
                st.fixed_dictionaries({"value": values}),
                max_size=3,
            )
        },
    ),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(content=values, lambda_=values, functions=functions)
def test_expressions_never_raise_anything_but_input_errors(
    content: Json, lambda_: Json, functions: list[Any]
) -> None:
    raw = {
        "lambda": {"field": lambda_, "bound": "{{{b}}}"},
        "modifiers": {
            "field": {"b": {"variable": "$.a.out.k", "functions": functions}},
            "bound": {"b": {"variable": "$.a.out", "functions": functions}},
        },
    }

    try:
        result = TransformCompiler().compile(raw).resolve(content, {"a": {"out": content}}, FACTS)
    except InputError:
        return

    assert isinstance(dumps(result), str)
