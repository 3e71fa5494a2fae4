"""What one worker serves over HTTP, opened once for all its users: tenant, state, MCP, sign-in."""

import math
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
from filelock import FileLock, Timeout
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.errors import ConfigurationError, NotSignedInError
from appmixer_mcp.options import SessionOf
from appmixer_mcp.settings import Settings
from appmixer_mcp.state import SharedState, open_state
from appmixer_mcp.subscribing import Subscriptions
from appmixer_mcp.tracing import set_up_tracing
from appmixer_mcp.web.authentication import Authentication, Verifier
from appmixer_mcp.web.bodies import Bodies
from appmixer_mcp.web.health import health_routes
from appmixer_mcp.web.http_sessions import HttpSessions, OpenStreams
from appmixer_mcp.web.limits import CallLimits
from appmixer_mcp.web.metrics import Metrics
from appmixer_mcp.web.narrowing import Narrowing, paths_below, served_to
from appmixer_mcp.web.open_requests import OpenRequests
from appmixer_mcp.web.sealing import sealing
from appmixer_mcp.web.sessions import OperatorSessions, session_of_request
from appmixer_mcp.web.sse import MESSAGES, SseStreams
from appmixer_mcp.web.verifiers import BearerVerifier
from appmixer_mcp.wiring import Wiring

if TYPE_CHECKING:
    from appmixer_mcp.server import AppmixerServer

Transports = Literal["all", "sse"]
Extend = Callable[["AppmixerServer"], None]

_FORM_BYTES = 65_536
_USERS_AT_LEAST = 10  # to whom there is always a session left


@asynccontextmanager
async def served(
    settings: Settings, transports: Transports, extend: Extend | None = None
) -> AsyncGenerator[Starlette]:
    """Open everything, give the application, and close everything in order.

    Args:
        settings: The operator's.
        transports: `sse` leaves `/mcp` out.
        extend: Registers more on the MCP server, the SDK's way.

    Raises:
        ConfigurationError: A setting cannot be used.
    """
    async with AsyncExitStack() as stack:
        yield await _Worker(settings, transports, extend).opened(stack)


@contextmanager
def _alone_in(directory: Path) -> Generator[None]:
    """Keep other servers out, which would count limits and pass on notices by themselves.

    Raises:
        ConfigurationError: Another server keeps its sign-ins there.
    """
    lock = FileLock(directory / "sign-ins.lock", mode=0o600)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise ConfigurationError(
            f"Another server keeps its sign-ins in {directory}. Several need APPMIXER_REDIS_URL, "
            "or each an APPMIXER_DATA_DIR of its own."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {directory} cannot be used ({error.strerror}). Set "
            "APPMIXER_DATA_DIR to one that can be written."
        ) from error
    try:
        yield
    finally:
        lock.release()


async def _about(_request: Request) -> PlainTextResponse:
    said = "This is appmixer-mcp. Clients connect to /mcp where it is served, older ones to /sse.\n"
    return PlainTextResponse(said)


