"""The TypeScript SDK's client, as it comes, at a running server: from discovery to revocation."""

import httpx2
import pytest

from tests.foreign.typescript_assistant import typescript_assistant


@pytest.mark.parametrize("way", ["http", "sse"])
async def test_a_person_signs_in_with_a_browser_and_the_client_acts_as_them_until_revoked(
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
        first = await assistant.tokens()
        await assistant.ask("keep", tokens=first | {"access_token": "expired"})
        users["after refresh"] = await assistant.user(), len(assistant.opened)
        second = await assistant.tokens()
        await assistant.ask("keep", tokens=first | {"access_token": "expired"})
        users["after reuse"] = await assistant.user(), len(assistant.opened)
        third = await assistant.tokens()
        client_id = (await assistant.ask("kept"))["client"]["client_id"]
        async with httpx2.AsyncClient() as http:
            revoking = {"token": third["refresh_token"], "client_id": client_id}
            revoked = await http.post(f"{server}/revoke", data=revoking)
        users["after revocation"] = await assistant.user(), len(assistant.opened)

    user = f"{name}@example.com"
    assert len(tools["tools"]) > 30
    assert [flow["name"] for flow in flows["structuredContent"]["items"]] == [f"flow of {name}"]
    assert revoked.status_code == 200
    assert first["refresh_token"] != second["refresh_token"]
    assert users == {
        "after sign-in": (user, 1),
        "after refresh": (user, 1),
        "after reuse": (user, 2),
        "after revocation": (user, 3),
    }
