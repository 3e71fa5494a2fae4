"""What operations make of a flow, and what is said of those that cannot be carried out."""

import itertools
import json
from typing import Any

import pytest

from appmixer_mcp.descriptor import MAX_BYTES
from appmixer_mcp.editing import edit, readable, types_named
from appmixer_mcp.errors import InputError
from tests.editing.sandbox_types import (
    CONDITION,
    EACH,
    GET,
    JOIN_EACH,
    ON_START,
    RESPONSE,
    SET,
    TYPES,
    WEBHOOK,
)

UNKNOWN = "acme.crm.contacts.Create"


def link(sender, out_port, fields=None, modifiers=None):
    """Return the source and config of a component with one link to its port `in`."""
    transform = {"type": "json2new", "modifiers": modifiers or {}, "lambda": fields or {}}
    return {
        "source": {"in": {sender: [out_port]}},
        "config": {"transform": {"in": {sender: {out_port: transform}}}},
    }


FLOW = {
    "hook": {"type": WEBHOOK, "label": "Hook", "x": 64, "y": 16, "source": {}},
    "get": {
        "type": GET,
        "label": "Look up",
        "x": 256,
        "y": 16,
        **link(
            "hook",
            "request",
            {"url": "https://example.com/{{{b}}}", "headers": {"x": 1}},
            {"url": {"b": {"variable": "$.hook.request.data.id", "functions": []}}},
        ),
    },
    "yes": {"type": RESPONSE, "label": "Answer", **link("get", "response", {"statusCode": 200})},
    "no": {"type": RESPONSE, "label": "Answer", "source": {"in": {"get": ["error"]}}},
    "crm": {"type": UNKNOWN, "label": "CRM", "source": {"contact": {"get": "response"}}},
    "again": {"type": ON_START},
}


def edited(*operations, flow=FLOW):
    ids = (f"new{number}" for number in itertools.count())
    return edit(flow, operations, TYPES, lambda: next(ids))


def refusal(*operations, flow=FLOW):
    text = json.dumps(flow)
    with pytest.raises(InputError) as raised:
        edited(*operations, flow=flow)
    assert json.dumps(flow) == text
    return str(raised.value)


def changes(*operations):
    """Return the entries that are others afterwards."""
    after = edited(*operations).descriptor
    return {one: entry for one, entry in after.items() if entry != FLOW.get(one)}


def test_a_field_that_is_set_leaves_the_others_and_their_bindings():
    after = changes({"op": "set", "component": "look UP", "fields": {"body": "x", "headers": None}})

    transform = after["get"]["config"]["transform"]["in"]["hook"]["request"]
    before = FLOW["get"]["config"]["transform"]["in"]["hook"]["request"]
    assert transform["lambda"] == {"url": "https://example.com/{{{b}}}", "body": "x"}
    assert transform["modifiers"] == before["modifiers"]


@pytest.mark.parametrize(
    ("value", "text", "bindings"),
    [
        ("{{Hook.request.data}}", "{{{new0}}}", [("$.hook.request.data", [])]),
        ("a {{ hook.request }} b", "a {{{new0}}} b", [("$.hook.request", [])]),
        ("{{$.hook.request.a}}", "{{{new0}}}", [("$.hook.request.a", [])]),
        ("{{{$.hook.request.a}}}", "{{{new0}}}", [("$.hook.request.a", [])]),
        (
            "{{Hook.request.data.list | g_join ' | ' | g_truncate 3 omission=\"{}\"}}",
            "{{{new0}}}",
            [
                (
                    "$.hook.request.data.list",
                    [
                        {"name": "g_join", "params": [{"value": " | "}]},
                        {
                            "name": "g_truncate",
                            "params": [{"value": 3}],
                            "hashParams": {"omission": {"value": "{}"}},
                        },
                    ],
                )
            ],
        ),
        (
            "{{g_now | g_addTimeSpan days=-2.5 inclusive=true}}",
            "{{{new0}}}",
            [
                (
                    None,
                    [
                        {"name": "g_now"},
                        {
                            "name": "g_addTimeSpan",
                            "hashParams": {"days": {"value": -2.5}, "inclusive": {"value": True}},
                        },
                    ],
                )
            ],
        ),
        (
            "{{Look up.error.error}}{{Hook.request.a}}",
            "{{{new0}}}{{{new1}}}",
            [("$.get.error.error", []), ("$.hook.request.a", [])],
        ),
        ("100 {%} }} of", "100 {%} }} of", []),
    ],
)
def test_an_expression_becomes_bindings_and_reads_the_same_afterwards(value, text, bindings):
    operation = {"op": "set", "component": "yes", "fields": {"body": value}}

    after = edited(operation).descriptor

    transform = after["yes"]["config"]["transform"]["in"]["get"]["response"]
    found = transform["modifiers"].get("body", {}).values()
    assert transform["lambda"]["body"] == text
    assert [(one.get("variable"), one["functions"]) for one in found] == bindings
    shown = readable(after, FLOW)["yes"]["Look up.response -> in"]["body"]
    again = edited({**operation, "fields": {"body": shown}}).descriptor
    assert again == after


