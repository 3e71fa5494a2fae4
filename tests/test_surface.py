"""What clients see of the server: pinned one file a tool, prompt and resource, one a mode."""

import json
import re
import shutil
from pathlib import Path

import pytest
from mcp import Client

from appmixer_mcp.errors import ConfigurationError
from tests.listings import MODES, PRESETS, Mode, listed, server, shown_in
from tests.sdk_methods import SDK_METHODS

SURFACE = Path(__file__).with_name("surface")
PINNED_MODES = [
    Mode(preset, read_only=read_only) for preset in PRESETS for read_only in (False, True)
]
FOLDERS = {
    "tools": "tools",
    "prompts": "prompts",
    "resources": "resources",
    "templates": "resources",
}


def key(one: dict[str, str]) -> str:
    """Return what clients ask for: a name, or of a resource its address."""
    return one.get("uri") or one.get("uriTemplate") or one["name"]


def file_name(one):
    return re.sub(r"\W+", "-", key(one).removeprefix("appmixer://")).strip("-") + ".json"


async def surface():
    """Return the text of each file of the surface, by its path."""
    files: dict[str, str] = {}
    for mode in PINNED_MODES:
        shown = await shown_in(mode)
        for kind, ones in shown.items():
            for one in ones:
                path = f"{FOLDERS[kind]}/{file_name(one)}"
                same = files.setdefault(path, as_text(one))
                assert same == as_text(one), f"{path}: two things, or one that differs in {mode}"
        names = {kind: [key(one) for one in ones] for kind, ones in shown.items()}
        files[f"modes/{mode}.json"] = as_text(names)
    return files


def as_text(value):
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


async def test_the_surface_is_the_one_that_was_reviewed(request):
    seen = await surface()
    if request.config.getoption("--update-surface"):
        shutil.rmtree(SURFACE, ignore_errors=True)
        for path, text in seen.items():
            (SURFACE / path).parent.mkdir(parents=True, exist_ok=True)
            (SURFACE / path).write_text(text, encoding="utf-8")

    pinned = {
        path.relative_to(SURFACE).as_posix(): path.read_text(encoding="utf-8")
        for path in SURFACE.rglob("*.json")
    }

    assert seen.keys() == pinned.keys(), "run pytest --update-surface and review the difference"
    for path, text in seen.items():
        assert text == pinned[path], (
            f"{path}: run pytest --update-surface and review the difference"
        )


async def test_every_sdk_method_has_its_tool_and_every_tool_its_method():
    tools = (await shown_in(Mode("sdk")))["tools"]

    assert len(SDK_METHODS) == 40
    assert {tool["name"] for tool in tools} == set(SDK_METHODS.values())


async def test_everything_is_listed_in_the_same_order_by_each_server():
    assert as_text(await listed()) == as_text(await listed())


@pytest.mark.parametrize("mode", PINNED_MODES, ids=str)
async def test_prompts_and_resources_say_to_people_what_they_are(mode):
    shown = await shown_in(mode)

    for one in (*shown["prompts"], *shown["resources"], *shown["templates"]):
        assert one.get("title"), one
        assert 20 <= len(one.get("description", "")) < 1_024, one
        assert all(argument.get("description") for argument in one.get("arguments", ())), one


@pytest.mark.parametrize("mode", PINNED_MODES, ids=str)
async def test_resources_have_addresses_of_their_own_and_say_what_they_hold(mode):
    shown = await shown_in(mode)
    resources = (*shown["resources"], *shown["templates"])

    addresses = [key(one) for one in resources]
    assert len(set(addresses)) == len(addresses)
    assert all(where.startswith("appmixer://") for where in addresses)
    assert all(one.get("mimeType") for one in resources)


async def test_what_varies_in_an_address_has_the_name_that_tools_give_it():
    shown = await shown_in(Mode("all"))

    arguments = {name for tool in shown["tools"] for name in tool["inputSchema"]["properties"]}
    assert shown["templates"]
    for template in shown["templates"]:
        variables = set(re.findall(r"\{\W?(\w+)\W?\}", key(template)))
        assert variables, template
        assert variables <= arguments, template


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_all_four_hints_are_set_and_do_not_contradict_each_other(mode):
    for tool in (await shown_in(mode))["tools"]:
        hints = tool["annotations"]
        asks = {"confirm", "confirm_token"} & tool["inputSchema"]["properties"].keys()
        assert hints.keys() == {
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        }, tool["name"]
        assert not (hints["readOnlyHint"] and hints["destructiveHint"]), tool["name"]
        assert hints["destructiveHint"] == bool(asks), tool["name"]


async def test_a_token_takes_the_place_of_the_flag_and_changes_nothing_else():
    by_flag = (await shown_in(Mode("all")))["tools"]
    by_token = (await shown_in(Mode("all", policy="token")))["tools"]

    assert [without_argument(one, "confirm_token") for one in by_token] == [
        without_argument(one, "confirm") for one in by_flag
    ]
    for flagged, tokened in zip(by_flag, by_token, strict=True):
        token = tokened["inputSchema"]["properties"].get("confirm_token", {"type": None})
        is_flagged = "confirm" in flagged["inputSchema"]["properties"]
        assert token["type"] == ("string" if is_flagged else None), tokened["name"]


def without_argument(tool, name):
    schema = tool["inputSchema"]
    rest = {key: value for key, value in schema["properties"].items() if key != name}
    return {**tool, "inputSchema": {**schema, "properties": rest}}


async def test_read_only_mode_lists_no_tool_that_writes():
    tools = {tool["name"]: tool for tool in (await shown_in(Mode(read_only=True)))["tools"]}

    assert "list_flows" in tools
    assert "start_flow" not in tools
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools.values())


async def test_a_tool_that_read_only_mode_hides_cannot_be_called_either():
    async with Client(server(read_only=True)) as client:
        result = await client.call_tool("start_flow", {"flow_id": "f1"})

    assert result.is_error
    assert "start_flow is switched off here" in str(result.content[0])


async def test_groups_can_be_chosen():
    tools = {tool["name"] for tool in (await listed(toolsets=("stores", "session")))["tools"]}

    assert {"list_stores", "get_session"} <= tools
    assert "list_flows" not in tools


async def test_an_unknown_group_is_refused_with_the_valid_names():
    valid = ", ".join((*PRESETS, "session", "flows"))

    with pytest.raises(ConfigurationError, match=f"no .*'flow'; use {valid}"):
        server(toolsets=("flow",))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "done=false"),
        ({"confirm": "flag"}, "done=false"),
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
