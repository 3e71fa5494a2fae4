"""How often somebody may try to sign in: slower and slower by user name, so many by address.

Nobody is locked out: who knows the password gets in, at worst after a wait. What guesses passwords
gets one answer in ten seconds for each user name and address.
"""

import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import anyio

from appmixer_mcp.errors import AppmixerError, NotSignedInError, RateLimitedError
from appmixer_mcp.state.protocol import SharedState

Sleep = Callable[[float], Awaitable[None]]

_FAILURES_KEPT_S = 15 * 60.0
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """How much is let through."""

    from_address: int = 60
    """Attempts from one address (of IPv6: one /64) in ten minutes that were not right."""
    in_all: int = 600
    """Attempts of everybody in one minute."""
    pages_for_address: int = 120
    """Sign-in pages that one address may open in ten minutes; each is stored for a while."""
    waiting: int = 200
    """Attempts that wait or are looked at, in this process."""
    waiting_for_user: int = 10
    """Of those, for one user name."""
    waiting_for_user_from_address: int = 2
    """Of those, from one address: one guesser must leave room for the person."""


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
        await self._count("pages", _network(address), self._limits.pages_for_address, window_s=600)

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
        network = _network(address)
        failures = f"oauth:attempts:user:{_hashed(_folded(username))}" if username else ""
        places = self._take_places(failures, network)
        try:
            # By address first: what is refused there takes nothing from anybody else.
            counted = await self._count("address", network, self._limits.from_address, window_s=600)
            await self._count("all", "", self._limits.in_all, window_s=60)
            if failures:
                await self._sleep(_delay_s(await self._add(failures, 1) - 1))
            async with self._outcome(failures, counted):
                yield
        finally:
            self._leave(places)

    @asynccontextmanager
    async def _outcome(self, failures: str, counted: str) -> AsyncGenerator[None]:
        try:
            yield
        except NotSignedInError:
            raise
        except AppmixerError:
            if failures:
                await self._add(failures, -1)
            await self._add(counted, -1)
            raise
        if failures:
            await self._state.delete(failures)
        await self._add(counted, -1)

    async def _count(self, what: str, whom: str, most: int, *, window_s: int) -> str:
        now = await self._state.now()
        key = f"oauth:attempts:{what}:{_hashed(whom)}:{int(now // window_s)}"
        if await self._state.add(key, ttl_s=window_s) > most:
            wait_s = math.ceil(window_s - now % window_s)
            raise RateLimitedError(
                f"There were too many attempts to sign in. Try again in {_spoken(wait_s)}.",
                retry_after_s=wait_s,
            )
        return key

    async def _add(self, key: str, amount: int) -> int:
        return await self._state.add(key, amount, ttl_s=_FAILURES_KEPT_S)

    def _take_places(self, failures: str, network: str) -> list[str]:
        """Refuse what would wait beside too many others; nothing else runs in between."""
        limits = self._limits
        most = {"": limits.waiting}
        if failures:
            most[failures] = limits.waiting_for_user
            most[f"{failures} {network}"] = limits.waiting_for_user_from_address
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


def _network(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or a /64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else found.packed[:8].hex()
    return str(found)


def _folded(username: str) -> str:
    """Return one spelling for all that a tenant may take for the same name."""
    return unicodedata.normalize("NFKC", username).casefold().strip()


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _spoken(wait_s: float) -> str:
    if wait_s <= 60:  # noqa: PLR2004 - seconds of a minute
        return f"{wait_s:.0f} seconds"
    return f"{math.ceil(wait_s / 60)} minutes"
