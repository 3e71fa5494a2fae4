"""What keeps a flow descriptor from being started."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appmixer_mcp.sandbox import components, flows
from appmixer_mcp.sandbox.component import Component, Field, InPort
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import entry, library_of, passes, probe

ONE = "test.engine.probe.One"
NEEDY = "test.engine.probe.Needy"
CHOOSY = "test.engine.probe.Choosy"
PASS = "test.engine.probe.Pass"


def complains(properties: Any) -> list[str]:
    if properties["mode"] == "broken":
        raise RuntimeError("check itself fails")
    return [] if properties["mode"] == "good" else [f"The mode {properties['mode']} is unknown."]


LIBRARY = library_of(
    probe("Pass", passes),
    probe("One", passes, in_ports=(InPort(max_connections=1),)),
    probe("Needy", passes, in_ports=(InPort(fields=(Field(name="to", required=True),)),)),
    probe(
        "Choosy",
        in_ports=(),
        properties=(Field(name="mode", required=True), Field(name="size", default=5)),
        check=complains,
    ),
)


def problems(**flow: Json) -> list[tuple[str, str, str]]:
    found = flows.check(flow, LIBRARY)
    return [(problem.component_id, problem.keyword, problem.message) for problem in found]


def binding(variable: str | None, *functions: Json) -> dict[str, Json]:
    """Return an entry's config with one field, bound to a variable through functions."""
    bound: dict[str, Json] = {"functions": list(functions)}
    if variable is not None:
        bound["variable"] = variable
    transform = {
        "type": "json2new", "lambda": {"to": "{{{id-1}}}"}, "modifiers": {"to": {"id-1": bound}},
    }  # fmt: skip
    return {"transform": {"in": {"s": {"out": transform}}}}


def bound(variable: str | None, *functions: Json) -> dict[str, Json]:
    return entry(PASS, "s") | {"config": binding(variable, *functions)}


START = entry("controls.OnStart")


@pytest.mark.parametrize("name", ["_http.Call", "__init__.X", "http.Nope"])
def test_a_type_the_library_does_not_have_is_named(name: str) -> None:
    found = flows.check({"s": START, "a": entry(f"appmixer.utils.{name}", "s")}, components.find)

    assert [(problem.component_id, problem.keyword) for problem in found] == [("a", "type")]


def test_a_sound_flow_has_no_problems() -> None:
    assert problems(s=START, a=entry(NEEDY, "s", fields={"to": "{{{$.s.out.started}}}"})) == []


