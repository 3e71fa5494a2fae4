"""Our web application and a sandbox tenant on real sockets, within the test's own event loop."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import uvicorn
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr
from starlette.types import ASGIApp

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.hosting import listen
from appmixer_mcp.sandbox.clock import Clock, RealClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.sandbox.user_removal import remove_user
from appmixer_mcp.settings import Settings
from appmixer_mcp.web.app import build_app
from tests.oauth.browsing import CALLBACK, VERIFIER, link, open_page, way_back

PASSWORD = "watched-password-of-people"
ENCRYPTION_KEY = "watched-encryption-key-of-32-chars"

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
"""What an older client begins with."""


def asking(tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the request for a tool call."""
    params = {"name": tool, "arguments": arguments or {}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serving(
    make_app: Callable[[str], ASGIApp], *, lifespan: bool = True, certificate: Path | None = None
) -> AsyncIterator[str]:
    """Serve an application on a free port.

    Args:
        make_app: Gets the URL under which it will answer.
        lifespan: Whether the application opens and closes something of its own.
        certificate: A file that also holds its key; without it, plain HTTP is spoken.
    """
    with listen("127.0.0.1", 0) as listener:
        scheme = "https" if certificate else "http"
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(url),
            lifespan="on" if lifespan else "off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate,
            ssl_keyfile=certificate,
        )
        server = _Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server._serve, [listener])  # the signals are the test run's
            with anyio.fail_after(20):
                await server.ready.wait()
            assert server.started, "the application did not start; see its log"
            try:
                yield url
            finally:
                server.should_exit = True


@dataclass(frozen=True)
class People:
    """A tenant on a socket, and the people who signed up there."""

    url: str
    tenant: Tenant

    async def sign_up(self, name: str) -> str:
        """Create a user whose password is `PASSWORD`; returns an access token."""
        async with AppmixerClient(self.url) as client:
            made = await client.users.signup_user(f"{name}@example.com", PASSWORD)
            return made.token.get_secret_value()

    async def token_of(self, name: str) -> str:
        """Sign in once more."""
        async with AppmixerClient(self.url) as client:
            made = await client.users.authenticate_user(f"{name}@example.com", PASSWORD)
            return made.token.get_secret_value()

    async def remove(self, token: str) -> None:
        """Delete the user a token was made for."""
        async with AppmixerClient(self.url, access_token=token) as client:
            user_id = (await client.users.get_user()).user_id
        await remove_user(self.tenant.database, self.tenant.engine, RealClock(), user_id)

    async def own_flow(self, token: str, name: str) -> str:
        """Create a flow that belongs to one person; returns its id."""
        async with AppmixerClient(self.url, access_token=token) as client:
            return str(await client.flows.create_flow(name, {}))


@asynccontextmanager
async def people(data_dir: Path, clock: Clock | None = None) -> AsyncIterator[People]:
    """Serve a tenant where anybody can sign up."""
    async with AsyncExitStack() as stack:
        tenants: list[Tenant] = []

        def make(url: str) -> ASGIApp:
            config = TenantConfig(
                data_dir=data_dir,
                public_url=url,
                jwt_key=SecretStr("watched-jwt-key-of-the-tenant-32-chars"),
                local_key=SecretStr("watched-local-key"),
                demo=False,
                egress="off",
            )
            tenants.append(Tenant(config, clock))
            return _of_the_first(tenants)

        url = await stack.enter_async_context(serving(make, lifespan=False))
        await stack.enter_async_context(tenants[0])
        yield People(url, tenants[0])


def _of_the_first(tenants: list[Tenant]) -> ASGIApp:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await tenants[0].app(scope, receive, send)

    return app


@asynccontextmanager
async def in_process(
    data_dir: Path, base_url: str, **settings: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the application without a socket; gives what sends requests to it."""
    app = build_app(Settings(data_dir=data_dir, base_url=base_url, **settings))
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http,
    ):
        yield http


@asynccontextmanager
async def mcp_server(data_dir: Path, base_url: str, **settings: Any) -> AsyncIterator[str]:
    """Serve MCP over HTTP for a tenant; gives the URL without a path."""

    def make(url: str) -> ASGIApp:
        if settings.get("auth") == "oauth":
            settings.setdefault("public_url", url)
            settings.setdefault("encryption_key", SecretStr(ENCRYPTION_KEY))
        return build_app(Settings(data_dir=data_dir, base_url=base_url, **settings))

    async with serving(make) as url:
        yield url


async def sign_in(url: str, name: str) -> str:
    """Go through the whole sign-in in mode `oauth`, as a client and a browser do.

    Args:
        url: The server's.
        name: Of somebody who signed up with `PASSWORD`.

    Returns:
        Our access token.
    """
    async with plain_http() as http:
        client = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
        registered = (await http.post(f"{url}/register", json=client)).json()
        async with httpx2.AsyncClient(base_url=url, verify=False) as browser:
            page = await open_page(browser, link(registered["client_id"]))
            _, answer = way_back(await page.sign_in(f"{name}@example.com", PASSWORD))
        code = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": CALLBACK,
            "client_id": registered["client_id"],
            "code_verifier": VERIFIER,
        }
        token: str = (await http.post(f"{url}/token", data=code)).json()["access_token"]
        return token


def plain_http(
    headers: dict[str, str] | None = None, *_: Any, auth: httpx2.Auth | None = None, **__: Any
) -> httpx2.AsyncClient:
    """Return a client without a TLS context, of which each takes time that many do not have."""
    return httpx2.AsyncClient(headers=headers, auth=auth, timeout=30, trust_env=False, verify=False)


@asynccontextmanager
async def client_of(
    url: str,
    way: str,
    token: str | None = None,
    *,
    below: str = "",
    headers: dict[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Client]:
    """Connect the SDK's client.

    Args:
        url: The server's, without a path.
        way: `modern`, `legacy` (both Streamable HTTP), `sse`, or `sse of today`.
        token: What the client sends with each request.
        below: The rest of the path, such as `/readonly`.
        headers: What else it sends with each request.
        options: Further arguments of the client.
    """
    headers = (headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    if way.startswith("sse"):
        transport = sse_client(
            f"{url}/sse{below}", headers=headers, httpx_client_factory=plain_http
        )
        mode = "legacy" if way == "sse" else "auto"
        async with Client(transport, mode=mode, **options) as client:
            yield client
        return
    async with plain_http(headers) as http:
        transport = streamable_http_client(f"{url}/mcp{below}", http_client=http)
        mode = "legacy" if way == "legacy" else "auto"
        async with Client(transport, mode=mode, **options) as client:
            yield client
