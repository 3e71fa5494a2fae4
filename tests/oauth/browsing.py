"""A browser without a screen, at the sign-in page of a server on a sandbox tenant."""

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class LostState(MemoryState):
    """What Redis is like when it is gone."""

    async def _lost(self, *_: object, **__: object) -> Never:
        raise UnavailableError("Redis at 10.0.0.8 does not answer.")

    add = get = put = take = delete = _lost


async def no_tenant() -> AppmixerClient:
    raise AssertionError("the tenant is not asked")


async def no_document(url: str) -> FetchedDocument:
    raise AssertionError("no document is fetched")


@dataclass
class Server:
    """The authorization server, and what tests look at behind it."""

    state: SharedState = field(default_factory=MemoryState)
    open_client: Callable[[], Awaitable[AppmixerClient]] = no_tenant
    fetch: Callable[[str], Awaitable[FetchedDocument]] = no_document
    issuer: str = ISSUER
    tenant: str = "api.acme.example"
    limits: AttemptLimits | None = None
    naps: Naps = field(default_factory=Naps)

    def __post_init__(self) -> None:
        self.clients = Clients(self.state, self.fetch)
        vault = Vault(SecretStr("e" * 32))
        self.grants = Grants(self.state, vault, self.issuer, TENANT_URL)
        self.outcomes: list[str] = []
        services = OAuthServices(
            public_url=self.issuer,
            clients=self.clients,
            grants=self.grants,
            state=self.state,
            sign_in=SignIn(self.open_client, tenant=self.tenant, sleep=self.naps),
            attempts=Attempts(self.state, limits=self.limits, sleep=self.naps),
            on_outcome=self.outcomes.append,
        )
        self.app = Starlette(routes=oauth_routes(services))

    async def register(self, *redirect_uris: str, **metadata: object) -> str:
        """Register a client and return its id."""
        answer = await self.clients.register(
            {
                "client_name": "Assistant",
                "redirect_uris": list(redirect_uris or (CALLBACK,)),
                "token_endpoint_auth_method": "none",
                **metadata,
            }
        )
        return str(answer["client_id"])

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
