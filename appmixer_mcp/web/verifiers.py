"""The two ways a token says who calls: Appmixer's own, or one that we gave after a sign-in."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio
from pydantic import SecretStr

from appmixer_mcp.api.auth import SignedInWith, expiry_of
from appmixer_mcp.errors import ConfigurationError, NotSignedInError, RateLimitedError
from appmixer_mcp.networks import network_of
from appmixer_mcp.session import Session
from appmixer_mcp.state import SharedState
from appmixer_mcp.web.authentication import Verified

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.oauth.grants import Grants
    from appmixer_mcp.oauth.types import Caller

OpenAs = Callable[[SecretStr, SignedInWith], Awaitable["AppmixerClient"]]
"""Gives a client of the tenant that is signed in with a token."""

_BELIEVED_S = 60.0
_REFUSED_S = 10.0
_MOST_KEPT = 10_000
_MOST_BAD_TOKENS = 30
_BAD_TOKENS_WITHIN_S = 60.0


@dataclass(frozen=True)
class _Known:
    verified: Verified | None
    """None for a token that the tenant refused."""
    until: float


class BearerVerifier:
    """Takes Appmixer's own tokens; whether one is good, the tenant itself says.

    What it said is believed for a minute, a refusal for ten seconds, so that a client that keeps
    trying does not become load for the tenant.
    """

    how_to_sign_in = (
        "Send an Appmixer access token in the header `Authorization: Bearer TOKEN`; the client's "
        "settings for this server hold it."
    )

    def __init__(
        self,
        base_url: str,
        open_as: OpenAs,
        state: SharedState,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._open_as = open_as
        self._state = state
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def verify(self, token: str, address: str | None) -> Verified | None:
        """Return whom the tenant takes the token for.

        Args:
            token: As it was sent.
            address: Who sent it; None when it was accepted before, and this server itself asks.

        Raises:
            UnavailableError: The tenant does not answer.
            RateLimitedError: This address has sent too many bad tokens.
        """
        expires_at = expiry_of(token)
        if expires_at is not None and expires_at <= datetime.now(UTC):
            return None
        key = hashlib.sha256(token.encode()).hexdigest()
        lock = self._asking.setdefault(key, anyio.Lock())
        async with lock:  # sixteen requests with a new token ask the tenant once
            known = self._known.get(key)
            if known is None or known.until < self._clock():
                known = await self._ask(key, SecretStr(token), address)
            return known.verified

    def challenge(self, path: str) -> str:  # noqa: ARG002 - the protocol's; there is one place
        """Return the realm: there is no authorization server to point to."""
        return 'realm="Appmixer"'

    async def _ask(self, key: str, token: SecretStr, address: str | None) -> _Known:
        counter = address and f"bad-tokens:{network_of(address)}"
        known = self._known.get(key)
        before = known.verified if known else None
        # Whoever guesses must not keep out those who share the address and were known before.
        if (
            counter
            and before is None
            and (await self._state.add(counter, 0, ttl_s=_BAD_TOKENS_WITHIN_S) >= _MOST_BAD_TOKENS)
        ):
            raise RateLimitedError(
                f"Too many tokens from here were not accepted. Wait {_BAD_TOKENS_WITHIN_S:g} s.",
                retry_after_s=_BAD_TOKENS_WITHIN_S,
            )
        verified = await self._verified(key, token, before)
        if counter and verified is None:
            await self._state.add(counter, ttl_s=_BAD_TOKENS_WITHIN_S)
        known = _Known(verified, self._clock() + (_BELIEVED_S if verified else _REFUSED_S))
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return known

    async def _verified(
        self, key: str, token: SecretStr, before: Verified | None
    ) -> Verified | None:
        try:
            client = await self._open_as(token, "access token")
            user = await client.users.get_user()
        except (NotSignedInError, ConfigurationError):
            return None
        if before is not None:  # with what its session has to tell
            return before

        async def refused() -> None:
            self._known.pop(key, None)

        async def open_client(_base_url: str) -> "AppmixerClient":
            return client

        async def is_signed_in() -> bool:
            return await self.verify(token.get_secret_value(), None) is not None

        session = Session(
            self._base_url,
            open_client,
            owner=user.user_id,
            how_to_sign_in=self.how_to_sign_in,
            on_refused=refused,
            is_signed_in=is_signed_in,
        )
        return Verified(session=session, client_id=f"token:{key}")


class OAuthVerifier:
    """Takes the tokens that our authorization server gave; each time it is asked anew."""

    how_to_sign_in = (
        "Reconnect this server in the client; it then opens the page on which a person signs in."
    )

    def __init__(
        self, base_url: str, open_as: OpenAs, grants: "Grants", metadata_url: Callable[[str], str]
    ) -> None:
        """Keep what is needed.

        Args:
            base_url: The tenant's, or the embedded sandbox.
            open_as: Opens clients.
            grants: Knows the tokens.
            metadata_url: Gives the address of the metadata of the resource at a path.
        """
        self._base_url = base_url
        self._open_as = open_as
        self._grants = grants
        self._metadata_url = metadata_url
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    async def verify(self, token: str, address: str) -> Verified | None:  # noqa: ARG002 - guessing 256 bits needs no limit
        """Return who signed in when the token was given.

        Raises:
            UnavailableError: What the workers share does not answer.
        """
        caller = await self._grants.caller_of(token)
        if caller is None:
            return None
        session = self._sessions.pop(caller.grant_id, None) or self._session(caller)
        self._sessions[caller.grant_id] = session
        while len(self._sessions) > _MOST_KEPT:
            self._sessions.popitem(last=False)
        return Verified(
            session=session,
            # Not the grant, so that a session goes on when its user signs in again.
            client_id=f"client:{caller.client_id}",
        )

    def challenge(self, path: str) -> str:
        """Return the pointer to the metadata, from which a client finds where to sign in."""
        return f'resource_metadata="{self._metadata_url(path)}"'

    def _session(self, caller: "Caller") -> Session:
        async def open_client(_base_url: str) -> "AppmixerClient":
            return await self._open_as(caller.user.appmixer_token, "browser sign-in")

        async def refused() -> None:
            await self._grants.end(caller.grant_id)

        return Session(
            self._base_url,
            open_client,
            owner=caller.user.user_id,
            how_to_sign_in=self.how_to_sign_in,
            on_refused=refused,
            is_signed_in=partial(self._grants.is_alive, caller.grant_id),
        )
