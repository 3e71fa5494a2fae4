"""An authorization server with a clock of its own, and a client that calls it over HTTP."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from appmixer_mcp.oauth.client_documents import FetchedDocument, fetch_document
from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.routes import OAuthServices, oauth_routes
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.oauth.types import AuthorizationRequest, SignedInUser
from appmixer_mcp.oauth.vault import Vault
from appmixer_mcp.state import MemoryState, SharedState

ISSUER = "https://mcp.example.com"
BASE_URL = "https://api.acme.example"
CALLBACK = "https://assistant.example/callback"
VERIFIER = "a-verifier-of-proof-key-for-code-exchange-0"
KEY = "the first key of the tests which is long enough"
APPMIXER_TOKEN = "appmixer-token-that-nobody-may-read"


class Clock:
    """Stands still until a test turns it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Server:
    """The parts of the server, and how a test talks to them."""

    http: httpx2.AsyncClient
    clock: Clock
    state: SharedState
    clients: Clients
    grants: Grants

    async def register(self, **metadata: object) -> dict[str, str]:
        """Register a client, which is public unless it says otherwise."""
        given = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", **metadata}
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
            code_challenge=challenge(VERIFIER),
        )
        return await self.grants.issue_code(request, user or self.user())

    def user(self, *, lives: timedelta | None = timedelta(days=30)) -> SignedInUser:
        return SignedInUser(
            user_id="user-1",
            username="ann@acme.example",
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
        self, *, key: str = KEY, issuer: str = ISSUER, base_url: str = BASE_URL
    ) -> Grants:
        """Return what a server has that was started with other settings on the same state."""
        vault = Vault(SecretStr(key))
        return Grants(self.state, vault, issuer, base_url, clock=self.clock)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def _nobody_signs_in_here() -> NoReturn:
    raise AssertionError("the sign-in page has tests of its own")


@asynccontextmanager
async def serving(
    clock: Clock | None = None,
    state: SharedState | None = None,
    fetch: Callable[[str], Awaitable[FetchedDocument]] = fetch_document,
    address: str = "203.0.113.7",
    protected: Callable[[Server], BaseRoute] | None = None,
) -> AsyncIterator[Server]:
    """Serve the endpoints to a caller at an address."""
    clock = Clock() if clock is None else clock
    state = MemoryState(clock.seconds) if state is None else state
    clients = Clients(state, fetch, clock=clock)
    grants = Grants(state, Vault(SecretStr(KEY)), ISSUER, BASE_URL, clock=clock)
    services = OAuthServices(
        public_url=ISSUER,
        clients=clients,
        grants=grants,
        state=state,
        sign_in=SignIn(_nobody_signs_in_here, tenant="acme.example"),
    )
    app = Starlette(routes=oauth_routes(services))
    transport = httpx2.ASGITransport(app, client=(address, 50_000))
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        server = Server(http, clock, state, clients, grants)
        if protected is not None:
            app.routes.append(protected(server))
        yield server


@dataclass
class Documents:
    """Metadata documents by URL, and which of them were asked for."""

    served: dict[str, FetchedDocument | Exception]
    asked: list[str] = field(default_factory=list[str])

    async def fetch(self, url: str) -> FetchedDocument:
        self.asked.append(url)
        found = self.served[url]
        if isinstance(found, Exception):
            raise found
        return found
