"""An authorization server, and who calls it: clients, and a browser without a screen."""

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Never
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio.lowlevel
import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth.attempts import AttemptLimits, Attempts
from appmixer_mcp.oauth.client_documents import FetchedDocument
from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.routes import OAuthServices, oauth_routes
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.oauth.types import AuthorizationRequest, SignedInUser
from appmixer_mcp.oauth.vault import Vault
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.state import MemoryState, SharedState

ISSUER = "https://mcp.example.com"
TENANT_URL = "http://127.0.0.1:2200"
CALLBACK = "https://assistant.example/callback"
DOCUMENT = "https://app.example/client.json"
USERNAME, PASSWORD = "ann@example.com", "the-password-of-ann"
VERIFIER = "v" * 43
KEY = "the first key of the tests which is long enough"
APPMIXER_TOKEN = "appmixer-token-that-nobody-may-read"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]

_HIDDEN = re.compile(r'name="request" value="([^"]+)"')
_LINK = re.compile(r'<a href="([^"]+)">go back</a>')
_PROBLEM = re.compile(r'role="alert"[^>]*>([^<]+)<')


class Naps:
    """A sleep that takes no time and remembers how long it was asked to take."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked_s.append(seconds)
        await anyio.lowlevel.checkpoint()


class Clock:
    """Stands still until a test turns it.

    It begins with the hour that it is, as the tokens of a tenant expire by the real time, and at
    the start of the hour, where all that is counted in windows begins anew.
    """

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


class LostState(MemoryState):
    """What Redis is like when it is gone."""

    async def _lost(self, *_: object, **__: object) -> Never:
        raise UnavailableError("Redis at 10.0.0.8 does not answer.")

    add = get = put = take = delete = _lost


async def no_tenant() -> AppmixerClient:
    raise AssertionError("the tenant is not asked")


async def no_document(url: str) -> FetchedDocument:
    raise AssertionError("no document is fetched")


class Server:
    """The authorization server, and what tests look at behind it."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        state: SharedState | None = None,
        open_client: Callable[[], Awaitable[AppmixerClient]] = no_tenant,
        fetch: Callable[[str], Awaitable[FetchedDocument]] = no_document,
        issuer: str = ISSUER,
        tenant: str = "api.acme.example",
        limits: AttemptLimits | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.state = MemoryState(self.clock.seconds) if state is None else state
        self.issuer = issuer
        self.naps = Naps()
        self.outcomes: list[str] = []
        self.clients = Clients(self.state, fetch, clock=self.clock)
        self.grants = self.grants_of_another_start(issuer=issuer)
        services = OAuthServices(
            public_url=issuer,
            clients=self.clients,
            grants=self.grants,
            state=self.state,
            sign_in=SignIn(open_client, tenant=tenant, sleep=self.naps),
            attempts=Attempts(self.state, limits=limits, sleep=self.naps),
            on_outcome=self.outcomes.append,
        )
        self.app = Starlette(routes=oauth_routes(services))
        self.http = self.browser()

    async def register(self, *redirect_uris: str, **metadata: object) -> str:
        """Register a client and return its id."""
        return (await self.registered(*redirect_uris, **metadata))["client_id"]

    async def registered(self, *redirect_uris: str, **metadata: object) -> dict[str, str]:
        """Register a client, which is public unless it says otherwise, and return the answer."""
        given = {
            "client_name": "Assistant",
            "redirect_uris": list(redirect_uris or (CALLBACK,)),
            "token_endpoint_auth_method": "none",
            **metadata,
        }
        answer = await self.http.post("/register", json=given)
        assert answer.status_code == 201, answer.text
        registered: dict[str, str] = answer.json()
        return registered

    async def code(
        self, client_id: str, *, redirect_uri: str = CALLBACK, user: SignedInUser | None = None
    ) -> str:
        """Return what the sign-in page gives a client when the person agrees."""
        request = AuthorizationRequest(
            client_id=client_id,
            redirect_uri=redirect_uri,
            state=None,
            code_challenge=CHALLENGE,
        )
        return await self.grants.issue_code(request, user or self.user())

    def user(self, *, lives: timedelta | None = timedelta(days=30)) -> SignedInUser:
        return SignedInUser(
            user_id="the-user-id-of-ann",
            appmixer_token=SecretStr(APPMIXER_TOKEN),
            token_expires_at=None if lives is None else self.clock() + lives,
        )

    async def redeem(self, client_id: str, code: str, **other: str) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return await self.http.post("/token", data=form | other)

    async def refresh(self, client_id: str, token: str, **other: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
        return await self.http.post("/token", data=form | other)

    async def signed_in(
        self, client_id: str, *, user: SignedInUser | None = None
    ) -> dict[str, str]:
        """Return the tokens of a person who signed in just now."""
        answer = await self.redeem(client_id, await self.code(client_id, user=user))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    async def is_good(self, access_token: str) -> bool:
        return await self.grants.caller_of(access_token) is not None

    def grants_of_another_start(
        self, *, key: str = KEY, issuer: str = ISSUER, base_url: str = TENANT_URL
    ) -> Grants:
        """Return what a server has that was started with other settings on the same state."""
        vault = Vault(SecretStr(key))
        return Grants(self.state, vault, issuer, base_url, clock=self.clock)

    def browser(self, address: str = "203.0.113.7") -> httpx2.AsyncClient:
        """Return a browser with cookies of its own."""
        transport = httpx2.ASGITransport(app=self.app, client=(address, 50_000))
        return httpx2.AsyncClient(transport=transport, base_url=self.issuer)


def link(client_id: str, **parameters: str | None) -> str:
    """Return the address of the sign-in page; a parameter that is None is left out."""
    given = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "state": "s t&a=te",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **parameters,
    }
    return "/authorize?" + urlencode({k: v for k, v in given.items() if v is not None})


