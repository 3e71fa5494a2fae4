"""`/authorize`: the sign-in page, and what the person decides on it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from appmixer_mcp.errors import (
    AppmixerError,
    InputError,
    NotSignedInError,
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from appmixer_mcp.networks import client_address
from appmixer_mcp.oauth.attempts import Attempts
from appmixer_mcp.oauth.authorization_requests import AnsweredError, AuthorizationRequests
from appmixer_mcp.oauth.forms import own_form
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.pages import Pages, SignInPage
from appmixer_mcp.oauth.pending import BrowserCookie, PendingRequests, new_random
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.oauth.types import AuthorizationRequest, Client, OAuthError, SignedInUser

Outcome = Literal["signed_in", "refused", "limited", "unavailable", "cancelled"]
"""How a person's stay on the sign-in page went on."""

logger = logging.getLogger(__name__)

_RETRY_S = 30.0
_LONGEST_NAME = 254
_GONE = (
    "This page is too old, was used already, or belongs to another browser; or this browser keeps "
    "no cookies. Go back to the program you came from and connect again."
)
_SHOWN_AGAIN: dict[type[AppmixerError], tuple[HTTPStatus, Outcome]] = {
    InputError: (HTTPStatus.BAD_REQUEST, "refused"),
    NotSignedInError: (HTTPStatus.FORBIDDEN, "refused"),
    RateLimitedError: (HTTPStatus.TOO_MANY_REQUESTS, "limited"),
    UnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    UnexpectedAnswerError: (HTTPStatus.BAD_GATEWAY, "unavailable"),
}
"""After these the person sees the form again."""


class _GoneError(AppmixerError):
    """No request waits for the form that was sent."""

    def __init__(self) -> None:
        super().__init__(_GONE, status=HTTPStatus.BAD_REQUEST)


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """A form that was sent, and the request that waits for it."""

    fields: dict[str, str]
    browser: str
    pending_id: str
    wanted: AuthorizationRequest
    client: Client


@dataclass(frozen=True, kw_only=True)
class Authorize:
    """The endpoint: GET shows the page, POST takes its forms."""

    requests: AuthorizationRequests
    pending: PendingRequests
    attempts: Attempts
    sign_in: SignIn
    grants: Grants
    pages: Pages
    cookie: BrowserCookie
    on_outcome: Callable[[Outcome], None]

    async def answer(self, request: Request) -> Response:
        """Answer with a page or a redirect, whatever was wrong."""
        try:
            if request.method == "POST":
                return await self._decided(request)
            return await self._shown(request)
        except AnsweredError as error:
            return self._refused(error)
        except (InputError, OAuthError, _GoneError) as error:
            status = error.status or HTTPStatus.BAD_REQUEST
            return self.pages.problem("This sign-in cannot go on", str(error), status)
        except RateLimitedError as error:
            return self.pages.problem(
                "Please wait",
                str(error),
                HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_s=error.retry_after_s,
            )
        except UnavailableError as error:
            logger.warning("the sign-in page could not be served: %s", error)
            return self.pages.problem(
                "Not available at the moment",
                "Nothing was lost: reload this page in a minute.",
                HTTPStatus.SERVICE_UNAVAILABLE,
                retry_after_s=_RETRY_S,
            )

    def _refused(self, error: AnsweredError) -> Response:
        if not error.goes_to_this_machine:
            return self.pages.refused(error.location, error.redirect_uri, str(error))
        headers = {"Location": error.location, "Cache-Control": "no-store"}
        return Response(status_code=HTTPStatus.FOUND, headers=headers)

    async def _shown(self, request: Request) -> Response:
        await self.attempts.page(client_address(request.scope))
        client, wanted = await self.requests.checked(request.url.query)
        browser = self.cookie.of(request) or new_random()
        pending_id = await self.pending.add(wanted, browser)
        response = self.pages.sign_in(
            SignInPage(client=client, redirect_uri=wanted.redirect_uri, pending_id=pending_id)
        )
        self.cookie.put(response, browser)
        return response

    async def _decided(self, request: Request) -> Response:
        sent = await self._sent(request)
        if sent.fields.get("with") == "cancel":
            return await self._cancelled(sent)
        try:
            user = await self._signed_in(sent.fields, client_address(request.scope))
            code = await self._code(sent, user)
        except tuple(_SHOWN_AGAIN) as error:
            return self._shown_again(sent, error)
        self.on_outcome("signed_in")
        logger.info("user %s signed in for client %r", user.user_id, sent.client.client_id)
        location = self.requests.answer(sent.wanted, code=code)
        return self.pages.way_back(location, sent.client, allowed=True)

    async def _sent(self, request: Request) -> _Sent:
        fields = await own_form(request, self.requests.issuer)
        pending_id, browser = fields.get("request", ""), self.cookie.of(request)
        wanted = await self.pending.find(pending_id, browser)
        client = await self.requests.clients.find(wanted.client_id) if wanted else None
        if wanted is None or client is None:
            raise _GoneError
        return _Sent(
            fields=fields, browser=browser, pending_id=pending_id, wanted=wanted, client=client
        )

    async def _signed_in(self, fields: dict[str, str], address: str) -> SignedInUser:
        if fields.get("with") == "token":
            token = SecretStr(fields.get("token", ""))
            if not token:
                raise InputError("Enter an access token.")
            async with self.attempts.attempt(address):
                return await self.sign_in.with_token(token)
        username, password = fields.get("username", "").strip(), fields.get("password", "")
        if not (username and password):
            raise InputError("Enter user name and password.")
        async with self.attempts.attempt(address, username):
            return await self.sign_in.with_password(username, SecretStr(password))

    async def _cancelled(self, sent: _Sent) -> Response:
        await self._take(sent)
        self.on_outcome("cancelled")
        location = self.requests.answer(
            sent.wanted, error="access_denied", error_description="The person did not allow it."
        )
        return self.pages.way_back(location, sent.client, allowed=False)

    async def _code(self, sent: _Sent, user: SignedInUser) -> str:
        await self._take(sent)
        try:
            return await self.grants.issue_code(sent.wanted, user)
        except UnavailableError:
            await self.pending.put_back(sent.pending_id, sent.wanted, sent.browser)
            raise

    async def _take(self, sent: _Sent) -> None:
        if await self.pending.take(sent.pending_id, sent.browser) is None:
            raise _GoneError

    def _shown_again(self, sent: _Sent, error: AppmixerError) -> Response:
        status, outcome = next(
            answer for kind, answer in _SHOWN_AGAIN.items() if isinstance(error, kind)
        )
        self.on_outcome(outcome)
        page = SignInPage(
            client=sent.client,
            redirect_uri=sent.wanted.redirect_uri,
            pending_id=sent.pending_id,
            problem=str(error),
            username=sent.fields.get("username", "")[:_LONGEST_NAME],
            with_token=sent.fields.get("with") == "token",
            retry_after_s=error.retry_after_s if isinstance(error, RateLimitedError) else None,
        )
        return self.pages.sign_in(page, status)
