"""What a tool answers to arguments that are wrong."""

import pytest
from mcp import Client

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from appmixer_mcp.session import SANDBOX, Session

from .conftest import Tools

WRONG = {
    "unknown": (
        "list_flows",
        {"limt": 1},
        "list_flows has no argument 'limt'; it takes pattern, filter, sort, limit",
    ),
    "missing": ("get_flow", {}, "flow_id is missing. From list_flows."),
    "a text for a number": (
        "list_flows",
        {"limit": "many"},
        "a whole number from 1 to 100, not 'many'",
    ),
    "too large": (
        "list_flows",
        {"limit": 500},
        "limit must be a whole number from 1 to 100, not 500",
    ),
    "a number for a text": (
        "get_flow",
        {"flow_id": 7},
        "flow_id must be text that is not empty, not 7",
    ),
    "an empty text": ("get_flow", {"flow_id": ""}, "that is not empty, not ''"),
    "an unknown choice": (
        "get_flow",
        {"flow_id": "f", "detail": "all"},
        "detail must be one of summary, components, descriptor, not 'all'",
    ),
    "a list for an object": (
        "create_flow",
        {"name": "x", "descriptor": [1]},
        "descriptor must be an object, not a list",
    ),
    "text that is no JSON for an object": (
        "create_flow",
        {"name": "x", "descriptor": "{"},
        "descriptor must be an object, not a single value",
    ),
    "a null that must be there": ("get_flow", {"flow_id": None}, "flow_id must be text"),
    "a flag that is no flag": (
        "delete_flow",
        {"flow_id": "f", "confirm": "perhaps"},
        "confirm must be true or false",
    ),
}


@pytest.mark.parametrize(("name", "arguments", "said"), WRONG.values(), ids=WRONG)
async def test_a_wrong_argument_is_named_with_what_it_takes(tools, name, arguments, said):
    assert said in await tools.refused(name, **arguments)


async def test_several_wrong_arguments_are_all_named(tools):
    said = await tools.refused("list_flows", limit=0, offset=-1, ofset=3)

    assert "limit must" in said
    assert "offset must" in said
    assert "'ofset'" in said


async def test_a_secret_of_the_wrong_kind_is_not_repeated(tools):
    said = await tools.refused("authenticate_user", username="a", password=123456789)

    assert "password must be text" in said
    assert "123456789" not in said


async def test_a_null_for_an_argument_that_may_be_left_out_is_as_if_left_out(tools):
    assert (await tools("list_flows", pattern=None, limit=None))["total"] == 0


async def test_text_that_looks_like_json_stays_text(tools):
    store = (await tools("create_store", name="123"))["store_id"]

    assert (await tools("get_store", store_id=store))["name"] == "123"


async def test_a_list_may_come_as_json_text(tools):
    await tools("create_flow", name="a", custom_fields='{"team": "x"}')

    assert (await tools("count_flows", filter='["customFields.team:x"]'))["count"] == 1


async def test_an_unknown_tool_is_answered_with_the_nearest_names(tools):
    said = await tools.refused("list_flow")

    assert "list_flows" in said


async def test_a_fault_of_ours_is_not_told_to_the_model(caplog):
    async def broken(base_url):
        raise KeyError("a secret detail")

    async with Client(build_server(ServerOptions(session=Session(SANDBOX, broken)))) as client:
        said = await Tools(client).refused("list_flows")

    assert said == "Error executing tool list_flows"
    assert "a secret detail" in caplog.text


async def test_a_token_in_the_place_of_an_object_is_not_repeated(tools):
    said = await tools.refused("create_account", service="a:b", token="xoxb-secret")

    assert said == "token must be an object, not a single value."


async def test_the_password_in_a_refused_address_is_not_repeated(tools):
    said = await tools.refused("configure_session", base_url="https://ada:hunter2@example.org")

    assert "example.org" in said
    assert "hunter2" not in said


async def test_an_error_that_names_very_much_is_cut_like_a_result(tools):
    descriptor = {f"c{number}": {"type": "?"} for number in range(2_000)}

    said = await tools.refused("create_flow", name="F", descriptor=descriptor)

    assert "2000 problem(s)" in said
    assert len(said) < 20_100
    assert said.endswith("did not fit]")