def test_every_problem_is_named_and_none_hides_another() -> None:
    found = problems(
        a=entry("no.such.thing.Here", "missing"),
        b=entry(NEEDY, ("b", "side", "door"), fields={}),
        c=entry(CHOOSY),
    )

    assert {(component_id, keyword) for component_id, keyword, _ in found} == {
        ("a", "type"), ("a", "source"), ("b", "source"), ("c", "required"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flow", "component_id", "keyword", "says"),
    [
        ({"a": entry(PASS)}, "", "trigger", "no trigger"),
        ({"s": START, "a": entry("x.y.z.Missing", "s")}, "a", "type", "x.y.z.Missing"),
        ({"s": START, "a": entry(PASS, ("s", "out", "side"))}, "a", "source", "'side'"),
        ({"s": START, "a": entry(PASS, ("s", "exit"))}, "a", "source", "out or error"),
        ({"s": START, "a": entry(PASS, "ghost")}, "a", "source", "ghost"),
        (
            {"s": START, "a": entry(ONE, "s", ("s", "error"))},
            "a", "maxConnections", "takes 1 connection",
        ),
        ({"s": START, "a": entry(NEEDY, "s", fields={})}, "a", "required", "Input field to is req"),
        (
            {"s": START, "a": entry(NEEDY, "s", fields={"to": ""})},
            "a", "required", "Input field to is required",
        ),
        ({"c": entry(CHOOSY)}, "c", "required", "Input field mode is required"),
        (
            {"c": entry(CHOOSY, properties={"mode": "odd"})},
            "c", "properties", "The mode odd is unknown.",
        ),
        ({"c": entry(CHOOSY, properties={"mode": "broken"})}, "c", "properties", "cannot be check"),
        ({"s": START, "a": bound("$.ghost.out.x")}, "a", "variable", "contains invalid variable"),
        ({"s": START, "a": bound("$.a.out.x")}, "a", "variable", "does not come before"),
        ({"s": START, "a": bound("$.s.exit.x")}, "a", "variable", "no out port 'exit'"),
        ({"s": START, "a": bound("$.s.out.items.0.id")}, "a", "variable", "g_nthIndex"),
        ({"s": START, "a": bound("$.s.out.items[0].id")}, "a", "variable", "g_nthIndex"),
        ({"s": START, "a": bound("started")}, "a", "variable", "$.componentId.port.path"),
        ({"s": START, "a": bound(None)}, "a", "variable", "without a variable"),
        ({"s": START, "a": bound("$.s.out", {"name": "g_nope"})}, "a", "modifier", "g_nope"),
        ({"s": START, "a": bound("$.s.out", "g_trim")}, "a", "modifier", "does not exist"),
        (
            {"s": START, "a": entry(PASS, "s", fields={"to": "{{{no-such-binding}}}"})},
            "a", "variable", "no-such-binding",
        ),
        (
            {"s": START, "a": entry(PASS, "s") | {
                "config": {"transform": {"in": {"x": {"out": {"lambda": {}}}}}}}},
            "a", "transform", "Malformed transformation",
        ),
    ],
)  # fmt: skip
def test_a_problem_says_where_and_what_it_is(
    flow: dict[str, Json], component_id: str, keyword: str, says: str
) -> None:
    found = problems(**flow)

    assert any(
        (where, word) == (component_id, keyword) and says in message
        for where, word, message in found
    ), found


def test_variables_inside_of_arguments_are_checked_too() -> None:
    nested = {"value": "{{{id-2}}}", "modifiers": {"id-2": {"variable": "$.ghost.out.x"}}}

    found = problems(s=START, a=bound("$.s.out.started", {"name": "g_add", "params": [nested]}))

    assert [keyword for _, keyword, _ in found] == ["variable"]


@pytest.mark.parametrize(
    "flow",
    [
        {"s": START, "a": entry(PASS, ("s", "error"))},
        {"s": START, "a": entry(PASS, "s", "b"), "b": entry(PASS, "a")},
        {"s": START, "a": entry(PASS, "s", "a", fields={"to": "{{{$.a.out.x}}}"})},
        {"s": START, "b": entry(CHOOSY, properties={"mode": "good"}), "a": entry(PASS, "s", "b")},
        {"s": START, "a": entry(NEEDY)},
        {"s": START, "a": entry(NEEDY, "s")},
        {"s": START, "a": bound(None, {"name": "g_now"})},
        {"s": START, "a": bound("$.s.error.error.message")},
        {"s": START, "a": bound("$.s.out")},
    ],
)
def test_what_only_looks_wrong_is_no_problem(flow: dict[str, Json]) -> None:
    assert problems(**flow) == []


def test_defaults_of_properties_are_filled_in() -> None:
    graph = flows.build({"c": entry(CHOOSY, properties={"mode": "good", "size": None})}, LIBRARY)

    assert graph.nodes["c"].properties == {"mode": "good", "size": 5}


def test_a_long_chain_in_any_order_is_checked() -> None:
    chain = {"s": START} | {
        f"c{index}": entry(
            PASS, f"c{index - 1}" if index else "s", fields={"to": "{{{$.s.out.started}}}"}
        )
        for index in range(2_000)
    }

    found = flows.check(dict(reversed(chain.items())), LIBRARY)

    assert found == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.sampled_from(
        ["$.s.out", "{{{x}}}", "{{{$.s.out.y}}}", "appmixer.utils.controls.OnStart", "out", "in"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["s", "a", "in", "out", "type", "lambda", "modifiers", "x", "functions",
                         "variable", "params", "value", "name", "hashParams"]),
        inner, max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip
entries = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["appmixer.utils.controls.OnStart", PASS, "a.b.c.D"]) | json_values,
        "source": st.dictionaries(st.just("in"), st.dictionaries(st.sampled_from(["s", "a", "z"]),
            st.text(max_size=4) | st.lists(st.sampled_from(["out", "error", "x"]) | json_values))),
        "config": st.fixed_dictionaries({}, optional={"properties": json_values, "transform":
            st.dictionaries(st.just("in"), st.dictionaries(st.just("s"), st.dictionaries(
                st.just("out"), json_values)))}) | json_values,
        "errorHandling": json_values,
    },
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["s", "a", "b"]), entries | json_values, max_size=3))
def test_whatever_is_sent_is_either_sound_or_has_problems(descriptor: dict[str, Json]) -> None:
    if not flows.check(descriptor, LIBRARY):
        flows.build(descriptor, LIBRARY)


def test_the_library_finds_what_the_sandbox_brings() -> None:
    found: Component | None = components.find("appmixer.utils.controls.OnStart")

    assert found is not None
    assert found.trigger
