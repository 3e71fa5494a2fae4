"""A tenant with people, and a server in a process of its own that they sign in at."""

from datetime import UTC, datetime

import pytest

from appmixer_mcp.hosting import listen
from appmixer_mcp.sandbox.clock import ManualClock
from tests.foreign.people_at_pages import chromium
from tests.processes import lines, start
from tests.serving import ENCRYPTION_KEY, people


@pytest.fixture(scope="module")
def tenant_clock():
    """What the tenant judges its tokens by, but not our server."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory, tenant_clock):
    async with people(tmp_path_factory.mktemp("tenant"), tenant_clock) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def server(tenant, tmp_path_factory):
    """The URL of a server that is started as an operator starts it."""
    with listen("127.0.0.1", 0) as listener:
        port = str(listener.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    process = start(
        *("serve", "--transport", "http", "--port", port, "--auth", "oauth"),
        data_dir=tmp_path_factory.mktemp("server"),
        APPMIXER_BASE_URL=tenant.url,
        APPMIXER_PUBLIC_URL=url,
        APPMIXER_ENCRYPTION_KEY=ENCRYPTION_KEY,
    )
    try:
        said = lines(process, 1)[0].strip()
        assert said == url, process.communicate(timeout=10)[1]
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
async def sign_in_with_chromium():
    async with chromium() as sign_in:
        yield sign_in
