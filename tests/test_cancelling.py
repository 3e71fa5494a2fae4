"""Whoever cancels a call ends what it does at the tenant, and leaves nothing behind."""

from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from mcp import Client
from pydantic import SecretStr

from tests.door import Door
from tests.processes import call, stdio_server
from tests.serving import client_of, mcp_server, people

OVER_STDIO = {"stdio, legacy": "legacy", "stdio of today": "auto"}


@pytest.fixture
async def tenant(tmp_path):
    async with people(tmp_path / "tenant") as tenant:
        yield tenant


@pytest.fixture
async def door(tenant):
    async with Door(tenant.tenant.app).opened() as door:
        yield door


@pytest.fixture
def connected(tmp_path, tenant, door):
    """What connects a client of Ann's to a server that serves one call at once."""

    @asynccontextmanager
    async def connected(way, **options):
        token = await tenant.sign_up("ann")
        if way in OVER_STDIO:
            connect = partial(Client, mode=OVER_STDIO[way], **options)
            settings = {
                "APPMIXER_BASE_URL": door.url,
                "APPMIXER_ACCESS_TOKEN": token,
                "APPMIXER_CONFIRM": "flag",
            }
            with (tmp_path / "errors").open("a+") as errors:
                async with stdio_server(tmp_path, errors, connect, **settings) as client:
                    yield client
            return
        settings = {"access_token": SecretStr(token), "confirm": "flag", "calls_at_once": 1}
        async with (
            mcp_server(tmp_path / "server", door.url, **settings) as url,
            client_of(url, way, **options) as client,
        ):
            yield client

    return connected


async def cancelled_at(door, held, client, tool, **arguments):
    """Call a tool, and cancel the call while the tenant keeps a request of it waiting."""
    results = []
    door.hold(held)

    async def called():
        results.append(await client.call_tool(tool, arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(called)
        await door.knocked.wait()
        tasks.cancel_scope.cancel()
    await door.left.wait()
    door.hold("")
    assert not results


@pytest.mark.parametrize(
    "way",
    [
        "modern",
        "legacy",
        "sse",
        "stdio of today",
        *(pytest.param(one, marks=pytest.mark.long) for one in ("sse of today", "stdio, legacy")),
    ],
)
async def test_a_cancelled_call_hangs_up_on_the_tenant_and_is_in_nobodys_way(connected, door, way):
    async with connected(way) as client:
        with anyio.fail_after(20):
            flow = (await call(client, "create_flow", name="f", descriptor={}))["flow_id"]
            await cancelled_at(door, "DELETE", client, "delete_flow", flow_id=flow, confirm=True)
            kept = await call(client, "get_flow", flow_id=flow)
            gone = await call(client, "delete_flow", flow_id=flow, confirm=True)

    assert kept["flow_id"] == flow
    assert gone["done"] is True


async def test_a_cancelled_call_is_counted_as_cancelled(connected, door, caplog):
    caplog.set_level("INFO", "appmixer_mcp.server")

    async with connected("modern") as client:
        with anyio.fail_after(20):
            await cancelled_at(door, "POST /flows", client, "create_flow", name="f", descriptor={})

    (said,) = [record.message for record in caplog.records if "create_flow" in record.message]
    assert said.startswith("create_flow: cancelled in")
