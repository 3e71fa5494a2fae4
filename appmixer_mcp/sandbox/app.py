"""The tenant's HTTP interface: the routes of `routes/` put together, behind the same few checks."""

import json
from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.errors import ForbiddenError, NotSignedInError
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.routes import (
    accounts,
    auth,
    charts,
    chat,
    clones,
    components,
    custom_components,
    events,
    files,
    flow_runs,
    flows,
    gateways,
    integrations,
    logs,
    messages,
    modifiers,
    outbox,
    public_files,
    stores,
    subflows,
    system,
    tasks,
    telemetry,
    test_runs,
    user,
    users,
    variables,
    versions,
    webhooks,
)
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Services
from appmixer_mcp.sandbox.routes.problems import problem, problem_of
from appmixer_mcp.sandbox.users import User

_RESOURCES = (
    system, user, users, flows, clones, versions, integrations, variables, flow_runs, test_runs,
    webhooks, components, accounts, auth, logs, charts, telemetry, stores,
    messages, tasks, events, files, public_files, outbox,
    custom_components, subflows, chat, gateways, modifiers,
)  # fmt: skip
_LOOPBACK_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))
_LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_WRITTEN_AT_ONCE = 20  # items of a list
_READ_BY_BROWSERS = ("Accept-Ranges", "Content-Disposition", "Content-Range")


def create_app(services: Services) -> Starlette:
    """Return the application; opening and closing what it works with is the tenant's business."""
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=services.config.cors_origins,
                allow_origin_regex=_LOOPBACK_ORIGIN,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                expose_headers=_READ_BY_BROWSERS,
            ),
            Middleware(HostCheck, config=services.config),
            Middleware(EncodedPath),
        ],
        exception_handlers={HTTPException: _routing_problem},
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.openapi = _described(services.config)
    return app


def endpoints() -> list[tuple[str, Endpoint]]:
    """Return every endpoint with the name of its resource."""
    return [
        (resource.__name__.rpartition(".")[2], endpoint)
        for resource in _RESOURCES
        for endpoint in resource.ENDPOINTS
    ]


def _described(config: TenantConfig) -> Callable[[], bytes]:
    """Return what makes the tenant's OpenAPI document, once, when it is first asked for."""

    @cache
    def described() -> bytes:
        from appmixer_mcp.sandbox import openapi  # noqa: PLC0415 - most tenants are never asked

        told = openapi.document(endpoints(), public_url=config.public_url, dialect=config.dialect)
        return json.dumps(told).encode()

    return described


class HostCheck:
    """Answers only requests that name this tenant, so that no web page's own name leads to it."""

    def __init__(self, app: ASGIApp, config: TenantConfig) -> None:
        self._app = app
        public = urlsplit(config.public_url).hostname
        named = (*config.allowed_hosts, public) if public else config.allowed_hosts
        self._hosts = _LOOPBACK_HOSTS | {host.lower().strip("[]") for host in named}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and _host(scope) not in self._hosts:
            refusal = problem(421, "This tenant does not answer to the Host of the request.")
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class EncodedPath:
    """Has routes look at the path as it was sent, so that `%2f` in an id never parts it in two."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its encoded path."""
        raw_path: bytes | None = scope.get("raw_path")
        if raw_path is not None:
            scope = {**scope, "path": raw_path.decode("latin-1")}
        await self._app(scope, receive, send)


@cache
def _routes() -> tuple[Route, ...]:
    """Return the routes, which every tenant of this process shares: compiling them takes time."""
    return tuple(_route(endpoint) for _, endpoint in endpoints())


def _route(endpoint: Endpoint) -> Route:
    route = Route(endpoint.path, _answering(endpoint), methods=[endpoint.method])
    # Starlette adds HEAD to GET; a link checker's HEAD must not set off a flow.
    route.methods = {endpoint.method}
    return route


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        services: Services = request.app.state.services
        try:
            call = Call(services, request, _visitor(services, endpoint, request))
            result = await endpoint.handler(call)
            if isinstance(result, Response):
                return result
            return Response(await _json(result), media_type="application/json")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - the boundary where errors become answers
            return problem_of(error)

    return answer


async def _json(result: Json) -> str:
    if is_list(result) and len(result) > _WRITTEN_AT_ONCE:
        return await anyio.to_thread.run_sync(_list_json, result)
    return dumps(result)


def _list_json(items: list[Json]) -> str:
    """Write one item after the other, so that others have their turns in between."""
    return f"[{','.join(map(dumps, items))}]"


def _visitor(services: Services, endpoint: Endpoint, request: Request) -> User | None:
    if endpoint.auth == "none":
        return None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        user = services.users.of_token(token.strip())
        if endpoint.admin and "admin" not in user.scope:
            raise ForbiddenError("This needs the scope admin.")
        return user
    if endpoint.auth == "required":
        raise NotSignedInError("Missing authentication: send Authorization: Bearer TOKEN.")
    return None


def _host(scope: Scope) -> str:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    value = next((value for name, value in headers if name == b"host"), b"").decode("latin-1")
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


async def _routing_problem(_: Request, error: Exception) -> Response:
    """Answer for a path or method that is not there; hapi, too, tells neither from the other."""
    if not isinstance(error, HTTPException):
        raise error
    return problem(404, "Not Found")
