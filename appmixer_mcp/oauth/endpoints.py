"""The endpoints that clients call by themselves: tokens, revocation, registration, metadata."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from appmixer_mcp.errors import RateLimitedError, UnavailableError
from appmixer_mcp.networks import client_address, network_of, site_of
from appmixer_mcp.oauth import metadata
from appmixer_mcp.oauth.client_authentication import authenticated_client
from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.parameters import FORM_TYPE, Parameters, body, is_form, read
from appmixer_mcp.oauth.types import SCOPE, OAuthError, Tokens
from appmixer_mcp.state import SharedState
from appmixer_mcp.state.windows import window

MOST_BYTES = 16_384
"""Largest body of a request to these endpoints."""
REGISTRATIONS_AN_HOUR = 300
"""Most registrations in all; what is beyond has to wait for the next hour."""
REGISTRATIONS_OF_ADDRESS = 60
"""Most from one address: hosted assistants register everyone's client from a few addresses."""
REGISTRATIONS_OF_SITE = 120
"""Most from one site, which with IPv6 has many addresses."""

_HOUR_S = 3_600
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}
_RETRY_S = "5"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Handlers for Starlette's routes."""

    issuer: str
    """The public origin, without a slash at its end."""
    clients: Clients
    grants: Grants
    state: SharedState

    async def authorization_server(self, _request: Request) -> Response:
        """Answer with the metadata of the authorization server."""
        return JSONResponse(metadata.authorization_server(self.issuer), headers=_FOR_A_WHILE)

    async def protected_resource(self, _request: Request) -> Response:
        """Answer with the metadata of the protected resource, the same for each of its paths."""
        return JSONResponse(metadata.protected_resource(self.issuer), headers=_FOR_A_WHILE)

    async def token(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token."""
        return await _answered(request, self._token)

    async def revoke(self, request: Request) -> Response:
        """End the grant of a token; that there is no such token is no error (RFC 7009)."""
        return await _answered(request, self._revoke)

    async def register(self, request: Request) -> Response:
        """Register a client."""
        return await _answered(request, self._register)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        client_id = await self._client_id(request, form)
        match form.needed("grant_type"):
            case "authorization_code":
                tokens = await self.grants.redeem(
                    client_id,
                    code=form.needed("code"),
                    redirect_uri=form.once.get("redirect_uri"),
                    code_verifier=form.needed("code_verifier"),
                    resources=form.resources,
                )
            case "refresh_token":
                tokens = await self.grants.refresh(
                    client_id,
                    refresh_token=form.needed("refresh_token"),
                    resources=form.resources,
                )
            case _:
                raise OAuthError(
                    "unsupported_grant_type",
                    "grant_type must be authorization_code or refresh_token.",
                )
        await self.clients.keep(client_id)
        return JSONResponse(_written(tokens), headers=_NO_STORE)

    async def _revoke(self, request: Request) -> Response:
        form = await _form(request)
        client_id = await self._client_id(request, form)
        await self.grants.revoke(client_id, form.needed("token"))
        return Response(headers=_NO_STORE)

    async def _register(self, request: Request) -> Response:
        try:
            given = from_json(await _body(request))
        except ValueError as error:
            raise OAuthError("invalid_client_metadata", "The body is not JSON.") from error
        await self._count_registration(client_address(request.scope))
        answer = await self.clients.register(given)
        return JSONResponse(answer, HTTPStatus.CREATED, headers=_NO_STORE)

    async def _client_id(self, request: Request, form: Parameters) -> str:
        header = request.headers.get("authorization", "")
        return await authenticated_client(self.clients, form.once, header)

    async def _count_registration(self, address: str) -> None:
        now = await self.state.now()
        # The narrowest first: what is over its limit must not use up everyone's.
        for whose, most in (
            (f":{network_of(address)}", REGISTRATIONS_OF_ADDRESS),
            (f":site:{site_of(address)}", REGISTRATIONS_OF_SITE),
            ("", REGISTRATIONS_AN_HOUR),
        ):
            key, left_s = window(f"oauth:registrations{whose}", _HOUR_S, now)
            if await self.state.add(key, ttl_s=_HOUR_S) > most:
                raise RateLimitedError(
                    "Too many clients were registered in this hour. Use the client_id you have, or "
                    "try again later.",
                    retry_after_s=left_s,
                )


async def _answered(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Handle a request; what goes wrong is written as OAuth clients expect it."""
    headers = dict(_NO_STORE)
    try:
        return await handle(request)
    except OAuthError as error:
        if error.status == HTTPStatus.UNAUTHORIZED and "authorization" in request.headers:
            headers["WWW-Authenticate"] = 'Basic realm="appmixer-mcp"'
        return _error(error.error, error.description, error.status, headers)
    except RateLimitedError as error:
        headers["Retry-After"] = str(int(error.retry_after_s or _HOUR_S) + 1)
        return _error("temporarily_unavailable", str(error), HTTPStatus.TOO_MANY_REQUESTS, headers)
    except UnavailableError:
        headers["Retry-After"] = _RETRY_S
        return _error(
            "temporarily_unavailable",
            "What this server keeps its sign-ins in does not answer. Try again shortly.",
            HTTPStatus.SERVICE_UNAVAILABLE,
            headers,
        )


def _error(error: str, description: str, status: int, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status, headers=headers)


def _written(tokens: Tokens) -> dict[str, object]:
    return {
        "access_token": tokens.access_token.get_secret_value(),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in_s,
        "refresh_token": tokens.refresh_token.get_secret_value(),
        "scope": SCOPE,
    }


async def _form(request: Request) -> Parameters:
    if not is_form(request):
        raise OAuthError("invalid_request", f"The body must be {FORM_TYPE}.")
    try:
        form = read((await _body(request)).decode())
    except ValueError as error:  # UnicodeDecodeError is one
        raise OAuthError("invalid_request", "The body cannot be read as a form.") from error
    form.check_repeated()
    return form


async def _body(request: Request) -> bytes:
    sent = await body(request, MOST_BYTES)
    if sent is None:
        raise OAuthError(
            "invalid_request",
            f"The body has over {MOST_BYTES:,} bytes.",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    return sent
