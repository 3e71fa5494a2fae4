"""A flow becomes a tool when it starts and is none when it stops, and whoever listens is told."""

from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.types import ToolListChangedNotification

from appmixer_mcp.api import AppmixerClient
from tests.processes import call
from tests.sandbox.harness import entry
from tests.serving import client_of, mcp_server, people

FLOW = {
    "gate": entry("appmixer.ai.mcptools.MCPGateway"),
    "ask": entry("appmixer.ai.agenttools.ToolStart", ("gate", "tools"), label="Look up"),
    "end": entry("appmixer.ai.agenttools.ToolOutput", "ask", fields={"output": "found"}),
}
ERAS = ["modern", "legacy"]


@pytest.fixture
async def tenant(tmp_path):
    async with people(tmp_path / "tenant") as tenant:
        yield tenant


@asynccontextmanager
async def hearing(url, way, token):
    """Connect a client; gives it and what waits until it hears that the tools have changed."""
    said, heard = anyio.create_memory_object_stream[None](100)

    async def note(message):
        if isinstance(message, ToolListChangedNotification):
            said.send_nowait(None)

    async def told():
        with anyio.fail_after(10):
            await heard.receive()

    async with said, heard, client_of(url, way, token, message_handler=note) as client:
        if way == "modern":
            async with client.listen(tools_list_changed=True):
                yield client, told
        else:
            tools = client.server_capabilities.tools
            assert tools
            assert tools.list_changed
            await client.list_tools()
            yield client, told


async def published(client):
    return [one.name for one in (await client.list_tools()).tools if one.name.startswith("gw_")]


@pytest.mark.parametrize("way", ERAS)
async def test_a_flow_is_listed_as_a_tool_called_and_gone_when_it_stops(tmp_path, tenant, way):
    token = await tenant.sign_up("ann")
    settings = {"auth": "bearer", "toolsets": "flows,gateway", "watch_interval_s": 1_000.0}

    async with (
        mcp_server(tmp_path / "server", tenant.url, **settings) as url,
        hearing(url, way, token) as (client, told),
        client_of(url, way, token) as another,
    ):
        before = await published(client)
        flow_id = (await call(another, "create_flow", name="Prices", descriptor=FLOW))["flow_id"]
        await told()
        await call(another, "start_flow", flow_id=flow_id)
        await told()
        during = await published(client)
        answer = await call(client, "gw_ask_look_up")
        await call(another, "stop_flow", flow_id=flow_id)
        await told()
        after = await published(client)
        gone = await client.call_tool("gw_ask_look_up", {})

    assert (before, during, after) == ([], ["gw_ask_look_up"], [])
    assert answer == {"answer": "found"}
    assert gone.is_error


@pytest.mark.parametrize("way", ["modern", pytest.param("legacy", marks=pytest.mark.long)])
async def test_whoever_listens_is_told_of_tools_that_come_and_go_past_the_server(
    tmp_path, tenant, way
):
    token = await tenant.sign_up("ann")
    settings = {"auth": "bearer", "toolsets": "gateway", "watch_interval_s": 0.02}

    async with (
        AppmixerClient(tenant.url, access_token=token) as ann,
        mcp_server(tmp_path / "server", tenant.url, **settings) as url,
        hearing(url, way, token) as (client, told),
    ):
        flow_id = await ann.flows.create_flow("Prices", FLOW)
        await ann.flows.start_flow(flow_id)
        await told()
        during = await published(client)
        await ann.flows.stop_flow(flow_id)
        await told()
        after = await published(client)

    assert (during, after) == (["gw_ask_look_up"], [])
