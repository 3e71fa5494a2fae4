"""Signing up, signing in, and what a token is good for."""

from dataclasses import replace
from datetime import timedelta

import httpx2
import jwt
import pytest
from pydantic import SecretStr

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, local_key=SecretStr("local key"))


async def test_who_signs_up_gets_a_token_that_works(visitor: Client) -> None:
    signed_up = await visitor.post("/user", json={"username": "ann", "password": "secret"})
    token = signed_up.json()["token"]

    user = await visitor.get("/user", headers={"Authorization": f"Bearer {token}"})

    assert user.json() == signed_up.json()["user"]
    assert user.json()["username"] == "ann"
    assert user.json()["scope"] == ["user"]  # the first one is no administrator
    assert len(user.json()["id"]) == 24


@pytest.mark.parametrize("name", [{"username": "ann"}, {"email": "Ann@Example.com"}])
async def test_one_signs_in_with_user_name_or_email(visitor: Client, name: dict[str, str]) -> None:
    new = {"username": "ann", "email": "ann@example.com", "password": "secret"}
    await visitor.post("/user", json=new)

    answer = await visitor.post("/user/auth", json={**name, "password": "secret"})

    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "ann@example.com"


async def test_a_token_names_its_user_and_its_end(visitor: Client, config: TenantConfig) -> None:
    answer = await visitor.post("/user", json={"username": "ann", "password": "secret"})

    claims = jwt.decode(
        answer.json()["token"],
        config.jwt_key.get_secret_value(),
        algorithms=["HS256"],
        options={"verify_exp": False, "verify_iat": False},
    )

    assert claims["id"] == claims["sub"] == answer.json()["user"]["id"]
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600


async def test_an_unknown_user_is_forbidden_and_a_wrong_password_unauthorized(
    visitor: Client,
) -> None:
    await visitor.post("/user", json={"username": "ann", "password": "secret"})

    unknown = await visitor.post("/user/auth", json={"username": "bob", "password": "secret"})
    wrong = await visitor.post("/user/auth", json={"username": "ann", "password": "wrong"})

    assert problem(unknown)[0] == 403
    assert problem(wrong) == (401, "Wrong password.")


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ann"},
        {"username": "ann", "password": "four"},
        {"username": "ann", "password": 12345},
        {"username": " ", "password": "secret"},
        {"username": "a\nb", "password": "secret"},
        {"password": "secret"},
        ["ann", "secret"],
    ],
)
async def test_a_sign_up_that_lacks_something_is_refused(visitor: Client, body: object) -> None:
    assert problem(await visitor.post("/user", json=body))[0] == 400


@pytest.mark.parametrize(
    "new",
    [
        {"username": "ANN", "password": "secret"},
        {"username": "other", "email": "ann@example.com", "password": "secret"},
        {"username": "ann@example.com", "password": "secret"},
        {"username": LOCAL_USER, "password": "secret"},
        {"username": "x", "email": LOCAL_USER.upper(), "password": "secret"},
    ],
)
async def test_nobody_can_sign_up_as_somebody_else(visitor: Client, new: dict[str, str]) -> None:
    ann = {"username": "ann", "email": "ann@example.com", "password": "secret"}
    await visitor.post("/user", json=ann)

    assert problem(await visitor.post("/user", json=new))[0] == 409


async def test_the_local_key_lets_the_demo_user_in_and_nobody_else(visitor: Client) -> None:
    await visitor.post("/user", json={"username": "ann", "password": "secret"})

    first = await visitor.post("/user/auth", json={"username": LOCAL_USER, "password": "local key"})
    again = await visitor.post("/user/auth", json={"username": LOCAL_USER, "password": "local key"})
    other = await visitor.post("/user/auth", json={"username": "ann", "password": "local key"})

    assert first.status_code == 200
    assert first.json()["user"]["id"] == again.json()["user"]["id"]
    assert other.status_code == 401


async def test_a_user_without_a_password_is_let_in_by_none(visitor: Client) -> None:
    await visitor.post("/user/auth", json={"username": LOCAL_USER, "password": "local key"})

    answer = await visitor.post("/user/auth", json={"username": LOCAL_USER, "password": ""})

    assert answer.status_code == 401


async def test_the_configured_demo_password_replaces_the_one_before(
    config: TenantConfig, clock: ManualClock
) -> None:
    answers: list[int] = []
    for password in ("first password", "second password"):
        renewed = replace(config, demo=True, demo_password=SecretStr(password))
        async with Tenant(renewed, clock) as tenant:
            transport = httpx2.ASGITransport(tenant.app)
            async with Client(transport=transport, base_url=config.public_url) as client:
                for tried in ("first password", "second password"):
                    body = {"username": LOCAL_USER, "password": tried}
                    answers.append((await client.post("/user/auth", json=body)).status_code)

    assert answers == [200, 401, 401, 200]


async def test_an_expired_token_is_no_longer_accepted(ann: Client, clock: ManualClock) -> None:
    clock.turn(timedelta(days=30))

    assert problem(await ann.get("/user")) == (401, "Invalid JWT: the token has expired")


@pytest.mark.parametrize("algorithm", ["HS512", "none"])
async def test_a_token_that_the_tenant_did_not_sign_so_is_refused(
    ann: Client, config: TenantConfig, algorithm: str
) -> None:
    user_id = (await ann.get("/user")).json()["id"]
    key = "" if algorithm == "none" else config.jwt_key.get_secret_value() * 2
    token = jwt.encode({"sub": user_id, "id": user_id, "exp": 9_999_999_999}, key, algorithm)

    answer = await ann.get("/user", headers={"Authorization": f"Bearer {token}"})

    assert problem(answer) == (401, "Invalid JWT: key or signature is invalid")


async def test_the_other_dialect_gives_the_new_user_themselves(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with Tenant(replace(config, dialect="openapi"), clock) as tenant:
        transport = httpx2.ASGITransport(tenant.app)
        async with Client(transport=transport, base_url=config.public_url) as client:
            new = {"username": "ann", "password": "secret"}

            body = (await client.post("/user", json=new)).json()

    assert body["id"] == body["user"]["id"]
    assert body["token"]
