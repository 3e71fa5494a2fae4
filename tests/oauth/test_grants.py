"""Whom a token stands for, how long, and when no more."""

from datetime import timedelta

import anyio
import pytest
from anyio.lowlevel import checkpoint

from appmixer_mcp.oauth.types import OAuthError
from appmixer_mcp.state import MemoryState
from tests.oauth.browsing import KEY, VERIFIER, Server

NEW_KEY = "a newer key of the tests which is long enough"


async def test_an_access_token_is_good_for_an_hour(server):
    tokens = await server.signed_in(await server.register())
    server.clock.turn(minutes=59)
    before = await server.is_good(tokens["access_token"])
    server.clock.turn(minutes=2)
    after = await server.is_good(tokens["access_token"])

    assert (before, after) == (True, False)


@pytest.mark.parametrize(("days", "status"), [(29, 200), (31, 400)])
async def test_a_refresh_token_is_good_for_30_days(server, days, status):
    client_id = await server.register()
    await server.clients.keep(client_id)
    tokens = await server.signed_in(client_id, user=server.user(lives=None))
    server.clock.turn(days=days)

    assert (await server.refresh(client_id, tokens["refresh_token"])).status_code == status


async def test_nothing_outlives_the_appmixer_token(server):
    client_id = await server.register()
    user = server.user(lives=timedelta(minutes=90))
    first = await server.signed_in(client_id, user=user)
    server.clock.turn(minutes=60)
    second = (await server.refresh(client_id, first["refresh_token"])).json()
    server.clock.turn(minutes=29)
    before = await server.is_good(second["access_token"])
    server.clock.turn(minutes=2)
    after = await server.is_good(second["access_token"])
    refused = await server.refresh(client_id, second["refresh_token"])

    assert [one["expires_in"] for one in (first, second)] == [3_600, 1_800]
    assert (before, after) == (True, False)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_sign_in_with_an_expired_appmixer_token_gives_nothing(server):
    client_id = await server.register()
    code = await server.code(client_id, user=server.user(lives=timedelta(seconds=-1)))
    refused = await server.redeem(client_id, code)

    assert refused.json()["error"] == "invalid_grant"


async def test_a_caller_is_who_signed_in(server):
    client_id = await server.register()
    user = server.user()
    tokens = await server.signed_in(client_id, user=user)
    caller = await server.grants.caller_of(tokens["access_token"])

    assert caller is not None
    assert (caller.user, caller.client_id) == (user, client_id)


@pytest.mark.parametrize(
    "kind", ["", "amx_at_", "amx_at_unknown", "refresh_token", "code", "a JWT of another server"]
)
async def test_what_is_no_access_token_of_ours_stands_for_nobody(server, kind: str):
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    known: dict[str, str] = {**tokens, "code": await server.code(client_id)}

    assert not await server.is_good(known.get(kind, kind))


async def test_a_token_for_another_audience_stands_for_nobody(server):
    tokens = await server.signed_in(await server.register())
    elsewhere = server.grants_of_another_start(issuer="https://other.example.com")

    assert await elsewhere.caller_of(tokens["access_token"]) is None
    assert await server.is_good(tokens["access_token"])


async def test_a_sign_in_to_one_tenant_is_worth_nothing_on_another(server):
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    elsewhere = server.grants_of_another_start(base_url="https://api.other.example")

    assert await elsewhere.caller_of(tokens["access_token"]) is None
    with pytest.raises(OAuthError, match="Sign in again"):
        await elsewhere.refresh(client_id, refresh_token=tokens["refresh_token"], resources=[])


async def test_ending_a_grant_ends_its_tokens_at_once_and_no_others(server):
    client_id = await server.register()
    first, second = await server.signed_in(client_id), await server.signed_in(client_id)
    caller = await server.grants.caller_of(first["access_token"])
    assert caller is not None

    await server.grants.end(caller.grant_id)

    assert not await server.is_good(first["access_token"])
    assert await server.is_good(second["access_token"])


async def test_a_new_key_with_the_old_one_second_keeps_people_signed_in(server):
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    rotated = server.grants_of_another_start(key=f"{NEW_KEY},{KEY}")

    assert await rotated.caller_of(tokens["access_token"]) is not None


async def test_after_a_refresh_the_old_key_is_needed_no_more(server):
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    rotated = server.grants_of_another_start(key=f"{NEW_KEY},{KEY}")
    renewed = await rotated.refresh(client_id, refresh_token=tokens["refresh_token"], resources=[])
    new_alone = server.grants_of_another_start(key=NEW_KEY)

    assert await new_alone.caller_of(renewed.access_token.get_secret_value()) is not None


async def test_with_a_wrong_key_people_have_to_sign_in_again(server):
    client_id = await server.register()
    tokens, code = await server.signed_in(client_id), await server.code(client_id)
    wrong = server.grants_of_another_start(key=NEW_KEY)

    assert await wrong.caller_of(tokens["access_token"]) is None
    with pytest.raises(OAuthError, match="Sign in again"):
        await wrong.refresh(client_id, refresh_token=tokens["refresh_token"], resources=[])
    with pytest.raises(OAuthError, match="Sign in again"):
        await wrong.redeem(
            client_id, code=code, redirect_uri=None, code_verifier=VERIFIER, resources=[]
        )


async def test_with_the_right_key_again_nobody_has_to(server):
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    await server.grants_of_another_start(key=NEW_KEY).caller_of(tokens["access_token"])
    again = server.grants_of_another_start()

    assert await again.caller_of(tokens["access_token"]) is not None


class SlowState(MemoryState):
    """Lets everyone else go on before each of its operations, as a state in Redis does."""

    async def get(self, key):
        await checkpoint()
        return await super().get(key)

    async def swap(self, key, old, new, *, ttl_s):
        await checkpoint()
        return await super().swap(key, old, new, ttl_s=ttl_s)

    async def delete(self, *keys):
        await checkpoint()
        await super().delete(*keys)


async def test_of_many_who_bring_a_code_at_once_none_keeps_a_good_token():
    server = Server(state=SlowState())
    client_id = await server.register()
    code = await server.code(client_id)
    given: list[str] = []

    async def redeem() -> None:
        answer = await server.redeem(client_id, code)
        given.extend([answer.json()["access_token"]] if answer.status_code == 200 else [])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(redeem)

    assert len(given) <= 1
    assert not any([await server.is_good(token) for token in given])


async def test_of_many_who_bring_a_refresh_token_at_once_none_keeps_a_good_token():
    server = Server(state=SlowState())
    client_id = await server.register()
    tokens = await server.signed_in(client_id)
    given = [tokens["access_token"]]

    async def refresh() -> None:
        answer = await server.refresh(client_id, tokens["refresh_token"])
        given.extend([answer.json()["access_token"]] if answer.status_code == 200 else [])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(refresh)

    assert len(given) <= 2
    assert not any([await server.is_good(token) for token in given])
