"""A tenant with two people, served to their assistants."""

import pytest

from tests.serving import People, mcp_server, people


@pytest.fixture
async def tenant(tmp_path):
    async with people(tmp_path / "tenant") as tenant:
        yield tenant


@pytest.fixture
def serve(tmp_path, tenant: People):
    """Serves MCP for the tenant: `async with serve(auth="bearer") as url`."""

    def serve(**settings):
        return mcp_server(tmp_path / "server", settings.pop("base_url", tenant.url), **settings)

    return serve
