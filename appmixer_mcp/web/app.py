"""The web application: what is checked in front of every request, and what is opened for all."""

import multiprocessing
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appmixer_mcp.errors import AppmixerError, ConfigurationError
from appmixer_mcp.keys import encryption_keys
from appmixer_mcp.settings import Settings, listed
from appmixer_mcp.web.client_addresses import ClientAddresses
from appmixer_mcp.web.hosts import HostsAndOrigins
from appmixer_mcp.web.limits import RequestsInFlight
from appmixer_mcp.web.local import LocalOnly, is_loopback
from appmixer_mcp.web.narrowing import READ_ONLY, TOOLSETS
from appmixer_mcp.web.served import Extend, Transports, served

_MCP_HEADERS = ("Mcp-Method", "Mcp-Name", "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID")
_LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


def build_app(
    settings: Settings, transports: Transports = "all", *, extend: Extend | None = None
) -> Starlette:
    """Return the application; its lifespan opens what it works with.

    Args:
        settings: The operator's.
        transports: `sse` leaves `/mcp` out.
        extend: Registers more on the MCP server, the SDK's way.

    Raises:
        ConfigurationError: The settings do not go together; says what to change.
    """
    _check(settings)
    inner = _Opened()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with served(settings, transports, extend) as inner.app:
            yield

    app = Starlette(routes=[Mount("/", app=inner)], middleware=_checks(settings), lifespan=lifespan)
    app.middleware_stack = app.build_middleware_stack()  # or a bad setting shows only in requests
    return app


class _Opened:
    """Passes requests to the application that the lifespan has opened."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class _SaysWhyNot:
    """Has the server log in one line what keeps the application from starting.

    What is our own fault keeps its traceback.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; a start that failed is told when it is known why."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed: list[Message] = []

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failed.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, told)
        except BaseException as error:
            for message in failed:
                mine = isinstance(error, AppmixerError)
                await send({**message, "message": str(error)} if mine else message)
            raise


def _checks(settings: Settings) -> Sequence[Middleware]:
    """Return what a request passes before anything of ours sees it, the outermost first."""
    is_local = settings.auth == "none"
    public = urlsplit(settings.public_url).netloc
    hosts = [*listed(settings.allowed_hosts), *([public] if public else [])]
    origins = listed(settings.allowed_origins)
    if settings.public_url:
        origins.append(settings.public_url)
    checks = [
        Middleware(_SaysWhyNot),
        Middleware(ClientAddresses, trusted_proxies=listed(settings.trusted_proxies)),
        Middleware(RequestsInFlight, most=settings.max_requests),
        Middleware(HostsAndOrigins, hosts=hosts, origins=origins, loopback_origins=True),
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_origin_regex=_LOOPBACK_ORIGIN,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", *_MCP_HEADERS, TOOLSETS, READ_ONLY],
            expose_headers=["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"],
        ),
    ]
    return [*checks, Middleware(LocalOnly)] if is_local else checks


def _check(settings: Settings) -> None:
    """Refuse settings that would serve nobody, or somebody who should not be.

    Raises:
        ConfigurationError: They do not go together.
    """
    if settings.auth == "oauth" and not settings.public_url:
        raise ConfigurationError(
            "--auth oauth needs APPMIXER_PUBLIC_URL: the address that people and clients use."
        )
    if settings.auth == "oauth" and settings.encryption_key is None:
        raise ConfigurationError(
            "--auth oauth needs APPMIXER_ENCRYPTION_KEY. Make one with: openssl rand -base64 32"
        )
    if settings.encryption_key is not None:
        encryption_keys(settings.encryption_key)
    public_host = urlsplit(settings.public_url).hostname
    if settings.auth == "none" and public_host and not is_loopback(public_host):
        raise ConfigurationError(
            "--auth none serves everybody as the operator, so it is for this machine only. Use "
            "--auth oauth or --auth bearer, or remove APPMIXER_PUBLIC_URL."
        )
    if multiprocessing.parent_process() is None:
        return
    if settings.redis_url is None:  # one of several workers
        raise ConfigurationError(
            "Several workers need APPMIXER_REDIS_URL, to share sign-ins, limits and notices."
        )
    if not settings.base_url:
        raise ConfigurationError(
            "Several workers need APPMIXER_BASE_URL: the embedded sandbox belongs to one process."
        )
