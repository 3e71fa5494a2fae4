"""The prompts, as a client gets them."""

import re
from pathlib import Path

import pytest
from mcp import Client, MCPError

from appmixer_mcp.prompting import load_prompts, read_prompt
from appmixer_mcp.server import ServerOptions, build_server
from appmixer_mcp.session import SANDBOX, Session
from tests.sdk_methods import SDK_METHODS

TOOL_NAME = re.compile(r"\b[a-z]+_[a-z]+(?:_[a-z]+)*\b")
ARGUMENTS_OF_TOOLS = {"flow_id", "component_ids", "webhook_url"}
FILE = '---\n{"title": "T", "description": "D", "arguments": {"a": "x", "b?": "y"}}\n---\n'


async def never(base_url):
    raise AssertionError(base_url)


@pytest.fixture
async def client():
    async with Client(build_server(ServerOptions(session=Session(SANDBOX, never)))) as client:
        yield client


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "one.md"
    path.write_text(text, encoding="utf-8")
    return path


async def test_every_prompt_is_listed_with_a_title_and_described_arguments(client):
    prompts = (await client.list_prompts()).prompts

    assert {"build_flow", "why_flow_fails"} <= {prompt.name for prompt in prompts}
    for prompt in prompts:
        assert prompt.title
        assert prompt.description
        assert all(argument.description for argument in prompt.arguments)


async def test_a_prompt_holds_what_the_person_gave(client):
    result = await client.get_prompt("build_flow", {"brief": "mail me {{name}} orders"})

    text = result.messages[0].content.text
    assert "mail me {{name}} orders" in text
    assert "Call it:" not in text


async def test_an_optional_argument_shows_when_it_is_given(client):
    result = await client.get_prompt("build_flow", {"brief": "b", "name": "Orders"})

    assert "Call it: Orders" in result.messages[0].content.text


async def test_a_flows_own_triple_brackets_survive(client):
    result = await client.get_prompt("build_flow", {"brief": "b"})

    assert "{{{bindingId}}}" in result.messages[0].content.text


async def test_an_unknown_prompt_and_a_missing_argument_are_said_plainly(client):
    with pytest.raises(MCPError, match="Unknown prompt"):
        await client.get_prompt("nothing", {})
    with pytest.raises(MCPError, match="brief"):
        await client.get_prompt("build_flow", {})


def test_every_tool_that_a_prompt_names_exists():
    known = set(SDK_METHODS.values()) | ARGUMENTS_OF_TOOLS

    for prompt in load_prompts():
        text = prompt.fn(**{argument.name: "x" for argument in prompt.arguments or []})
        assert set(TOOL_NAME.findall(str(text))) - known == set(), prompt.name


def test_a_file_without_front_matter_is_refused(tmp_path):
    with pytest.raises(ValueError, match="front matter"):
        read_prompt(written(tmp_path, "Just text."))


def test_an_argument_that_is_not_declared_is_refused(tmp_path):
    with pytest.raises(ValueError, match="declares"):
        read_prompt(written(tmp_path, FILE + "{{a}} {{b}} {{c}}"))