class _Worker:
    """Puts the parts of one worker together."""

    def __init__(self, settings: Settings, transports: Transports, extend: Extend | None) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._transports = transports
        self._extend = extend
        self._wiring = Wiring(settings)
        self._metrics = Metrics()
        self._open_streams = OpenStreams()
        self._open_requests = OpenRequests(max(16, settings.max_requests // 4))

    async def opened(self, stack: AsyncExitStack) -> Starlette:
        settings = self._settings
        stack.callback(self._metrics.close)
        if settings.tracing:
            stack.callback(set_up_tracing())
        many = settings.redis_url is not None
        file = None
        if settings.auth == "oauth" and not many:
            stack.enter_context(_alone_in(settings.data_dir))
            file = settings.data_dir / "sign-ins.db"
        state = await stack.enter_async_context(open_state(redis_url=settings.redis_url, file=file))
        wiring = await stack.enter_async_context(self._wiring)
        limits = CallLimits(
            state, per_minute=settings.calls_per_minute, at_once=settings.calls_at_once
        )
        routes, session_of, who = self._for_mode(state)
        if isinstance(who, OperatorSessions):
            stack.push_async_callback(who.shared.aclose)
        subscriptions = Subscriptions(state, settings.watch_interval_s, self._open_streams.is_open)
        server = wiring.server(
            session_of=session_of,
            served_to=served_to,
            limits=limits,
            observer=self._metrics,
            confirmations=Confirmations(settings.confirm, state, settings.confirm_timeout_s),
            subscriptions=subscriptions,
            request_state=await sealing(settings.encryption_key, state if many else None),
            files=None,  # nobody reads this machine's files from elsewhere
        )
        if self._extend is not None:
            self._extend(server)
        # From here on a group would be put around the error that keeps it from starting.
        await stack.enter_async_context(subscriptions.running())
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(self._open_requests.watch)
        if wiring.session.in_sandbox:
            server.listed.set()  # here nobody waits for a start
            tasks.start_soon(wiring.keep_flows_running, server.listed)
        mcp = self._mcp_routes(server, who, limits)
        if self._transports == "all":
            await stack.enter_async_context(server.session_manager.run())
        return Starlette(
            routes=[
                *health_routes({"shared state": state.now, "Appmixer": self._tenant_answers}),
                *self._metrics.routes(settings.metrics_token),
                *mcp,
                Route("/", _about),
                Mount("/", self._bounded(Router(routes, redirect_slashes=False), _FORM_BYTES)),
            ]
        )

    def _for_mode(
        self, state: SharedState
    ) -> tuple[list[Route], SessionOf, "Verifier | OperatorSessions"]:
        """Return the sign-in routes, whose session a request is, and what knows who calls."""
        wiring, settings = self._wiring, self._settings
        if settings.auth == "none":
            sessions = OperatorSessions(wiring)
            return [], sessions.of, sessions
        if settings.auth == "bearer":
            bearer = BearerVerifier(wiring.base_url, wiring.client_of, state)
            return [], session_of_request, bearer
        from appmixer_mcp.web.signing_in import oauth_parts  # noqa: PLC0415 - only for this mode

        routes, verifier = oauth_parts(settings, wiring, state, on_outcome=self._metrics.signed_in)
        return routes, session_of_request, verifier

    def _mcp_routes(
        self, server: "AppmixerServer", who: "Verifier | OperatorSessions", limits: CallLimits
    ) -> list[Route | Mount]:
        settings = self._settings
        most_of_one = math.ceil(settings.max_sessions / _USERS_AT_LEAST)
        streams = SseStreams(
            server.lowlevel,
            new_session=who.new if isinstance(who, OperatorSessions) else None,
            most=settings.max_sessions,
            most_of_one=most_of_one,
            idle_s=settings.session_idle_s,
            max_body_bytes=settings.max_body_bytes,
        )
        self._metrics.watch_sessions("sse", streams.count)

        def guarded(app: ASGIApp) -> ASGIApp:
            narrowing = Narrowing(app, served=server.offering.selection)
            bounded = self._bounded(narrowing, settings.max_body_bytes)
            if isinstance(who, OperatorSessions):
                return bounded
            return Authentication(
                bounded, verifier=who, admit=limits.request, held=self._open_requests.held
            )

        sse = guarded(streams)
        routes: list[Route | Mount] = [
            *(Route(path, endpoint=sse, methods=["GET"]) for path in paths_below("/sse")),
            Mount(MESSAGES, app=guarded(streams.messages)),
        ]
        if self._transports == "all":
            server.streamable_http_app(
                session_idle_timeout=settings.session_idle_s,
                max_sessions=settings.max_sessions,
                max_request_body_size=settings.max_body_bytes,
                # Host and Origin are checked in front of the whole application.
                transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            )
            sessions = HttpSessions(
                server.session_manager, self._open_streams, most_of_one=most_of_one
            )
            http = guarded(sessions)
            routes += [Route(path, endpoint=http) for path in paths_below("/mcp")]
            self._metrics.watch_sessions("http", sessions.count)
        return routes

    def _bounded(self, app: ASGIApp, max_bytes: int) -> ASGIApp:
        return Bodies(app, max_bytes=max_bytes, timeout_s=self._settings.body_timeout_s)

    async def _tenant_answers(self) -> None:
        """Return when the tenant answers.

        Raises:
            AppmixerError: It does not.
        """
        client = await self._wiring.client_of(None)
        with suppress(NotSignedInError):  # which is an answer
            await client.users.get_user()
