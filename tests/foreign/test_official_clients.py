"""The SDKs' own clients, as they come, at a running server: from discovery to revocation."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.foreign.people_at_pages import sign_in_by_form
from tests.foreign.python_assistant import Assistant, Kept
from tests.foreign.typescript_assistant import typescript_assistant
from tests.processes import call
from tests.serving import plain_http

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("official clients"),
]  # which share server and browser

AssistantOf = Callable[[str, str], Assistant]

each_way = pytest.mark.parametrize("way", ["modern", "legacy", "sse"])


@pytest.fixture
def assistant_of(server) -> AssistantOf:
    """What starts an assistant of somebody who signs in without a browser's help."""
    return lambda name, way: Assistant(server, way, name, sign_in_by_form)


async def status_of(server: str, access_token: str) -> int:
    """Return what a server answers to a token; a good one is told that the request is empty."""
    async with plain_http() as http:
        headers = {"Authorization": f"Bearer {access_token}"}
        return (await http.post(f"{server}/mcp", headers=headers)).status_code


async def user_of(client) -> str:
    username: str = (await call(client, "get_user"))["username"]
    return username


@each_way
async def test_the_python_client_signs_in_with_a_browser_and_acts_as_the_person(
    tenant, server, sign_in_with_chromium, way
):
    name = f"browsing-{way}"
    await tenant.own_flow(await tenant.sign_up(name), f"flow of {name}")
    assistant = Assistant(server, way, name, sign_in_with_chromium)

    async with assistant.connected() as client:
        tools = (await client.list_tools()).tools
        flows = await call(client, "list_flows")
        session = await call(client, "get_session")

    assert len(tools) > 30
    assert [flow["name"] for flow in flows["items"]] == [f"flow of {name}"]
    assert session["user"] == f"{name}@example.com"
    assert session["signed_in_with"] == "browser sign-in"
    assert len(assistant.opened) == 1


@each_way
async def test_an_expired_access_token_is_refreshed_without_the_person(tenant, assistant_of, way):
    await tenant.sign_up(f"refreshing-{way}")
    assistant = assistant_of(f"refreshing-{way}", way)

    async with assistant.connected() as client:
        await user_of(client)
        before = assistant.kept.tokens
        assistant.expire()
        user = await user_of(client)

    assert user == f"refreshing-{way}@example.com"
    assert assistant.kept.access_token != before.access_token
    assert assistant.kept.refresh_token != before.refresh_token
    assert len(assistant.opened) == 1


@each_way
async def test_a_reused_refresh_token_ends_the_sign_in_for_all_and_the_person_signs_in_anew(
    tenant, server, assistant_of, way
):
    await tenant.sign_up(f"reusing-{way}")
    assistant = assistant_of(f"reusing-{way}", way)

    async with assistant.connected() as client:
        await user_of(client)
        copied = assistant.kept.tokens
        assistant.expire()
        await user_of(client)
        in_use = assistant.kept.access_token
        good_before = await status_of(server, in_use)
        assistant.expire(copied)
        user = await user_of(client)

    assert user == f"reusing-{way}@example.com"
    assert len(assistant.opened) == 2
    assert good_before == 400
    assert await status_of(server, in_use) == 401
    assert await status_of(server, assistant.kept.access_token) == 400


@each_way
async def test_after_revocation_the_next_call_leads_to_the_sign_in_page(
    tenant, server, assistant_of, way
):
    await tenant.sign_up(f"revoking-{way}")
    assistant = assistant_of(f"revoking-{way}", way)

    async with assistant.connected() as client:
        await user_of(client)
        revoked = assistant.kept.access_token
        await assistant.revoke()
        status = await status_of(server, revoked)
        user = await user_of(client)

    assert status == 401
    assert user == f"revoking-{way}@example.com"
    assert len(assistant.opened) == 2


@each_way
async def test_when_appmixers_token_expires_the_next_call_leads_to_the_sign_in_page(
    tenant, tenant_clock, assistant_of, way
):
    await tenant.sign_up(f"expiring-{way}")
    assistant = assistant_of(f"expiring-{way}", way)

    async with assistant.connected() as client:
        await user_of(client)
        tenant_clock.turn(timedelta(days=31))
        refused = await client.call_tool("get_user", {})
        opened_before = len(assistant.opened)
        user = await user_of(client)

    assert refused.is_error
    assert "Reconnect this server" in refused.content[0].text
    assert opened_before == 1
    assert user == f"expiring-{way}@example.com"
    assert len(assistant.opened) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_program_that_listens_on_another_port_each_time_is_the_same_client(
    tenant, server, host
):
    await tenant.sign_up(f"listening-on-{host}")

    async def started(kept: Kept) -> tuple[str, str]:
        assistant = Assistant(
            server, "modern", f"listening-on-{host}", sign_in_by_form, kept, host=host
        )
        async with assistant.connected() as client:
            await user_of(client)
        asked = parse_qs(urlsplit(assistant.opened[0]).query)
        return asked["client_id"][0], asked["redirect_uri"][0]

    kept = Kept()
    first = await started(kept)
    second = await started(Kept(client=kept.client))

    assert first[0] == second[0]
    assert first[1] != second[1]
    assert first[1].startswith(f"http://{host}:")


@pytest.mark.parametrize("way", ["http", "sse"])
async def test_the_typescript_client_signs_in_with_a_browser_and_refreshes_until_revoked(
    tenant, server, sign_in_with_chromium, way
):
    name = f"typing-{way}"
    await tenant.own_flow(await tenant.sign_up(name), f"flow of {name}")
    users = {}

    async with typescript_assistant(server, way, name, sign_in_with_chromium) as assistant:
        await assistant.ask("connect")
        tools = await assistant.ask("tools")
        flows = await assistant.ask("call", tool="list_flows")
        users["after sign-in"] = await assistant.user(), len(assistant.opened)
        assistant.sign_in = sign_in_by_form  # which takes less time
        first = await assistant.tokens()
        await assistant.ask("keep", tokens=first | {"access_token": "expired"})
        users["after refresh"] = await assistant.user(), len(assistant.opened)
        second = await assistant.tokens()
        await assistant.ask("keep", tokens=first | {"access_token": "expired"})
        users["after reuse"] = await assistant.user(), len(assistant.opened)
        reused_is_dead = await status_of(server, second["access_token"]) == 401
        third = await assistant.tokens()
        client_id = (await assistant.ask("kept"))["client"]["client_id"]
        async with plain_http() as http:
            revoking = {"token": third["refresh_token"], "client_id": client_id}
            revoked = await http.post(f"{server}/revoke", data=revoking)
        users["after revocation"] = await assistant.user(), len(assistant.opened)

    user = f"{name}@example.com"
    assert len(tools["tools"]) > 30
    assert [flow["name"] for flow in flows["structuredContent"]["items"]] == [f"flow of {name}"]
    assert revoked.status_code == 200
    assert first["refresh_token"] != second["refresh_token"]
    assert reused_is_dead
    assert users == {
        "after sign-in": (user, 1),
        "after refresh": (user, 1),
        "after reuse": (user, 2),
        "after revocation": (user, 3),
    }
