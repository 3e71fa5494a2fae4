"""What clients see of the tools: names, schemas, hints, pinned one file a tool."""

import json
import re
from pathlib import Path

import pytest
from mcp import Client

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.server import ServerOptions, build_server
from appmixer_mcp.session import SANDBOX, Session
from tests.sdk_methods import SDK_METHODS

SURFACE = Path(__file__).with_name("surface")


async def never_opened(base_url):
    raise AssertionError(base_url)


def server(**options):
    if "confirm" in options:
        options["confirmations"] = Confirmations(options.pop("confirm"))
    return build_server(ServerOptions(session=Session(SANDBOX, never_opened), **options))


async def listed(**options):
    async with Client(server(**options)) as client:
        return {tool.name: tool for tool in (await client.list_tools()).tools}


def schemas(node):
    """Yield every schema within a schema."""
    yield node
    for one in node.get("properties", {}).values():
        yield from schemas(one)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from schemas(node[key])


async def test_the_surface_of_each_tool_is_the_one_that_was_reviewed(request):
    seen = {
        name: tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, tool in (await listed()).items()
    }
    if request.config.getoption("--update-surface"):
        for path in SURFACE.glob("*.json"):
            path.unlink()
        for name, tool in seen.items():
            text = json.dumps(tool, indent=2, ensure_ascii=False)
            (SURFACE / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")

    pinned = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SURFACE.glob("*.json")
    }

    assert seen == pinned


async def test_every_sdk_method_has_its_tool_and_every_tool_its_method():
    assert len(SDK_METHODS) == 40
    assert set(await listed()) == set(SDK_METHODS.values())


async def test_tools_are_listed_in_the_same_order_each_time():
    assert list(await listed()) == list(await listed())


async def test_no_schema_holds_what_some_client_refuses():
    for name, tool in (await listed()).items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
        assert len(name) <= 24
        assert tool.output_schema
        for schema in (*schemas(tool.input_schema), *schemas(tool.output_schema)):
            where = f"{name}: {schema}"
            assert isinstance(schema.get("type"), str), where
            assert not {"anyOf", "oneOf", "allOf", "$ref", "$defs", "title"} & set(schema), where
            assert schema.get("default", 0) is not None, where
            assert schema["type"] != "array" or schema["items"]["type"], where
            assert schema["type"] != "object" or "properties" in schema, where


async def test_every_tool_says_what_it_does_and_what_its_arguments_are():
    for name, tool in (await listed()).items():
        assert 20 <= len(tool.description or "") <= 1024, name
        assert tool.title
        for argument, schema in tool.input_schema["properties"].items():
            assert schema.get("description") or argument in ("name", "key"), (name, argument)


async def test_all_four_hints_are_set_and_do_not_contradict_each_other():
    for name, tool in (await listed()).items():
        assert tool.annotations, name
        hints = tool.annotations.model_dump()
        del hints["title"]
        assert None not in hints.values(), name
        assert not (hints["read_only_hint"] and hints["destructive_hint"]), name
        assert hints["destructive_hint"] == ("confirm" in tool.input_schema["properties"]), name


async def test_read_only_mode_lists_no_tool_that_writes():
    tools = await listed(read_only=True)

    assert "list_flows" in tools
    assert "start_flow" not in tools
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())


async def test_a_tool_that_read_only_mode_hides_cannot_be_called_either():
    async with Client(server(read_only=True)) as client:
        result = await client.call_tool("start_flow", {"flow_id": "f1"})

    assert result.is_error
    assert "start_flow is switched off here" in str(result.content[0])


async def test_groups_can_be_chosen():
    tools = await listed(toolsets=("stores", "session"))

    assert "list_stores" in tools
    assert "get_session" in tools
    assert "list_flows" not in tools


async def test_an_unknown_group_is_refused_with_the_valid_names():
    with pytest.raises(Exception, match="there is no 'flow'; use sdk, all, session, flows"):
        server(toolsets=("flow",))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "first answer done=false"),
        ({"confirm": "flag"}, "first answer done=false"),
        ({"confirm": "off"}, "act at once"),
        ({"read_only": True}, "nothing can be changed"),
    ],
)
async def test_the_instructions_say_what_a_destructive_call_does(options, said):
    async with Client(server(**options)) as client:
        assert said in (client.instructions or "")


async def test_the_instructions_are_short_and_name_the_tenant():
    async with Client(server()) as client:
        instructions = client.instructions or ""

    assert len(instructions.split()) < 300
    assert "sandbox" in instructions
