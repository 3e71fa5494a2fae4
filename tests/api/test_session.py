"""Settings, credentials and the expiry of tokens."""

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from .conftest import Backend


def jwt(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.signature"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "tenant.test",
        "ftp://tenant.test",
        "http://",
        "http://user:hunter22@tenant.test",
        "http://@tenant.test",
        "http://tenant.test?x=hunter22",
        "http://tenant.test#top",
        "http://tenant.test:99999",
        "http://tenant.test:x",
        "http://[::1",
        "http://tenant.test\\@evil.test",
        "http://ten ant.test",
        "http://ten\nant.test",
    ],
)
def test_an_unusable_base_url_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match="APPMIXER_BASE_URL") as caught:
        AppmixerClient(address)

    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://api.tenant.test/", "https://api.tenant.test"),
        ("http://127.0.0.1:2200", "http://127.0.0.1:2200"),
        (" http://[::1]:80/appmixer/v1/ ", "http://[::1]:80/appmixer/v1"),
    ],
)
def test_a_base_url_is_kept_without_its_trailing_slash(address: str, kept: str) -> None:
    assert AppmixerClient(address).get("baseUrl") == kept


async def test_a_path_in_the_base_url_stays_in_front(backend: "Backend") -> None:
    client = backend.client()
    client.set("base_url", "http://tenant.test/api/v1/")
    backend.will(httpx2.Response(200, json=[]))

    await client.stores.list_stores()

    assert backend.sent == ["GET /api/v1/stores"]


async def test_another_base_url_drops_token_and_password(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")
    backend.will(httpx2.Response(200, json=[]))

    client.set("baseUrl", "http://other.test")
    await client.stores.list_stores()

    assert client.get("access_token") is None
    assert backend.sent == ["GET /stores"]
    assert "authorization" not in backend.requests[0].headers


def test_the_same_base_url_drops_nothing(client: AppmixerClient) -> None:
    client.set("base_url", "http://tenant.test/")

    assert client.get("access_token") == "first-token"


async def test_a_token_set_by_hand_is_never_replaced_by_another_users(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")
    client.set("accessToken", "bobs-token\n")
    backend.will(httpx2.Response(200, json=[]))

    await client.stores.list_stores()
    assert backend.requests[0].headers["authorization"] == "Bearer bobs-token"

    backend.answers[:] = [httpx2.Response(401)]
    with pytest.raises(Exception, match="access token"):
        await client.stores.list_stores()
    assert "POST /user/auth" not in backend.sent


def test_a_token_can_be_dropped(client: AppmixerClient) -> None:
    client.set("access_token", None)

    assert client.get("accessToken") is None


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut"])
def test_a_token_that_no_header_can_carry_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(ConfigurationError, match="APPMIXER_ACCESS_TOKEN") as caught:
        AppmixerClient("http://tenant.test", access_token=token)

    assert token not in str(caught.value)


def test_unknown_settings_and_events_are_refused_with_the_known_ones(
    client: AppmixerClient,
) -> None:
    with pytest.raises(InputError, match="'base_url' and 'access_token'"):
        client.set("theme", "dark")
    with pytest.raises(InputError, match="'base_url' and 'access_token'"):
        client.get("theme")
    with pytest.raises(InputError, match="'error'"):
        client.on(cast("Any", "success"), print)


def test_the_expiry_is_read_from_the_token() -> None:
    client = AppmixerClient("http://tenant.test", access_token=jwt({"exp": 1_900_000_000}))

    assert client.token_expires_at == datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "token",
    [
        None,
        "opaque",
        "a.b.c",
        "a.%%%.c",
        jwt({}),
        jwt([]),
        jwt({"exp": "soon"}),
        jwt({"exp": True}),
        jwt({"exp": 10**30}),
    ],
)
def test_a_token_without_a_readable_expiry_has_none(token: str | None) -> None:
    assert AppmixerClient("http://tenant.test", access_token=token).token_expires_at is None


async def test_no_representation_shows_a_secret(backend: "Backend") -> None:
    client = backend.client(access_token="s3cret-token", username="ada", password="s3cret")
    backend.will(
        httpx2.Response(200, json={"token": "s3cret-2", "user": {"id": "u", "token": "s3cret-3"}})
    )

    result = await client.users.authenticate_user("ada", "s3cret")

    assert "s3cret" not in f"{client!r} {result!r} {vars(client._transport.session)}"
    assert result.user is not None
    assert "s3cret" not in result.user.model_dump_json()
