"""The Python SDK's client, as it comes, at a running server: from discovery to revocation."""

import anyio
import httpx2
import pytest

from tests.foreign.people_at_pages import sign_in_by_form
from tests.foreign.python_assistant import Assistant, Kept
from tests.processes import call

WAYS = ["modern", "legacy", "sse"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_person_signs_in_with_a_browser_and_the_client_acts_as_them(
    tenant, server, sign_in_with_chromium, way
):
    name = f"browsing-{way}"
    await tenant.own_flow(await tenant.sign_up(name), f"flow of {name}")
    assistant = Assistant(server, way, name, sign_in_with_chromium)

    with anyio.fail_after(60):
        async with assistant.connected() as client:
            tools = (await client.list_tools()).tools
            flows = await call(client, "list_flows")
            session = await call(client, "get_session")

    assert len(tools) > 30
    assert [flow["name"] for flow in flows["items"]] == [f"flow of {name}"]
    assert session["user"] == f"{name}@example.com"
    assert session["signed_in_with"] == "browser sign-in"
    assert len(assistant.opened) == 1


@pytest.fixture
async def ann(tenant, server):
    """What starts assistants of a person who signs in with a form, with a flow of their own."""
    started = 0

    async def start(way, kept=None):
        nonlocal started
        started += 1
        return Assistant(server, way, "ann", sign_in_by_form, kept or Kept())

    return start


async def status_of(server, access_token):
    async with httpx2.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {access_token}"}
        return (await http.post(f"{server}/mcp", headers=headers)).status_code
