"""What may be listened to, by clients of both eras, and how much of it."""

from contextlib import asynccontextmanager

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from appmixer_mcp.session import Session
from appmixer_mcp.state import MemoryState
from appmixer_mcp.subscribing import Subscriptions
from appmixer_mcp.web.limits import CallLimits
from tests.hearing import listening

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/:mcp.shared.exceptions.MCPDeprecationWarning"
)

FLOWS = "appmixer://flows"


@asynccontextmanager
async def client_in_memory(mode, toolsets=("sdk",), fault=None, limits=None):
    """Connect to a server without a transport, whose tenant cannot be reached."""

    async def no_tenant(_base_url):
        raise fault or UnavailableError("Nobody is there.")

    subscriptions = Subscriptions(MemoryState(), 1.0)
    session = Session("https://tenant.example", no_tenant)
    options = ServerOptions(
        session=session, toolsets=toolsets, subscriptions=subscriptions, limits=limits
    )
    async with subscriptions.running(), Client(build_server(options), mode=mode) as client:
        yield client


@pytest.mark.parametrize("uri", ["appmixer://flow/1", "appmixer://session", "x:" + "y" * 2_048])
async def test_an_older_client_cannot_listen_to_what_is_not_served(uri):
    async with client_in_memory("legacy", ("flows",)) as client:
        with pytest.raises(MCPError, match="no resource"):
            await client.subscribe_resource(uri)


async def test_a_stream_acknowledges_what_is_served_alone():
    uris = [FLOWS, "appmixer://flow/1", "appmixer://session", "test://anything"]

    async with (
        client_in_memory("auto", ("flows",)) as client,
        client.listen(resource_subscriptions=uris) as stream,
    ):
        assert stream.honored.resource_subscriptions == [FLOWS, "test://anything"]


async def test_a_connection_has_a_bounded_number_of_subscriptions():
    async with client_in_memory("legacy") as client:
        for number in range(256):
            await client.subscribe_resource(f"test://{number}")
        await client.subscribe_resource("test://0")

        with pytest.raises(MCPError, match="256 subscriptions"):
            await client.subscribe_resource("test://one-more")


async def test_a_user_has_a_bounded_number_of_flows_looked_at():
    flows = [f"{FLOWS}/{number}" for number in range(250)]

    async with client_in_memory("auto") as client:
        with pytest.raises(MCPError, match=FLOWS):
            async with client.listen(resource_subscriptions=flows):
                pass


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_subscription_counts_as_a_call(mode):
    limits = CallLimits(MemoryState(), per_minute=3, at_once=1)

    async with client_in_memory(mode, limits=limits) as client:
        for number in range(3):
            async with listening(client, f"{FLOWS}/{number}"):
                pass

        with pytest.raises(MCPError, match="more than 3 calls"):
            async with listening(client, FLOWS):
                pass


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_is_told_that_it_can_subscribe_to_resources(mode):
    async with client_in_memory(mode) as client:
        resources = client.server_capabilities.resources

    assert resources
    assert resources.subscribe


async def test_a_fault_in_a_look_is_logged_and_ends_nothing(caplog):
    async with (
        client_in_memory("auto", fault=RuntimeError("ours")) as client,
        client.listen(resource_subscriptions=[FLOWS]) as stream,
    ):
        assert stream.honored.resource_subscriptions == [FLOWS]
        assert (await client.list_tools()).tools

    assert "A look at what has changed failed." in caplog.text
    caplog.clear()