def test_a_binding_that_the_value_still_names_is_kept():
    url = "https://example.org/{{{b}}}/{{Hook.request.data.page}}"

    after = changes({"op": "set", "component": "get", "fields": {"url": url}})

    transform = after["get"]["config"]["transform"]["in"]["hook"]["request"]
    assert list(transform["modifiers"]["url"]) == ["b", "new0"]


def test_what_is_inserted_gets_the_messages_and_the_link_keeps_its_fields():
    operation = {
        "op": "insert", "type": CONDITION, "from": "hook", "to": "Look up", "out_port": "true",
    }  # fmt: skip

    after = changes(operation)

    assert sorted(after) == ["get", "new0"]
    assert after["new0"]["source"] == {"in": {"hook": ["request"]}}
    assert after["get"]["source"] == {"in": {"new0": ["true"]}}
    transform = FLOW["get"]["config"]["transform"]["in"]["hook"]["request"]
    assert after["get"]["config"]["transform"] == {"in": {"new0": {"true": transform}}}
    assert after["new0"]["x"] == 160


def test_a_component_takes_the_place_of_another_in_links_and_variables():
    after = changes(
        {"op": "add", "component": "copy", "type": WEBHOOK},
        {"op": "replace", "component": "hook", "to": "copy"},
        {"op": "remove", "component": "hook"},
    )

    assert after["get"]["source"] == {"in": {"new0": ["request"]}}
    transform = after["get"]["config"]["transform"]["in"]["new0"]["request"]
    assert transform["modifiers"]["url"]["b"]["variable"] == "$.new0.request.data.id"


def test_one_link_of_several_from_a_port_is_disconnected():
    flow = FLOW | {"join": {"type": JOIN_EACH, "source": {"in": {"hook": ["request", "error"]}}}}

    after = edited(
        {"op": "disconnect", "from": "hook", "to": "join", "out_port": "error"}, flow=flow
    )

    assert after.descriptor["join"]["source"] == {"in": {"hook": ["request"]}}


def test_settings_are_merged_and_null_removes():
    after = changes(
        {
            "op": "configure",
            "component": "hook",
            "properties": {"url": "u", "immediateResponse": 1},
        },
        {"op": "configure", "component": "hook", "properties": '{"url": null}'},
        {"op": "error_handling", "component": "get", "properties": {"maxRetries": 2}},
        {"op": "error_handling", "component": "get", "properties": {"onError": "errorPort"}},
        {"op": "error_handling", "component": "crm", "properties": {"onError": None}},
        {"op": "move", "component": "hook", "x": 1.5, "y": 2},
    )

    assert sorted(after) == ["get", "hook"]
    assert after["hook"]["config"] == {"properties": {"immediateResponse": 1}}
    assert (after["hook"]["x"], after["hook"]["y"]) == (1.5, 2)
    assert after["get"]["errorHandling"] == {"maxRetries": 2, "onError": "errorPort"}


def test_a_new_component_lies_on_no_other():
    add = {"op": "add", "type": SET, "from": "hook"}

    after = changes(add | {"component": "one"}, add | {"component": "two"})

    assert [(one["x"], one["y"]) for one in after.values()] == [(256, 144), (256, 272)]


def test_ports_of_a_type_that_the_tenant_does_not_know_are_taken_as_they_are():
    after = changes(
        {"op": "connect", "from": "CRM", "to": "yes", "out_port": "made", "fields": {"anything": 1}}
    )

    assert after["yes"]["source"]["in"]["crm"] == ["made"]


