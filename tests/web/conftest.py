"""A tenant with two people, served to their assistants."""

import os

import pytest

from tests.serving import People, in_process, mcp_server, people

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def tenant(tmp_path):
    async with people(tmp_path / "tenant") as tenant:
        yield tenant


@pytest.fixture
def serve(tmp_path, tenant: People):
    """What serves MCP for the tenant, on a socket."""

    def serve(**settings):
        return mcp_server(tmp_path / "server", settings.pop("base_url", tenant.url), **settings)

    return serve


@pytest.fixture(name="in_process")
def _in_process(tmp_path):
    """What opens the application without a socket, for a tenant that does not answer."""

    def opened(**settings):
        return in_process(tmp_path / "server", NOWHERE, **settings)

    return opened


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory for processes that a whole module uses, without the developer's own settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("APPMIXER_")]:
            patch.delenv(name)
        yield tmp_path_factory.mktemp("processes")
