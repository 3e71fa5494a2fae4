"""Mode `oauth`, from the address alone to the end of a sign-in."""

import httpx2
import pytest

from appmixer_mcp.errors import ConfigurationError
from tests.processes import call, refused
from tests.serving import client_of, sign_in


async def test_a_client_is_led_from_the_refusal_to_the_sign_in(serve):
    async with serve(auth="oauth") as url, httpx2.AsyncClient(base_url=url) as http:
        answer = await http.post("/mcp")
        pointer = answer.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
        resource = (await http.get(pointer)).json()
        issuer = resource["authorization_servers"][0]
        server = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()

    assert answer.status_code == 401
    assert pointer == f"{url}/.well-known/oauth-protected-resource/mcp"
    assert (resource["resource"], server["issuer"]) == (url, url)
    assert server["authorization_endpoint"] == f"{url}/authorize"


@pytest.mark.parametrize("way", ["modern", "legacy", "sse", "sse of today"])
async def test_who_signed_in_is_shown_and_no_tool_changes_it(tenant, serve, way):
    await tenant.sign_up("ann")

    async with serve(auth="oauth") as url:
        token = await sign_in(url, "ann")
        async with client_of(url, way, token) as client:
            session = await call(client, "get_session")
            said = await refused(
                client, "authenticate_user", username="bob@example.com", password="b"
            )

    assert session["user"] == "ann@example.com"
    assert session["signed_in_with"] == "browser sign-in"
    assert session["token_expires_at"]
    assert token not in str(session)
    assert "Reconnect this server" in said


async def test_a_person_whom_appmixer_no_longer_knows_has_to_sign_in_again(tenant, serve):
    appmixer_token = await tenant.sign_up("ann")

    async with serve(auth="oauth") as url:
        token = await sign_in(url, "ann")
        async with client_of(url, "modern", token) as client:
            await call(client, "get_user")
            await tenant.remove(appmixer_token)
            said = await refused(client, "list_flows")
        async with httpx2.AsyncClient(base_url=url) as http:
            after = await http.post("/mcp", headers={"Authorization": f"Bearer {token}"})

    assert "Reconnect this server" in said
    assert after.status_code == 401
    assert "resource_metadata=" in after.headers["www-authenticate"]


async def test_people_stay_signed_in_when_the_server_starts_again(tenant, serve):
    await tenant.sign_up("ann")
    settings = {"auth": "oauth", "public_url": "http://127.0.0.1:1"}  # the same at both starts

    async with serve(**settings) as url:
        token = await sign_in(url, "ann")
    async with serve(**settings) as url, client_of(url, "modern", token) as client:
        user = await call(client, "get_user")

    assert user["username"] == "ann@example.com"


async def test_a_second_server_on_the_same_sign_ins_is_refused(serve, in_process):
    async with serve(auth="oauth"):
        with pytest.raises(ConfigurationError, match="APPMIXER_REDIS_URL"):
            async with in_process(
                auth="oauth", public_url="http://127.0.0.1:8000", encryption_key="e" * 32
            ):
                pass
