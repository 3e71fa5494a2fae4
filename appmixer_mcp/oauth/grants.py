"""Codes, access tokens and refresh tokens, and the grants they stand for.

A grant is what a person gave a client: to act as them. It holds, encrypted, who they are and the
Appmixer token that acts for them. Every token of ours leads to a grant and is worth nothing
without it, so ending the grant ends them all at once, in every worker. Of a token only the hash is
stored.

A code is used up by the first request that brings it, also by one that is refused then (RFC 9700
4.2.4): whoever holds it has one try. When it comes again, what it gave is revoked. A refresh token
that was replaced already ends its grant: one of two parties must have stolen it.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from pydantic import BaseModel, SecretStr

from appmixer_mcp.oauth.metadata import check_resources
from appmixer_mcp.oauth.types import (
    AuthorizationRequest,
    Caller,
    OAuthError,
    SignedInUser,
    Tokens,
)
from appmixer_mcp.oauth.vault import Vault
from appmixer_mcp.state import SharedState

CODE_S = 60.0
ACCESS_TOKEN_S = 3_600.0
REFRESH_TOKEN_S = 30 * 86_400.0

logger = logging.getLogger(__name__)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ACCESS, _REFRESH, _CODE = "amx_at_", "amx_rt_", "amx_ac_"


class _Code(BaseModel):
    grant_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    is_used: bool = False


class _Grant(BaseModel):
    client_id: str
    user: str
    """A `_User`, sealed, in base64."""
    ends_at: float | None
    """When the Appmixer token does, as a POSIX time."""
    refresh_hash: str = ""
    """Of the one refresh token that is good; empty until the code was redeemed."""


class _AccessToken(BaseModel):
    grant_id: str
    client_id: str
    audience: str


class _RefreshToken(BaseModel):
    grant_id: str
    client_id: str


class _User(BaseModel):
    user_id: str
    appmixer_token: str
    token_expires_at: datetime | None


Record = TypeVar("Record", bound=BaseModel)


class Grants:
    """Gives tokens for grants, and says whom a token stands for.

    Expiry is the state's business: each record lives as long as what it stands for.

    Args:
        state: Keeps all of it, for every worker.
        vault: Seals who a person is and their Appmixer token.
        issuer: The public origin; tokens are for it alone.
        base_url: The tenant's API; a grant for another tenant is worth nothing.
        clock: Says what time it is, aware UTC.
    """

    def __init__(
        self,
        state: SharedState,
        vault: Vault,
        issuer: str,
        base_url: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = state
        self._vault = vault
        self._issuer = issuer
        self._base_url = base_url
        self._clock = clock

    async def issue_code(self, request: AuthorizationRequest, user: SignedInUser) -> str:
        """Return a code for what a person has agreed to; good for 60 s and for one request."""
        grant_id, code = secrets.token_urlsafe(16), _new(_CODE)
        ends_at = user.token_expires_at.timestamp() if user.token_expires_at else None
        grant = _Grant(
            client_id=request.client_id, user=self._sealed(grant_id, user), ends_at=ends_at
        )
        record = _Code(
            grant_id=grant_id,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
        )
        ttl_s = self._lifetime(grant, CODE_S)
        await self._state.put(_grant_key(grant_id), _dumped(grant), ttl_s=ttl_s)
        await self._state.put(_key(code), _dumped(record), ttl_s=ttl_s)
        return code

    async def redeem(
        self,
        client_id: str,
        *,
        code: str,
        redirect_uri: str | None,
        code_verifier: str,
        resources: list[str],
    ) -> Tokens:
        """Give the tokens for a code.

        Args:
            client_id: Of the client that has proved who it is.
            code: As the client got it.
            redirect_uri: Must be that of the authorization request; None when the client left it
                out, as OAuth 2.1 wants it.
            code_verifier: Of PKCE.
            resources: Each must be ours (RFC 8707); none is the same as the public origin.

        Raises:
            OAuthError: It is refused; what is well-formed has used the code up then.
        """
        check_resources(self._issuer, resources)
        if not _VERIFIER.fullmatch(code_verifier):
            raise OAuthError(
                "invalid_request", "code_verifier must be 43 to 128 letters, digits, or - . _ ~"
            )
        key = _key(code)
        stored = await self._state.get(key) if code.startswith(_CODE) else None
        record = _loaded(_Code, stored)
        if record is None or stored is None:
            raise _invalid_grant("The code is unknown or has expired; ask for a new one.")
        used = _dumped(record.model_copy(update={"is_used": True}))
        is_first = not record.is_used and await self._state.swap(
            key, stored, used, ttl_s=REFRESH_TOKEN_S
        )
        if not is_first:
            await self._end_stolen(record.grant_id, record.client_id)
        if not _fits(record, client_id, redirect_uri, code_verifier):
            raise _invalid_grant(
                "The code was given to another client, redirect_uri or code_challenge. It is used "
                "up now; ask for a new one."
            )
        return await self._give(record.grant_id)

    async def refresh(self, client_id: str, *, refresh_token: str, resources: list[str]) -> Tokens:
        """Give new tokens for a refresh token, which is good no longer then.

        Raises:
            OAuthError: It is refused; when the token was used before, its grant has ended.
        """
        check_resources(self._issuer, resources)
        record = await self._find(_RefreshToken, _REFRESH, refresh_token)
        if record is None or record.client_id != client_id:
            raise _invalid_grant("The refresh token is unknown or has expired. Sign in again.")
        return await self._give(record.grant_id, in_exchange_for=refresh_token)

    async def revoke(self, client_id: str, token: str) -> None:
        """End the grant of an access or refresh token, if it is the client's own (RFC 7009)."""
        record = await self._find(_AccessToken, _ACCESS, token) or await self._find(
            _RefreshToken, _REFRESH, token
        )
        if record is not None and record.client_id == client_id:
            await self.end(record.grant_id)

    async def caller_of(self, access_token: str) -> Caller | None:
        """Return whom an access token stands for.

        Nothing is remembered between calls, so that revocation acts at once.

        Returns:
            None when the token is unknown, expired, revoked or for another audience, when the
            Appmixer token behind it has expired, or when its grant cannot be decrypted.
        """
        record = await self._find(_AccessToken, _ACCESS, access_token)
        if record is None or record.audience != self._issuer:
            return None
        grant = _loaded(_Grant, await self._state.get(_grant_key(record.grant_id)))
        user = None if grant is None else self._opened(record.grant_id, grant)
        if user is None:
            return None
        return Caller(client_id=record.client_id, grant_id=record.grant_id, user=user)

    async def is_alive(self, grant_id: str) -> bool:
        """Return whether a grant has neither ended nor outlived its Appmixer token."""
        return await self._state.get(_grant_key(grant_id)) is not None

    async def end(self, grant_id: str) -> None:
        """End a grant, and with it every token that leads to it."""
        await self._state.delete(_grant_key(grant_id))

    async def _give(self, grant_id: str, *, in_exchange_for: str = "") -> Tokens:
        key = _grant_key(grant_id)
        stored = await self._state.get(key)
        grant = _loaded(_Grant, stored)
        user = None if grant is None else self._opened(grant_id, grant)
        if grant is None or stored is None or user is None:
            raise _invalid_grant("The sign-in has ended. Sign in again.")
        tokens = Tokens(
            access_token=SecretStr(_new(_ACCESS)),
            refresh_token=SecretStr(_new(_REFRESH)),
            expires_in_s=int(self._lifetime(grant, ACCESS_TOKEN_S)),
        )
        replaced = _hash(in_exchange_for) if in_exchange_for else ""
        renewed = grant.model_copy(
            update={
                "refresh_hash": _hash(tokens.refresh_token.get_secret_value()),
                "user": self._sealed(grant_id, user),  # by now with the newest key
            }
        )
        await self._store(grant_id, grant, tokens)
        is_current = grant.refresh_hash == replaced and await self._state.swap(
            key, stored, _dumped(renewed), ttl_s=self._lifetime(grant, REFRESH_TOKEN_S)
        )
        if not is_current:  # used before, or at the same moment by someone else
            await self._end_stolen(grant_id, grant.client_id)
        return tokens

    async def _end_stolen(self, grant_id: str, client_id: str) -> NoReturn:
        await self.end(grant_id)
        logger.warning(
            "Client %s brought a code or refresh token a second time, so its grant ended.",
            client_id,
        )
        raise _invalid_grant("It was used before, so what it gave is revoked. Sign in again.")

    async def _store(self, grant_id: str, grant: _Grant, tokens: Tokens) -> None:
        """Store the tokens; they are good once the grant knows the refresh token."""
        access = _AccessToken(
            grant_id=grant_id,
            client_id=grant.client_id,
            audience=self._issuer,
        )
        await self._state.put(
            _key(tokens.access_token.get_secret_value()),
            _dumped(access),
            ttl_s=tokens.expires_in_s,
        )
        await self._state.put(
            _key(tokens.refresh_token.get_secret_value()),
            _dumped(_RefreshToken(grant_id=grant_id, client_id=grant.client_id)),
            ttl_s=self._lifetime(grant, REFRESH_TOKEN_S),
        )

    async def _find(self, kind: type[Record], prefix: str, token: str) -> Record | None:
        if not token.startswith(prefix):
            return None
        return _loaded(kind, await self._state.get(_key(token)))

    def _lifetime(self, grant: _Grant, longest_s: float) -> float:
        """Return how long something may live; nothing outlives the Appmixer token."""
        if grant.ends_at is None:
            return longest_s
        return max(0.0, min(longest_s, grant.ends_at - self._clock().timestamp()))

    def _sealed(self, grant_id: str, user: SignedInUser) -> str:
        record = _User(
            user_id=user.user_id,
            appmixer_token=user.appmixer_token.get_secret_value(),
            token_expires_at=user.token_expires_at,
        )
        sealed = self._vault.seal(record.model_dump_json(), bound_to=self._place(grant_id))
        return base64.b64encode(sealed).decode()

    def _opened(self, grant_id: str, grant: _Grant) -> SignedInUser | None:
        opened = self._vault.open(base64.b64decode(grant.user), bound_to=self._place(grant_id))
        if opened is None:
            return None
        record = _User.model_validate_json(opened)
        return SignedInUser(
            user_id=record.user_id,
            appmixer_token=SecretStr(record.appmixer_token),
            token_expires_at=record.token_expires_at,
        )

    def _place(self, grant_id: str) -> str:
        """Return what a sealed user is bound to: this grant, on this tenant."""
        return f"{self._base_url} {grant_id}"


def _fits(record: _Code, client_id: str, redirect_uri: str | None, code_verifier: str) -> bool:
    digest = hashlib.sha256(code_verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return (
        record.client_id == client_id
        and redirect_uri in {None, record.redirect_uri}
        and hmac.compare_digest(challenge, record.code_challenge.encode())
    )


def _invalid_grant(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)


def _new(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(token: str) -> str:
    return f"oauth:token:{_hash(token)}"


def _grant_key(grant_id: str) -> str:
    return f"oauth:grant:{grant_id}"


def _dumped(record: BaseModel) -> bytes:
    return record.model_dump_json().encode()


def _loaded(kind: type[Record], stored: bytes | None) -> Record | None:
    return None if stored is None else kind.model_validate_json(stored)
