"""A program on a person's machine that uses the Python SDK's client as it comes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.foreign.people_at_pages import SignIn
from tests.serving import plain_http, serving


@dataclass
class Kept:
    """What the program keeps on the disk."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    @property
    def access_token(self) -> str:
        assert self.tokens is not None
        return self.tokens.access_token

    @property
    def refresh_token(self) -> str:
        assert self.tokens is not None
        assert self.tokens.refresh_token is not None
        return self.tokens.refresh_token


@dataclass
class Assistant:
    """One start of the program, which listens for the answer of the sign-in page."""

    server: str
    way: str
    """`modern`, `legacy` (both Streamable HTTP) or `sse`."""
    name: str
    """Whose assistant it is."""
    sign_in: SignIn
    kept: Kept = field(default_factory=Kept)
    host: str = "127.0.0.1"
    """What the program calls the machine it runs on."""
    opened: list[str] = field(default_factory=list[str])
    """The addresses that were opened in the person's browser."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        """Connect, and sign in when the server wants it; everything has to be over in a minute."""
        answers, answer = anyio.create_memory_object_stream[AuthorizationCodeResult](1)

        async def callback(request: Request) -> Response:
            got = request.query_params
            answers.send_nowait(
                AuthorizationCodeResult(
                    code=got["code"], state=got.get("state"), iss=got.get("iss")
                )
            )
            return HTMLResponse("<h1>Back at the assistant</h1>")

        def listener(_url: str) -> Starlette:
            return Starlette(routes=[Route("/callback", callback)])

        async with answers, answer, serving(listener, lifespan=False) as here:
            self.redirect_uri = f"{here.replace('127.0.0.1', self.host)}/callback"
            metadata = OAuthClientMetadata(
                redirect_uris=[AnyUrl(self.redirect_uri)], client_name="Assistant in Python"
            )
            self.provider = OAuthClientProvider(
                self._url, metadata, self.kept, self._open, answer.receive
            )
            with anyio.fail_after(60):
                async with self._client() as client:
                    yield client

    def expire(self, tokens: OAuthToken | None = None) -> None:
        """Have the client take its access token for expired, that of older tokens if given."""
        context = self.provider.context
        context.current_tokens = tokens or context.current_tokens
        context.token_expiry_time = 1.0

    async def revoke(self) -> None:
        """Do what the SDK's client leaves to the program: take the sign-in back."""
        context = self.provider.context
        assert context.oauth_metadata is not None
        form, headers = context.prepare_token_auth({"token": self.kept.refresh_token}, {})
        url = str(context.oauth_metadata.revocation_endpoint)
        async with plain_http(headers) as http:
            answer = await http.post(url, data=form)
        assert answer.status_code == 200, answer.text

    @property
    def _url(self) -> str:
        return f"{self.server}/{'sse' if self.way == 'sse' else 'mcp'}"

    async def _open(self, address: str) -> None:
        self.opened.append(address)
        await self.sign_in(address, self.name)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        if self.way == "sse":
            transport = sse_client(self._url, auth=self.provider, httpx_client_factory=plain_http)
            async with Client(transport, mode="legacy") as client:
                yield client
            return
        mode = "legacy" if self.way == "legacy" else "auto"
        async with plain_http(auth=self.provider) as http:
            transport = streamable_http_client(self._url, http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client
