"""The prompts, as a client gets them."""

import json
import re
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client, MCPError

from appmixer_mcp._folders import folder
from appmixer_mcp.prompting import load_prompts, read_prompt
from appmixer_mcp.sandbox import components
from appmixer_mcp.server import ServerOptions, build_server
from appmixer_mcp.session import SANDBOX, Session
from appmixer_mcp.settings import Settings
from appmixer_mcp.wiring import Wiring
from tests.processes import call
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

    assert "where {{{name}}} stands" in result.messages[0].content.text


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


def named_ports(text):
    """Return port -> fields of a piece such as `in{url*, body}, count{count*}`."""
    return {
        name: {field.strip() for field in (fields or "").split(",") if field.strip()}
        for name, fields in re.findall(r"(\w+)(?:\{([^}]*)\})?", text)
    }


def test_what_the_prompt_says_of_a_component_is_true():
    text = read_prompt(folder("prompts") / "build_flow.md").text
    listed = re.findall(r"^- ((?:`[\w.]+`(?:, )?)+): (.*?)(?=\n- |\n*\Z)", text, re.M | re.S)

    assert len(listed) > 15
    for names, said in listed:
        takes, _, gives = said.replace("\n", " ").partition("->")
        for name in re.findall(r"[\w.]+", names):
            component = components.find(f"appmixer.utils.{name}")
            assert component, name
            ports = {port.name: port for port in component.in_ports}
            for port, fields in named_ports(takes.partition(";")[0]).items():
                if port in ports:
                    known = {f"{one.name}{'*' * one.required}" for one in ports[port].fields}
                    assert fields <= known, (name, port)
                    assert {one for one in known if one.endswith("*")} <= fields, (name, port)
            outs = {
                port.name: {v.partition(".")[0] for v in port.variables}
                for port in component.out_ports
            }
            for port, fields in named_ports(gives.partition(";")[0]).items():
                assert fields <= outs[port], (name, port)


async def test_the_flow_in_the_prompt_runs(tmp_path):
    text = read_prompt(folder("prompts") / "build_flow.md").text
    example = re.search(r"```json\n(.*?)```", text, re.S)
    assert example

    async with Wiring(Settings(data_dir=tmp_path)) as wiring, Client(wiring.server()) as client:
        store = await call(client, "create_store", name="Large orders")
        descriptor = example[1].replace("STORE_ID", store["store_id"])
        flow = await call(client, "create_flow", name="Example", descriptor=descriptor)
        await call(client, "start_flow", flow_id=flow["flow_id"])
        shown = await call(client, "get_flow", flow_id=flow["flow_id"])
        url = shown["components"][0]["webhook_url"]
        async with httpx2.AsyncClient() as http:
            for amount in (10, 5000):
                await http.post(url, json={"id": amount, "amount": amount})
        records = await until_stored(client, store["store_id"])

    assert [one["key"] for one in records] == ["order-5000"]
    assert json.loads(records[0]["value"]) == {"id": 5000, "amount": 5000}


async def until_stored(client, store_id):
    with anyio.fail_after(10):
        while True:
            page = await call(client, "list_store_records", store_id=store_id)
            if page["items"]:
                return page["items"]


def test_a_file_without_front_matter_is_refused(tmp_path):
    with pytest.raises(ValueError, match="front matter"):
        read_prompt(written(tmp_path, "Just text."))


def test_an_argument_that_is_not_declared_is_refused(tmp_path):
    with pytest.raises(ValueError, match="declares"):
        read_prompt(written(tmp_path, FILE + "{{a}} {{b}} {{c}}"))
