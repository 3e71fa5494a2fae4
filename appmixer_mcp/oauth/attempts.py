"""How often somebody may try to sign in: slower and slower by user name, so many by address.

Nobody is locked out: who knows the password gets in, at worst after a wait. What guesses passwords
gets one answer in ten seconds for each user name and address. Those who failed already and those
who have not wait apart from each other, so that guessers leave room for the person.
"""

import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from appmixer_mcp.errors import AppmixerError, NotSignedInError, RateLimitedError
from appmixer_mcp.networks import network_of, site_of
from appmixer_mcp.state import SharedState
from appmixer_mcp.state.windows import window

Sleep = Callable[[float], Awaitable[None]]

_FAILURES_KEPT_S = 15 * 60.0
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """How much is let through."""

    from_address: int = 60
    """Attempts from one address (of IPv6: one /64) in ten minutes that were not right."""
    from_site: int = 240
    """The same for a site, which with IPv6 has many addresses."""
    in_all: int = 600
    """Attempts of everybody in one minute."""
    pages_for_address: int = 120
    """Sign-in pages that one address may open in ten minutes; each is stored for a while."""
    pages_for_site: int = 480
    """The same for a site."""
    waiting: int = 200
    """Attempts that wait or are looked at, in this process."""
    waiting_for_user: int = 10
    """Of those, for one user name: so many from where it failed lately, so many from elsewhere."""
    waiting_for_user_from_address: int = 2
    """Of those, from one address."""


class Attempts:
    """Slows down and limits sign-in attempts; counts are shared by all workers."""

    def __init__(
        self,
        state: SharedState,
        *,
        limits: AttemptLimits | None = None,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        """Begin with nothing waiting.

        Args:
            state: Where attempts are counted.
            limits: How much is let through.
            sleep: What delays an attempt.
        """
        self._state = state
        self._limits = limits or AttemptLimits()
        self._sleep = sleep
        self._waiting: Counter[str] = Counter()

    async def page(self, address: str) -> None:
        """Count a sign-in page.

        Raises:
            RateLimitedError: This address opened too many.
            UnavailableError: The shared state does not answer.
        """
        limits = self._limits
        await self._count("pages", network_of(address), limits.pages_for_address, window_s=600)
        await self._count("pages-site", site_of(address), limits.pages_for_site, window_s=600)

    @asynccontextmanager
    async def attempt(self, address: str, username: str = "") -> AsyncGenerator[None]:
        """Let an attempt through, after a delay where this user name failed lately.

        The block looks at the password. When it ends well, earlier failures are forgotten; when it
        raises NotSignedInError, this is one more; any other error says nothing of the password.

        Args:
            address: Where it comes from.
            username: As it was typed; empty for an access token, which nobody can guess.

        Raises:
            RateLimitedError: Too many from this address, for this user name or in all; has the
                wait.
            UnavailableError: The shared state does not answer.
        """
        network, user = network_of(address), _hashed(_folded(username)) if username else ""
        failures = [f"oauth:attempts:user:{user}"] if user else []
        if user:
            failures.append(f"{failures[0]}:{_hashed(network)}")
        failed_before = await self._failed_before(failures)
        places = self._take_places(user, network, failed_before=failed_before)
        try:
            # The narrowest first: what is refused there takes nothing from anybody else.
            counted = [
                await self._count("address", network, self._limits.from_address, window_s=600),
                await self._count("site", site_of(address), self._limits.from_site, window_s=600),
            ]
            await self._count("all", "", self._limits.in_all, window_s=60)
            if failures:
                of_user, _ = [await self._add(key, 1) for key in failures]
                await self._sleep(_delay_s(of_user - 1))
            async with self._outcome(failures, counted):
                yield
        finally:
            self._leave(places)

    async def _failed_before(self, failures: list[str]) -> bool:
        """Say whether somebody failed from this very address, or is trying just now."""
        return bool(failures) and await self._add(failures[1], 0) > 0

    @asynccontextmanager
    async def _outcome(self, failures: list[str], counted: list[str]) -> AsyncGenerator[None]:
        try:
            yield
        except NotSignedInError:
            raise
        except AppmixerError:
            for key in (*failures, *counted):
                await self._add(key, -1)
            raise
        if failures:
            await self._state.delete(*failures)
        for key in counted:
            await self._add(key, -1)

    async def _count(self, what: str, whom: str, most: int, *, window_s: int) -> str:
        counter = f"oauth:attempts:{what}:{_hashed(whom)}"
        key, left_s = window(counter, window_s, await self._state.now())
        if await self._state.add(key, ttl_s=window_s) > most:
            wait_s = math.ceil(left_s)
            raise RateLimitedError(
                f"There were too many attempts to sign in. Try again in {_spoken(wait_s)}.",
                retry_after_s=wait_s,
            )
        return key

    async def _add(self, key: str, amount: int) -> int:
        return await self._state.add(key, amount, ttl_s=_FAILURES_KEPT_S)

    def _take_places(self, user: str, network: str, *, failed_before: bool) -> list[str]:
        """Refuse what would wait beside too many others; nothing else runs in between."""
        limits = self._limits
        most = {"": limits.waiting}
        if user:
            most[f"{user} {failed_before}"] = limits.waiting_for_user
            most[f"{user} {network}"] = limits.waiting_for_user_from_address
        if any(self._waiting[place] >= number for place, number in most.items()):
            raise RateLimitedError(
                "Other attempts to sign in are still being looked at. Try again in "
                f"{_spoken(_LONGEST_DELAY_S)}.",
                retry_after_s=_LONGEST_DELAY_S,
            )
        self._waiting.update(list(most))
        return list(most)

    def _leave(self, places: list[str]) -> None:
        self._waiting.subtract(places)
        for place in places:
            if self._waiting[place] <= 0:
                del self._waiting[place]


def _delay_s(failures: int) -> float:
    """Return 0 for none, then half a second, doubled by each further one, at most ten."""
    if failures <= 0:
        return 0.0
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 10))


def _folded(username: str) -> str:
    """Return one spelling for all that a tenant may take for the same name."""
    return unicodedata.normalize("NFKC", username).casefold().strip()


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _spoken(wait_s: float) -> str:
    if wait_s <= 60:  # noqa: PLR2004 - seconds of a minute
        return f"{wait_s:.0f} seconds"
    return f"{math.ceil(wait_s / 60)} minutes"
