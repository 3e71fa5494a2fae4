"""Who calls over HTTP: the token of each request, checked before anything else sees the request."""

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.errors import AppmixerError, RateLimitedError, UnavailableError
from appmixer_mcp.networks import client_address
from appmixer_mcp.session import Session
from appmixer_mcp.web.refusals import refusal

logger = logging.getLogger(__name__)

authenticated_session: ContextVar[Session] = ContextVar("authenticated_session")
"""The session of whoever sent the request under way; unset where nobody has to say who they are."""

Admit = Callable[[str], Awaitable[None]]
"""Counts a request of a principal; raises `RateLimitedError` when there were too many."""

_LONGEST_TOKEN = 8_192
_RETRY_AFTER_S = 5


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Whom a token stands for."""

    session: Session
    client_id: str
    """With the user, what a session of an older client belongs to."""


class Verifier(Protocol):
    """Knows whom a token stands for."""

    how_to_sign_in: str
    """For a person who reads the answer to a request without a good token."""

    async def verify(self, token: str, address: str) -> Verified | None:
        """Return whom a token stands for; None when it is not, or no longer, good.

        Args:
            token: As the client sent it.
            address: Where the request came from.

        Raises:
            UnavailableError: It cannot be told now.
            RateLimitedError: This address has sent too many bad tokens.
        """
        ...

    def challenge(self, path: str) -> str:
        """Return the parameters of `WWW-Authenticate: Bearer` that tell a client where to go."""
        ...


Held = Callable[[Session], AbstractContextManager[None]]


def _for_as_long(_session: Session) -> AbstractContextManager[None]:
    return nullcontext()


class Authentication:
    """Lets only requests with a good token through, each as its user's."""

    def __init__(
        self, app: ASGIApp, *, verifier: Verifier, admit: Admit, held: Held = _for_as_long
    ) -> None:
        """Keep what is asked.

        Args:
            app: Serves who is let through.
            verifier: Knows the tokens.
            admit: Counts the requests of each user.
            held: Ends a request when its user is signed in no more.
        """
        self._app = app
        self._verifier = verifier
        self._admit = admit
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as its user's, or answer 401, 429 or 503."""
        token = bearer_token(Headers(scope=scope))
        try:
            verified = await self._verified(token, scope) if token else None
            if verified is None:
                await self._refusal(scope, given=bool(token))(scope, receive, send)
                return
            await self._admit(verified.session.principal)
            held = self._held(verified.session)
        except RateLimitedError as error:
            await _too_many(error)(scope, receive, send)
            return
        except UnavailableError as error:
            await _unavailable(error)(scope, receive, send)
            return
        with held:
            await self._pass_on(verified, scope, receive, send)

    async def _verified(self, token: str, scope: Scope) -> Verified | None:
        if len(token) > _LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
            return None
        return await self._verifier.verify(token, client_address(scope))

    async def _pass_on(
        self, verified: Verified, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # What the SDK keeps of a user: whom its sessions and sealed states belong to.
        user = AuthenticatedUser(
            AccessToken(
                token="",
                client_id=verified.client_id,
                scopes=[],
                subject=verified.session.principal,
            )
        )
        scope["user"] = user
        context = auth_context_var.set(user)
        session = authenticated_session.set(verified.session)
        try:
            await self._app(scope, receive, send)
        finally:
            authenticated_session.reset(session)
            auth_context_var.reset(context)

    def _refusal(self, scope: Scope, *, given: bool) -> JSONResponse:
        error = "invalid_token" if given else "unauthorized"
        what = "The token is not accepted, or not any more." if given else "There is no token."
        challenge = self._verifier.challenge(scope["path"])
        if given:
            challenge += f', error="invalid_token", error_description="{what}"'
        return JSONResponse(
            {"error": error, "error_description": f"{what} {self._verifier.how_to_sign_in}"},
            HTTPStatus.UNAUTHORIZED,
            {"WWW-Authenticate": f"Bearer {challenge}", "Cache-Control": "no-store"},
        )


def bearer_token(headers: Headers) -> str:
    """Return the token of a request; empty when it has none, or more than one says so."""
    values = headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _too_many(error: RateLimitedError) -> JSONResponse:
    return refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        str(error),
        retry_after_s=math.ceil(error.retry_after_s or 1),
    )


def _unavailable(error: AppmixerError) -> JSONResponse:
    logger.warning("a request could not be served: %s", error)
    return refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "Whether the token is good cannot be checked now. Try again in a moment.",
        retry_after_s=_RETRY_AFTER_S,
    )