@pytest.mark.parametrize(
    ("operation", "warned"),
    [
        ({"op": "connect", "from": "get", "to": "get"}, "now has a circle: 'Look up' -> 'Look up'"),
        ({"op": "rename", "component": "hook", "label": "Answer"}, "more than one 'Answer'"),
        ({"op": "set", "component": "yes", "fields": {"bdy": 1}}, "field 'bdy'; it has body, "),
        (
            {"op": "configure", "component": "hook", "properties": {"evnt": 1}},
            "property 'evnt'; it has immediateResponse, url",
        ),
        ({"op": "set", "component": "no", "fields": {"body": 1}}, "handed on all it got"),
        (
            {"op": "insert", "type": GET, "from": "get", "to": "no", "label": "New"},
            "now gets what 'New' sends",
        ),
    ],
)
def test_what_is_legal_and_may_not_have_been_meant_is_told(operation, warned):
    [warning] = edited(operation).warnings

    assert warned in warning


def test_a_new_component_of_an_unknown_type_is_told():
    ids = itertools.count()
    operation = {"op": "add", "type": "no.such.thing.Here"}

    result = edit({}, [operation], {"no.such.thing.Here": None}, lambda: f"new{next(ids)}")

    assert result.ids == {"Here": "new0"}
    assert "no component of the type" in result.warnings[0]
    with pytest.raises(InputError, match="search_components finds those it has"):
        edit({"a": {"type": ON_START}}, [operation | {"from": "a"}], {"no.such.thing.Here": None})


REFUSED = {
    "an unknown operation": ({"op": "delete"}, "op must be one of add, remove,"),
    "a missing field": ({"op": "move", "component": "a", "x": 1}, "y is missing. move takes"),
    "a field too many": ({"op": "remove", "component": "get", "x": 1}, "no field 'x'"),
    "a text for a number": ({"op": "move", "component": "a", "x": "1", "y": 1}, "x must be a num"),
    "an unknown component": (
        {"op": "remove", "component": "gone"},
        "no component 'gone'; it has 'Hook', 'Look up', 'Answer' ('yes'), 'Answer' ('no'), 'CRM'",
    ),
    "a label that is there twice": (
        {"op": "remove", "component": "Answer"},
        f"label of 2 components; name one by its id: yes ({RESPONSE}), no ({RESPONSE})",
    ),
    "a link from what goes": ({"op": "remove", "component": "get"}, "'Look up'.response -> "),
    "a variable of what goes": (
        {"op": "remove", "component": "hook"},
        "'$.hook.request.data.id' in",
    ),
    "an unknown out port": (
        {"op": "connect", "from": "get", "to": "yes", "out_port": "out"},
        "no out port 'out'; its out ports are response, error",
    ),
    "an unknown in port": (
        {"op": "connect", "from": "hook", "to": "yes", "in_port": "task"},
        "no in port 'task'; its in ports are in",
    ),
    "one of several ports": (
        {"op": "add", "type": JOIN_EACH, "from": "hook"},
        "Name an in port of 'Join Each'; its in ports are in, count",
    ),
    "a port that nobody knows": (
        {"op": "connect", "from": "CRM", "to": "yes"},
        "are not known here",
    ),
    "a link to a trigger": ({"op": "connect", "from": "get", "to": "hook"}, "it is a trigger"),
    "a link that is there": (
        {"op": "connect", "from": "hook", "to": "get"},
        "is there; set changes",
    ),
    "a link that is not there": (
        {"op": "disconnect", "from": "hook", "to": "yes"},
        "no such connection; of 'Answer' ('yes'): 'Look up'.response",
    ),
    "fields where no link is": ({"op": "set", "component": "hook", "fields": {}}, "configure sets"),
    "fields of no link": ({"op": "add", "type": GET, "fields": {"url": "u"}}, "say `from` which"),
    "nothing to insert": ({"op": "insert", "from": "hook", "to": "get"}, "Say what to insert"),
    "an inserted end of the link": (
        {"op": "insert", "from": "hook", "to": "get", "component": "get"},
        "between itself",
    ),
    "a name that is taken": ({"op": "add", "type": GET, "component": "CRM"}, "a component already"),
    "a type that is none": ({"op": "add", "type": "Get"}, "vendor.service.module.Component"),
    "a wrong setting": (
        {"op": "error_handling", "component": "get", "properties": {"onError": "retry"}},
        "onError one of storeUnprocessed",
    ),
    "nothing to replace": ({"op": "replace", "component": "CRM", "to": "get"}, "Nothing refers to"),
    "a replacement without the port": (
        {"op": "replace", "component": "get", "to": "yes"},
        "no out port 'response'; its out ports are",
    ),
    "more than Appmixer takes": (
        {"op": "configure", "component": "hook", "properties": {"url": "x" * MAX_BYTES}},
        "Appmixer takes at most 2,097,152",
    ),
}


