"""The one request path: sign, send, repeat, renew the token, and map what goes wrong to errors."""

import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar

from appmixer_mcp.errors import AppmixerError, NotSignedInError, UnavailableError

from .answer import Answer, checked, parsed
from .auth import SignIn
from .call import Call, json_body, path, shown
from .exchange import Exchange, NoAnswerError
from .models.users import AuthResult
from .refusal import UNKNOWN_OUTCOME, refusal
from .retry import LONGEST_RETRY_AFTER_S, MOST_TRIES, backoff_s, retry_after_s, worth_repeating

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
ErrorHandler = Callable[[AppmixerError], None]

logger = logging.getLogger(__name__)


class Transport:
    """Sends calls and returns models; everything that can go wrong becomes an AppmixerError.

    Attributes:
        session: Where and as whom calls that begin now are sent; replaced as a whole.
    """

    def __init__(self, session: SignIn, exchange: Exchange, sleep: Sleep) -> None:
        self.session = session
        self._exchange = exchange
        self._sleep = sleep
        self._error_handlers: list[ErrorHandler] = []

    def on_error(self, handler: ErrorHandler) -> None:
        """Have a function called with the error of each call that fails from now on."""
        self._error_handlers.append(handler)

    async def request(self, call: Call, kind: type[T]) -> T:
        """Send a call and read its answer into a model or a list of models.

        Raises:
            AppmixerError: Whatever went wrong; the error handlers have been told.
        """
        with self._telling():
            return parsed(call, await self._success(call), kind)

    async def send(self, call: Call) -> None:
        """Send a call whose answer nobody needs.

        Raises:
            AppmixerError: Likewise.
        """
        with self._telling():
            checked(call, await self._success(call))

    async def find(self, call: Call, kind: type[T]) -> T | None:
        """Send a call for one object; None when there is none (404), which is no failure.

        Raises:
            AppmixerError: Likewise.
        """
        with self._telling():
            answer = await self._success(call, accept_missing=True)
            return None if answer.status == HTTPStatus.NOT_FOUND else parsed(call, answer, kind)

    async def answer(self, call: Call) -> Answer:
        """Send a call and return its answer whatever the status, for whoever answers decides it.

        Raises:
            AppmixerError: There was no answer, or none that can be read.
        """
        with self._telling():
            return await self._answer(self.session, call)

    async def listen(self, call: Call) -> bool:
        """Send a call whose answer is heard as it comes; False when there is none (404).

        Raises:
            AppmixerError: Likewise.
        """
        with self._telling():
            answer = await self._success(call, accept_missing=True)
            return answer.status != HTTPStatus.NOT_FOUND

    async def read(self, call: Call) -> bytes:
        """Send a call whose answer is a file, whatever is in it.

        Raises:
            AppmixerError: Likewise.
        """
        with self._telling():
            return (await self._success(call)).body

    async def sign_in(self, username: str, password: str) -> AuthResult:
        """Get a token, sign with it from now on, and remember how it was got.

        Raises:
            NotSignedInError: The user is unknown or the password wrong.
        """
        session = self.session
        with self._telling():
            result = await self._token_for(session, username, password)
        self.sign_in_as(session, result.token.get_secret_value(), username, password)
        return result

    def sign_in_as(self, session: SignIn, token: str, username: str, password: str) -> None:
        """Sign calls that begin from now on with a token got in `session`.

        Calls under way stay with the user they began with. A session of another base URL is left
        alone: the token is not for it.
        """
        if self.session.base_url == session.base_url:
            self.session = SignIn(session.base_url, token, username, password)

    @contextmanager
    def _telling(self) -> Generator[None]:
        """Tell the error handlers of what goes wrong within."""
        try:
            yield
        except AppmixerError as error:
            for handler in self._error_handlers:
                handler(error)
            raise

    async def _success(self, call: Call, *, accept_missing: bool = False) -> Answer:
        session = self.session
        answer = await self._answer(session, call)
        if answer.is_success:
            return answer
        if answer.status == HTTPStatus.NOT_FOUND and not answer.is_html:
            if accept_missing:
                return answer
            if call.method == "DELETE" and answer.outcome_unknown_before:
                # The try whose answer was lost did delete it.
                return replace(answer, status=204, body=b"")
        raise refusal(call, answer, session.token)

    async def _answer(self, session: SignIn, call: Call) -> Answer:
        """Send a call until it is answered, or until trying again cannot or must not help."""
        if call.signed and session.token is None and session.credentials:
            await self._renew(session, None)
        token = session.token if call.signed else None
        may_renew = call.signed
        outcome_unknown = False
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self._exchange.run(session.base_url, call, token)
            except NoAnswerError as failure:
                outcome_unknown = outcome_unknown or failure.sent
                if tries == MOST_TRIES or not _may_repeat(call, failure):
                    raise _unavailable(call, failure, happened=outcome_unknown) from failure
                await self._wait(call, None, tries)
                continue
            if (
                answer.status == HTTPStatus.UNAUTHORIZED
                and may_renew
                and await self._renew(session, token)
            ):
                token = session.token
                may_renew = False
                tries -= 1  # this try was refused before it began
                continue
            if tries == MOST_TRIES or not _is_passing(call, answer):
                return replace(answer, outcome_unknown_before=outcome_unknown)
            # A gateway that gave up says nothing about the server behind it.
            outcome_unknown = outcome_unknown or answer.status in (502, 504)
            await self._wait(call, retry_after_s(answer.headers), tries)

    async def _wait(self, call: Call, asked_s: float | None, tries: int) -> None:
        wait_s = backoff_s(tries) if asked_s is None else asked_s
        logger.info("a %s failed; trying again in %.2f s", call.method, wait_s)
        await self._sleep(wait_s)

    async def _renew(self, session: SignIn, refused: str | None) -> bool:
        """Sign in again unless somebody else did meanwhile; say whether there is a new token.

        All calls that wait here share one sign-in and its failure: sixteen calls with a wrong
        password must not become sixteen attempts that lock the user out.
        """
        ended_before = session.sign_ins
        async with session.renewing:
            if session.token != refused:
                return True
            if session.credentials is None:
                return False
            if session.sign_ins != ended_before and session.sign_in_error:
                raise session.sign_in_error
            session.sign_in_error = None
            try:
                result = await self._token_for(session, *session.credentials)
            except AppmixerError as error:
                session.sign_in_error = error
                raise
            finally:
                session.sign_ins += 1
            session.use_token(result.token.get_secret_value())
            return True

    async def _token_for(self, session: SignIn, username: str, password: str) -> AuthResult:
        call = Call(
            "POST",
            path("user", "auth"),
            body=json_body({"username": username, "password": password}),
            advice={
                401: f"The API refused the password of {shown(username)}; some tenants also answer "
                "so when they do not know the user. Check both, then sign in again.",
                403: f"The API does not know the user {shown(username)}; some tenants also answer "
                "so for a wrong password. Check both, or create the user with signup_user.",
            },
            secrets=(password,),
            signed=False,
            signs_in=True,
        )
        answer = await self._answer(session, call)
        if answer.status in (401, 403):
            raise NotSignedInError(call.advice[answer.status], status=answer.status)
        if not answer.is_success:
            raise refusal(call, answer)
        return parsed(call, answer, AuthResult)


def _may_repeat(call: Call, failure: NoAnswerError) -> bool:
    # A connection that was never made has changed nothing, whatever was to be sent over it.
    return not failure.sent or (call.repeatable and not failure.timed_out)


def _is_passing(call: Call, answer: Answer) -> bool:
    if not (call.repeatable and worth_repeating(answer.status)):
        return False
    return (retry_after_s(answer.headers) or 0.0) <= LONGEST_RETRY_AFTER_S


def _unavailable(call: Call, failure: NoAnswerError, *, happened: bool) -> UnavailableError:
    may_have_happened = call.writes and happened
    if may_have_happened:
        after = UNKNOWN_OUTCOME
    elif failure.timed_out:
        after = "Ask for less, or try again later."
    else:
        unchanged = "Nothing was changed. " if call.writes else ""
        after = f"{unchanged}Check APPMIXER_BASE_URL and that the tenant runs."
    return UnavailableError(
        f"The Appmixer API did not answer {call}: {failure}. {after}",
        may_have_happened=may_have_happened,
    )
