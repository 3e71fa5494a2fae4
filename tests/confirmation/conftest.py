"""A tenant of Ann's on a socket, and servers of ours that ask her."""

from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.journal import Journal
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.profiles import Profiles
from appmixer_mcp.server import build_server
from appmixer_mcp.session import Session
from appmixer_mcp.state import MemoryState
from tests.administrators import make_administrator
from tests.blank_tenant import blank
from tests.clock import Clock
from tests.confirmation.case import ME, Api
from tests.confirmation.wire import wired
from tests.serving import people


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="module", autouse=True)
def _own_configuration(tmp_path_factory):
    """Have profiles looked for where tests write them, by servers in other processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        yield


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory):
    async with people(blank(tmp_path_factory.mktemp("confirmation") / "tenant")) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def api(tenant):
    token = await tenant.sign_up("ann")
    make_administrator(tenant.tenant, ME)
    inside = httpx2.ASGITransport(app=tenant.tenant.app)
    async with AppmixerClient(tenant.url, access_token=token, transport=inside) as client:
        yield Api(tenant.url, token, client)


@pytest.fixture
def serve(tenant, api, clock, tmp_path):
    """What opens a server that acts as Ann, in this process."""

    @asynccontextmanager
    async def serve(
        confirm: Any = "auto",
        *,
        valid_s: float = 600.0,
        token: str = api.token,
        state: MemoryState | None = None,
        owner: str = "",
        **options: Any,
    ):
        async def open_client(base_url: str) -> AppmixerClient:
            inside = httpx2.ASGITransport(app=tenant.tenant.app)
            return AppmixerClient(base_url, access_token=token, transport=inside)

        session = Session(api.url, open_client, owner=owner)
        own = MemoryState(clock=clock) if state is None else state
        asks = Confirmations(confirm, own, valid_s)
        journal, profiles = Journal(tmp_path / "journal.db"), Profiles()
        given: dict[str, Any] = {"toolsets": ("all",), "profiles": profiles, "journal": journal}
        yield build_server(ServerOptions(session=session, confirmations=asks, **given | options))
        await profiles.aclose()
        await journal.aclose()
        await session.aclose()

    return serve


@pytest.fixture
def connect(serve):
    """What connects a client whose every message a test writes, to a server of its own."""

    @asynccontextmanager
    async def connect(era, confirm="auto", *, capabilities=None, **options):
        async with serve(confirm, **options) as server, wired(server, era, capabilities) as wire:
            yield wire

    return connect