@dataclass
class OpenPage:
    """A sign-in page that is open in a browser."""

    browser: httpx2.AsyncClient
    pending_id: str

    async def send(self, **fields: str) -> httpx2.Response:
        return await self.browser.post("/authorize", data={"request": self.pending_id, **fields})

    async def sign_in(self, username: str = USERNAME, password: str = PASSWORD) -> httpx2.Response:
        return await self.send(**{"with": "password", "username": username, "password": password})

    async def bring_token(self, token: str) -> httpx2.Response:
        return await self.send(**{"with": "token", "token": token})

    async def cancel(self) -> httpx2.Response:
        return await self.send(**{"with": "cancel"})


async def open_page(browser: httpx2.AsyncClient, address: str) -> OpenPage:
    shown = await browser.get(address)
    assert shown.status_code == 200, shown.text
    return OpenPage(browser, hidden(shown))


def hidden(shown: httpx2.Response) -> str:
    """Return the id of the request that a page holds."""
    found = _HIDDEN.search(shown.text)
    assert found, shown.text
    return found[1]


def problem(shown: httpx2.Response) -> str:
    """Return what a page says went wrong."""
    found = _PROBLEM.search(shown.text)
    assert found, shown.text
    return html.unescape(found[1])


def way_back(shown: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Return where a browser is led, and with what."""
    return _target(
        shown.headers["location"]
        if shown.has_redirect_location
        else shown.headers["refresh"].removeprefix("0;url=")
    )


def offered_way_back(shown: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Return where a page offers to lead a browser that is led nowhere by itself."""
    assert not shown.has_redirect_location
    assert "refresh" not in shown.headers
    found = _LINK.search(shown.text)
    assert found, shown.text
    return _target(html.unescape(found[1]))


def _target(location: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(location)
    query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values()), location
    target = parts._replace(query="").geturl()
    return target, {name: values[0] for name, values in query.items()}


@asynccontextmanager
async def open_tenant(directory: Path, public_url: str = TENANT_URL) -> AsyncIterator[Tenant]:
    """Open a tenant with one user."""
    config = TenantConfig(
        data_dir=directory,
        public_url=public_url,
        jwt_key=SecretStr("k" * 32),
        local_key=SecretStr("local-key"),
        demo=False,
        egress="off",
    )
    async with Tenant(config) as tenant, client_of(tenant) as client:
        await client.users.signup_user(USERNAME, PASSWORD)
        yield tenant


def client_of(tenant: Tenant) -> AppmixerClient:
    """Return a client that nobody is signed in with."""
    return AppmixerClient(TENANT_URL, transport=httpx2.ASGITransport(app=tenant.app))
