"""A sandbox whose flows reach a server of the test's own."""

from collections.abc import AsyncIterator

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.egress import Outgoing
from tests.sandbox.harness import Sandbox, open_sandbox
from tests.sandbox.loopback import PUBLIC_ADDRESS, Net, Server, served

_HOSTS = ("shop.example", "news.example", "files.example")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with served() as started:
        yield started


@pytest.fixture
async def online(
    config: TenantConfig, clock: ManualClock, server: Server
) -> AsyncIterator[Sandbox]:
    """Give a sandbox for which the server is shop.example, news.example and files.example."""
    net = Net({host: [PUBLIC_ADDRESS] for host in _HOSTS}, {PUBLIC_ADDRESS: server})
    outgoing = Outgoing("public", config.public_url, resolve=net.resolve, connect=net.connect)
    async with open_sandbox(config, clock, outgoing=outgoing) as opened:
        yield opened
    await outgoing.aclose()