@pytest.mark.parametrize(("operation", "said"), REFUSED.values(), ids=REFUSED)
def test_an_operation_that_cannot_be_carried_out_changes_nothing(operation, said):
    harmless = {"op": "rename", "component": "again", "label": "Other"}

    assert said in refusal(harmless, operation)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{{Hok.request.x}}", "'Hok.request.x' begins with no component of the flow, which has 'H"),
        ("{{Hook.data.x}}", "no out port 'data'; its out ports are request, error"),
        ("{{Hook}}", "'Hook' names no out port"),
        ("{{Answer.error.x}}", "label of 2 components"),
        ("{{Hook.request.x | }}", "'' is no modifier"),
        ("{{Hook.request.x |}}", "names no modifier"),
        ("{{Hook.request.x | g_join 'a}}", "does not end"),
        ("{{Hook.request.x", "does not end"),
        ("{{Hook.request.x | g_add Hook.request.y}}", "takes no variable here"),
        ("{{{unknown}}}", "'unknown' begins with no component"),
        ({"deep": ["{{}}"]}, "begins with no component"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(value, said):
    assert said in refusal({"op": "set", "component": "yes", "fields": {"body": value}})


def test_a_link_of_several_has_to_be_named():
    both = FLOW | {"each": {"type": EACH, "source": {"in": {"get": ["response"], "hook": "error"}}}}

    text = refusal({"op": "set", "component": "each", "fields": {"list": 1}}, flow=both)

    assert "'Look up'.response -> 'each'.in, 'Hook'.error -> 'each'.in. Name from" in text


def test_two_links_are_not_made_one():
    both = FLOW | {"join": {"type": EACH, "source": {"in": {"yes": ["error"], "no": ["error"]}}}}

    text = refusal({"op": "replace", "component": "yes", "to": "no"}, flow=both)

    assert "one of two connections would be lost" in text


def test_a_malformed_entry_is_not_touched_and_harms_no_other():
    bad = FLOW | {"odd": {"type": GET, "source": {"in": "get"}}, "worse": 5}

    text = refusal({"op": "connect", "from": "hook", "to": "odd"}, flow=bad)
    result = edited({"op": "rename", "component": "hook", "label": "New"}, flow=bad)

    assert "is malformed" in text
    assert result.descriptor["odd"] == bad["odd"]


def test_only_types_that_are_named_are_asked_for():
    operations: list[dict[str, Any]] = [
        {"op": "set", "component": "look up", "fields": {"url": "{{hook.request}}"}},
        {"op": "add", "type": SET},
    ]

    assert sorted(types_named(FLOW, operations)) == sorted([SET, WEBHOOK, GET])


def test_what_is_odd_in_bindings_is_still_shown():
    odd = link(
        "hook",
        "request",
        {"body": "{{{b}}} {{{nothing}}}"},
        {"body": {"b": {"variable": 5, "functions": [7, {"name": "g_x", "params": 3}]}}},
    )

    shown = readable({"odd": {"type": RESPONSE, **odd}}, {})["odd"]

    assert shown["hook.request -> in"] == {"body": "{{5 | None | g_x}} {{nothing}}"}


def test_an_expression_of_endless_parts_names_no_component():
    endless = "hook.request" + ".x" * 1_000

    text = refusal({"op": "set", "component": "look up", "fields": {"url": f"{{{{{endless}}}}}"}})

    assert "begins with no component" in text


def test_a_long_circle_is_told_by_its_beginning():
    chain: dict[str, Any] = {"c0": {"type": GET, "label": "L0"}}
    for number in range(1, 30):
        source = {"in": {f"c{number - 1}": ["response"]}}
        chain[f"c{number}"] = {"type": GET, "label": f"L{number}", "source": source}

    result = edited({"op": "connect", "from": "L29", "to": "L0"}, flow=chain)

    assert result.warnings == [
        "The flow now has a circle: "
        + " -> ".join(f"'L{number}'" for number in range(10))
        + " -> … -> 'L0'."
    ]
