"""A model that follows a prompt to the letter, on a sandbox tenant."""

import json
import re
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.types import TextContent
from pydantic import SecretStr

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.prompting import guide
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.server import build_server
from appmixer_mcp.session import Session
from appmixer_mcp.surface import load_toolsets
from tests.blank_tenant import blank

TOOLS = frozenset(spec.name for toolset in load_toolsets().values() for spec in toolset.tools)
HERE, THERE = "http://127.0.0.1:2200", "http://127.0.0.1:2201"
PASSWORD = "local-key"


def tools_in(text):
    """Return the tools that a text names."""
    return TOOLS & set(re.findall(r"\w+", text))


async def filled_in(client, prompt, arguments):
    """Return the text of a prompt."""
    (message,) = (await client.get_prompt(prompt, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


class Reader:
    """Reads one prompt, and then calls only tools that it names.

    Attributes:
        text: What the prompt says.
    """

    def __init__(self, client, text):
        self.text = text
        self._client = client
        self._tools = tools_in(text)

    async def __call__(self, tool, /, **arguments):
        result = await self._call(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    async def refused(self, tool, /, **arguments):
        result = await self._call(tool, arguments)
        assert result.is_error, result.structured_content
        return result.content[0].text

    async def agreed(self, tool, /, **arguments):
        """Show what would be lost, and follow next_step as if the person had said yes."""
        asked = await self(tool, **arguments)
        assert asked["done"] is False
        assert asked["message"]
        assert asked["impact"]
        assert f"call {tool} again with confirm=true" in asked["next_step"]
        done = await self(tool, **arguments, confirm=True)
        assert done["done"] is True
        return done

    async def until(self, holds, tool, /, **arguments):
        with anyio.fail_after(5):
            while True:
                result = await self(tool, **arguments)
                if holds(result):
                    return result

    async def _call(self, tool, arguments):
        assert tool in self._tools, f"the prompt does not name {tool}"
        return await self._client.call_tool(tool, arguments)


class Tenants:
    """Sandbox tenants by their base URL, and a server that works on them."""

    def __init__(self):
        self._tenants = {}

    @asynccontextmanager
    async def opened(self, base_url, data_dir):
        config = TenantConfig(
            data_dir=blank(data_dir),
            public_url=base_url,
            jwt_key=SecretStr("k" * 32),
            local_key=SecretStr(PASSWORD),
            demo=False,
            egress="off",
        )
        async with Tenant(config) as self._tenants[base_url]:
            yield

    @asynccontextmanager
    async def reading(self, prompt, arguments, **options):
        """Get a prompt from a server on the tenant HERE, and give it to a reader."""
        session = Session(HERE, self._client, allowed_base_urls=(THERE,))
        server = build_server(ServerOptions(session=session, **options))
        async with Client(server) as client:
            yield Reader(client, await filled_in(client, prompt, arguments))
        await session.aclose()

    @asynccontextmanager
    async def owner(self):
        """Give somebody who may call any tool HERE, as whoever made all that there is."""
        session = Session(HERE, self._client)
        async with Client(build_server(ServerOptions(session=session))) as client:
            yield Reader(client, " ".join(TOOLS))
        await session.aclose()

    async def send(self, url, *contents):
        """Post each of the contents to a webhook."""
        host = next(one for one in self._tenants if url.startswith(one))
        transport = httpx2.ASGITransport(app=self._tenants[host].app)
        async with httpx2.AsyncClient(transport=transport) as http:
            for content in contents:
                (await http.post(url, json=content)).raise_for_status()

    async def sign_up(self, base_url, username, password):
        """Make a user of a tenant."""
        async with await self._client(base_url) as client:
            await client.users.signup_user(username, password)

    async def _client(self, base_url):
        known = LOCAL_USER if base_url == HERE else None  # nobody is signed in anywhere else
        return AppmixerClient(
            base_url,
            username=known,
            password=PASSWORD if known else None,
            transport=httpx2.ASGITransport(app=self._tenants[base_url].app),
        )


@pytest.fixture
async def tenants(tmp_path):
    found = Tenants()
    async with found.opened(HERE, tmp_path / "here"):
        yield found


def example(store_id, **replaced):
    """Return the guide's example flow, which stores orders over 1000, with texts replaced."""
    found = re.search(r"```json\n(.*?)```", guide(), re.S)
    assert found
    text = found[1].replace("STORE_ID", store_id)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return json.loads(text)


def approval(store_id, title, approver=LOCAL_USER):
    """Return a flow that asks for approval when it starts, and stores what was approved."""

    def link(in_port, sender, out_port, fields):
        transform = {"type": "json2new", "lambda": fields, "modifiers": {}}
        return {
            "source": {in_port: {sender: [out_port]}},
            "config": {"transform": {in_port: {sender: {out_port: transform}}}},
        }

    task = {
        "title": title,
        "description": "Approve at once, it was agreed.",
        "requester": "shop@example.com",
        "approver": approver,
        "decisionBy": "2199-01-01T00:00:00Z",
    }
    record = {"storeId": store_id, "key": title, "value": "approved"}
    return {
        "begin": {"type": "appmixer.utils.controls.OnStart", "source": {}},
        "ask": {"type": "appmixer.utils.tasks.RequestApproval"}
        | link("task", "begin", "out", task),
        "keep": {"type": "appmixer.utils.storage.Set"} | link("in", "ask", "approved", record),
    }
