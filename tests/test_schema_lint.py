"""Every client takes our tools, in every mode; and each rule that says so can be broken."""

from copy import deepcopy

import pytest

from appmixer_mcp.options import ServerOptions
from tests.listings import MODES, PRESETS, Mode, shown_in
from tests.schema_lint import MAPS, RULES, Listing, problems, walk

TEXT = {"type": "string", "description": "A text."}
FINE = {
    "name": "get_thing",
    "title": "Get thing",
    "description": "Get a thing by its id, whole.",
    "inputSchema": {
        "type": "object",
        "properties": {"thing_id": TEXT},
        "required": ["thing_id"],
        "additionalProperties": False,
    },
    "outputSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
}


def closed(properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


def tool(**changes):
    return [{**deepcopy(FINE), **changes}]


def argument(**schema):
    return tool(inputSchema=closed({"thing_id": {"description": "A thing.", **schema}}))


def result(**schema):
    return tool(outputSchema={"type": "object", "properties": {"thing": schema}})


def nested(levels):
    schema = TEXT
    for _ in range(levels):
        schema = closed({"a": schema})
    return schema


BROKEN = [
    ("holds_no_union_reference_or_condition", argument(anyOf=[TEXT, {"type": "integer"}])),
    ("holds_no_union_reference_or_condition", result(**{"$ref": "#/$defs/Thing"})),
    ("holds_no_union_reference_or_condition", tool(inputSchema={**closed({}), "if": {}})),
    ("holds_no_union_reference_or_condition", argument(type="array", items={"not": {}})),
    ("has_one_type_and_no_null", argument()),
    ("has_one_type_and_no_null", argument(type=["string", "null"])),
    ("has_one_type_and_no_null", result(type="null")),
    ("has_one_type_and_no_null", result(type="object", additionalProperties={})),
    ("says_what_is_in_a_list", argument(type="array")),
    ("says_what_is_in_a_list", result(type="array", items={})),
    ("says_what_is_in_an_object", result(type="object")),
    ("says_what_is_in_an_object", result(type="array", items={"type": "object"})),
    ("holds_only_keywords_of_its_type", argument(type="integer", exclusiveMinimum=0)),
    ("holds_only_keywords_of_its_type", argument(type="string", format="date-time")),
    ("holds_only_keywords_of_its_type", argument(type="string", properties={})),
    ("holds_only_keywords_of_its_type", argument(type="string", title="Thing")),
    ("requires_only_properties_it_has", tool(inputSchema={**closed({}), "required": ["a"]})),
    ("offers_only_texts_to_choose_from", argument(type="integer", enum=[1, 2])),
    ("offers_only_texts_to_choose_from", argument(type="string", enum=["", "a"])),
    ("has_a_default_of_its_type_or_none", argument(type="string", default=None)),
    ("has_a_default_of_its_type_or_none", argument(type="integer", default="1")),
    ("has_plain_names_of_properties", tool(inputSchema=closed({"$filter": TEXT}))),
    ("has_plain_names_of_properties", result(type="object", properties={"a b": TEXT})),
    ("has_plain_names_of_properties", tool(inputSchema=closed({"a" * 65: TEXT}))),
    ("is_described_in_less_than_1024_characters", argument(type="string", description="a" * 1_024)),
    ("is_an_object", tool(inputSchema={"type": "array", "items": TEXT})),
    ("is_an_object", tool(outputSchema=TEXT)),
    ("nests_at_most_five_deep", tool(inputSchema=nested(6))),
    ("has_at_most_100_properties", result(**closed({f"a{n}": TEXT for n in range(100)}))),
    ("offers_at_most_500_choices", argument(type="string", enum=[str(n) for n in range(501)])),
    (
        "has_at_most_15000_characters_of_names_and_choices",
        argument(type="string", enum=["a" * 15_000]),
    ),
    ("has_a_plain_name", tool(name="things")),
    ("has_a_plain_name", tool(name="get.thing")),
    ("has_a_plain_name", tool(name="get_Thing")),
    ("has_a_name_of_at_most_24_characters", tool(name="list_" + "a" * 20)),
    ("fits_behind_every_prefix", tool(name="list_" + "a" * 29)),
    ("has_a_title", tool(title="")),
    ("says_what_it_does", tool(description="")),
    ("says_what_it_does", tool(description="a" * 1_024)),
    ("says_what_its_arguments_are", argument(type="string", description="")),
    ("says_what_it_returns", tool(outputSchema={})),
    ("closes_its_arguments_but_for_known_maps", tool(inputSchema={"type": "object"})),
    ("closes_its_arguments_but_for_known_maps", argument(**closed({}))),
    ("closes_its_arguments_but_for_known_maps", argument(type="object", properties={"a": TEXT})),
    ("names_every_tool_once", tool() * 2),
    ("has_at_most_40_tools_in_core", tool() * 41),
    ("has_at_most_128_tools", tool() * 129),
]


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_no_client_refuses_what_is_served(mode):
    tools = (await shown_in(mode))["tools"]

    assert tools
    assert problems(Listing(tools, is_core=mode.preset == "core")) == []


def test_what_is_served_by_default_is_among_what_is_looked_at():
    assert {*ServerOptions.toolsets} <= {*PRESETS}


@pytest.mark.parametrize(("name", "tools"), BROKEN)
def test_a_rule_is_broken_by_what_its_client_refuses(name, tools):
    assert list(RULES[name].places(Listing(tools, is_core=True)))


def test_there_is_no_rule_that_nothing_breaks():
    assert {name for name, _ in BROKEN} == RULES.keys()


def test_a_plain_tool_breaks_no_rule():
    assert problems(Listing([FINE], is_core=True)) == []


def test_a_break_says_where_it_is():
    items = {"type": "object", "properties": {"kind": {}}}

    assert problems(Listing(result(type="array", items=items))) == [
        "get_thing result.thing[].kind: has_one_type_and_no_null (Gemini; others guess)"
    ]


async def test_every_argument_that_no_schema_can_close_is_one_of_a_tool():
    tools = {tool["name"]: tool for tool in (await shown_in(Mode("all")))["tools"]}

    for name, argument_name in MAPS:
        places = dict(walk("", tools[name]["inputSchema"]))
        assert places[f".{argument_name}"]["type"] == "object"
