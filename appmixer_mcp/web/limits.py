"""How much is served at once and a minute: in all, for one address, and for one principal."""

import hashlib
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.errors import RateLimitedError, UnavailableError
from appmixer_mcp.networks import client_address, network_of
from appmixer_mcp.state import MemoryState, SharedState
from appmixer_mcp.state.windows import window
from appmixer_mcp.web.client_addresses import FORWARDED
from appmixer_mcp.web.refusals import refusal

_RETRY_AFTER_S = 5
_WINDOW_S = 60
_REQUESTS_TO_A_CALL = 10
_APART_S = 5.0

logger = logging.getLogger(__name__)


class RequestsInFlight:
    """Bounds how many requests are being answered, open streams included."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        most_per_address: int | None = None,
        exempt: Collection[str] = ("/healthz", "/readyz", "/metrics"),
    ) -> None:
        """Keep the limits.

        Args:
            app: Serves what is let through.
            most: In all.
            most_per_address: Of one IPv4 address or one IPv6 network of 64 bits; half of all if
                None.
            exempt: Paths that are always served and never counted.
        """
        self._app = app
        self._most = most
        self._most_per_address = most_per_address or math.ceil(most / 2)
        self._exempt = frozenset(exempt)
        self._at_once: Counter[str] = Counter()
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 or 503."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        address = network_of(client_address(scope))
        refused = self._refusal_for(address, scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        self._at_once[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._at_once[address] -= 1
            if not self._at_once[address]:
                del self._at_once[address]

    def _refusal_for(self, address: str, scope: Scope) -> ASGIApp | None:
        if self._at_once.total() >= self._most:
            return refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "The server answers as many requests as it can. Send this one again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
                closes=True,
            )
        if self._at_once[address] < self._most_per_address:
            return None
        if scope.get(FORWARDED) and not self._told:
            self._told = True  # or a proxy's log would be ours
            logger.warning(
                "%s has too many requests open and forwards them for others. If it is your proxy, "
                "name it in APPMIXER_TRUSTED_PROXIES.",
                address,
            )
        return refusal(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests from your address are open. Close some, or wait for them to end.",
            retry_after_s=_RETRY_AFTER_S,
            closes=True,
        )


@contextmanager
def _counted(counts: Counter[str], principal: str, number: int) -> Generator[None]:
    counts[principal] += number
    try:
        yield
    finally:
        counts[principal] -= number
        if not counts[principal]:
            del counts[principal]


class CallLimits:
    """Bounds what one principal may ask for.

    Calls and requests a minute are counted for all workers together, in fixed minutes, so that up
    to twice as many may come around the turn of one. Calls at once are counted in this process.
    While the shared state does not answer, each worker counts alone.
    """

    def __init__(
        self,
        state: SharedState,
        *,
        per_minute: int,
        at_once: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the limits, of which 0 is none.

        Args:
            state: Holds the counts of all workers.
            per_minute: Calls; ten times as many requests of any kind.
            at_once: Calls that run at the same time.
            clock: Seconds, about the same in all workers.
        """
        self._state = state
        self._per_minute = per_minute
        self._at_once = at_once
        self._clock = clock
        self._running: Counter[str] = Counter()
        self._asking: Counter[str] = Counter()
        self._own = MemoryState(clock)
        self._alone_until = -math.inf
        self._is_alone = False

    @asynccontextmanager
    async def call(self, principal: str) -> AsyncGenerator[None]:
        """Hold a place for a call of a principal.

        Raises:
            RateLimitedError: It made too many in this minute, or too many are running.
        """
        if self._at_once and self._running[principal] >= self._at_once:
            raise RateLimitedError(
                f"{self._at_once} of your calls are running already, and no more may. Wait for one "
                "to end, then call again.",
                retry_after_s=1,
            )
        with _counted(self._running, principal, 1):
            await self._count("calls", principal, self._per_minute)
            yield

    @asynccontextmanager
    async def asking(self, principal: str) -> AsyncGenerator[None]:
        """Give the place of a call back while it waits for a person: it takes nobody's time.

        Raises:
            RateLimitedError: As many questions are open as calls may run.
        """
        if self._at_once and self._asking[principal] >= self._at_once:
            raise RateLimitedError(
                f"{self._at_once} questions to you are open already, and no more may. Answer one, "
                "then call again.",
                retry_after_s=_RETRY_AFTER_S,
            )
        with _counted(self._asking, principal, 1), _counted(self._running, principal, -1):
            yield

    async def request(self, principal: str) -> None:
        """Count an HTTP request of a principal.

        Raises:
            RateLimitedError: It sent too many in this minute.
        """
        await self._count("requests", principal, _REQUESTS_TO_A_CALL * self._per_minute)

    async def _count(self, kind: str, principal: str, most: int) -> None:
        if not most:
            return
        whose = hashlib.sha256(principal.encode()).hexdigest()[:32]
        key, left_s = window(f"limit:{kind}:{whose}", _WINDOW_S, self._clock())
        if await self._add(key) > most:
            wait_s = math.ceil(left_s)
            raise RateLimitedError(
                f"You made more than {most} {kind} within a minute. Wait {wait_s} s, then go on.",
                retry_after_s=wait_s,
            )

    async def _add(self, key: str) -> int:
        """Count for all workers, or alone: limits must not take the service down."""
        if self._clock() >= self._alone_until:  # or each call would wait for a time-out
            try:
                count = await self._state.add(key, ttl_s=_WINDOW_S)
            except UnavailableError as error:
                self._alone_until = self._clock() + _APART_S
                self._say(alone=True, why=str(error))
            else:
                self._say(alone=False)
                return count
        return await self._own.add(key, ttl_s=_WINDOW_S)

    def _say(self, *, alone: bool, why: str = "") -> None:
        if alone and not self._is_alone:
            logger.warning("Each worker counts the calls of its users alone for now: %s", why)
        elif self._is_alone and not alone:
            logger.warning("The workers count the calls of their users together again.")
        self._is_alone = alone
