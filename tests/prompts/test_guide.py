"""Our guide to writing flows says what is true of the sandbox, and its example runs."""

import json
import re

import pytest

from appmixer_mcp.prompting import guide
from appmixer_mcp.sandbox import components, modifiers
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.flows import check
from tests.prompts.conftest import example

LISTED = re.findall(r"^- ((?:`[\w.]+`(?:, )?)+): (.*?)(?=\n- |\n*\Z)", guide(), re.M | re.S)
NAMED = [(name, said) for names, said in LISTED for name in re.findall(r"[\w.]+", names)]


def named_ports(text):
    """Return port -> fields of a piece such as `in{url*, body}, count{count*}`."""
    return {
        name: {field.strip() for field in (fields or "").split(",") if field.strip()}
        for name, fields in re.findall(r"(\w+)(?:\{([^}]*)\})?", text)
    }


def starred(fields):
    return {f"{one.name}{'*' * one.required}" for one in fields}


def found(name) -> Component:
    component = components.find(f"appmixer.utils.{name}")
    assert component, name
    return component


def test_the_guide_lists_components():
    assert len(NAMED) > 30


@pytest.mark.parametrize(("name", "said"), NAMED, ids=[name for name, _ in NAMED])
def test_what_the_guide_says_of_a_component_is_true(name, said):
    component = found(name)
    takes, _, gives = said.replace("\n", " ").partition("->")
    in_ports = {port.name: port for port in component.in_ports}
    outs = {
        port.name: {path.partition(".")[0] for path in port.variables}
        for port in component.out_ports
    }

    said_in = {
        port: fields for port, fields in named_ports(takes.partition(";")[0]).items()
        if port in in_ports
    }  # fmt: skip
    for port, fields in said_in.items():
        known = starred(in_ports[port].fields)
        assert fields <= known, port
        assert {one for one in known if one.endswith("*")} <= fields, port
    assert bool(said_in) == bool(in_ports)
    said_out = named_ports(gives.partition(";")[0].partition(", each")[0])
    assert said_out.keys() <= outs.keys()
    for port, fields in said_out.items():
        assert fields <= outs[port], port


@pytest.mark.parametrize(("name", "said"), NAMED, ids=[name for name, _ in NAMED])
def test_the_settings_that_the_guide_names_exist(name, said):
    component = found(name)
    settings = re.match(r"properties ([\w*, ]+?)(?: \(|, \{| ->)", " ".join(said.split()))
    fields = set(settings[1].split(", ")) if settings else set()

    known = starred(component.properties)
    needed = {one.name for one in component.properties if one.required and one.default is None}

    assert fields <= known
    assert {f"{one}*" for one in needed} <= fields


def test_the_modifiers_that_the_guide_names_exist():
    named = set(re.findall(r"g_\w+", guide()))

    assert len(named) > 15
    assert {one for one in named if modifiers.find(one) is None} == set()


WRONG = {
    '"names the in port"': {'"in": {"HOOK"': '"task": {"HOOK"'},
    '"names the out port"': {'["true"]': '["yes"]'},
    '"Malformed transformation"': {'"source": {"in": {"LIMIT": ["true"]}}': '"source": {}'},
    '"is required"': {'"key": "order-{{{id}}}", ': ""},
    '"contains invalid variable"': {"data.amount": "data.0.amount"},
    '"uses the modifier"': {'"functions": []': '"functions": [{"name": "g_none"}]'},
    '"The flow has no trigger"': {"http.WebhookTrigger": "controls.Join"},
    '"connection(s)"': {
        "controls.Condition": "controls.Each",
        '["request"]': '["request", "error"]',
    },
}


@pytest.mark.parametrize(("said", "replaced"), WRONG.items(), ids=WRONG)
def test_a_flow_is_refused_in_the_words_that_the_guide_quotes(said, replaced):
    assert said in guide()

    problems = check(example("store", **replaced), components.find)

    assert any(said.strip('"') in problem.message for problem in problems), problems


def test_every_refusal_that_the_guide_quotes_is_tried_here():
    section = guide().partition("## What is refused")[2].partition("While it runs")[0]

    quoted = set(re.findall(r'"[^"\n]+"(?= or |:)', section))

    assert quoted == WRONG.keys()


async def test_the_flow_in_the_guide_runs(tenants):
    async with tenants.owner() as call:
        store = (await call("create_store", name="Large orders"))["store_id"]
        flow = await call("create_flow", name="Example", descriptor=example(store))
        await call("start_flow", flow_id=flow["flow_id"])
        shown = await call("get_flow", flow_id=flow["flow_id"])
        url = shown["components"][0]["webhook_url"]
        await tenants.send(url, *({"id": amount, "amount": amount} for amount in (10, 5000)))

        page = await call.until(lambda page: page["items"], "list_store_records", store_id=store)

    assert [one["key"] for one in page["items"]] == ["order-5000"]
    assert page["items"][0]["value"] == '{"id": 5000, "amount": 5000}'


async def test_the_operations_of_the_guide_are_carried_out(tenants):
    steps, tools_of_a_flow = re.findall(r"```edit\n(.*?)```", guide(), re.S)
    async with tenants.owner() as call:
        store = (await call("create_store", name="Large orders"))["store_id"]
        orders = await call("create_flow", name="Example", descriptor=example(store))
        empty = await call("create_flow", name="Tools")

        edited = [
            await call(
                "edit_flow",
                flow_id=flow["flow_id"],
                base_version=flow["version"],
                operations=json.loads(operations),
            )
            for flow, operations in ((orders, steps), (empty, tools_of_a_flow))
        ]
        started = await call("start_flow", flow_id=empty["flow_id"])

    assert [list(one["ids"]) for one in edited] == [["Ask first"], ["Gateway", "greet", "Answer"]]
    assert not any("new_problems" in one or "warnings" in one for one in edited)
    assert started["stage"] == "running"
