"""The clients there are: registered ones (RFC 7591), and those with a metadata document."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth import client_metadata, redirects
from appmixer_mcp.oauth.client_documents import (
    FetchedDocument,
    fetch_document,
    host_of,
    refusal,
)
from appmixer_mcp.oauth.types import AUTH_METHODS, SCOPE, AuthMethod, Client, OAuthError
from appmixer_mcp.state import SharedState
from appmixer_mcp.state.windows import window

UNUSED_S = 90 * 86_400.0
"""How long a registered client is kept after it got tokens last."""
NEVER_USED_S = 7 * 86_400.0
"""How long one is kept that has not got any yet: anybody may register, thousands of times."""

_OURS = re.compile(r"client-[A-Za-z0-9_-]{22}")
_SHORTEST_CACHED_S = 300.0
_LONGEST_CACHED_S = 86_400.0
_REFUSAL_CACHED_S = 300.0
_NO_ANSWER_CACHED_S = 30.0
_MOST_FETCHES_A_MINUTE = 60

Fetch = Callable[[str], Awaitable[FetchedDocument]]
"""Fetches the metadata document of a client_id."""


class _Known(BaseModel):
    """What is known of a metadata document: the client, or why there is none."""

    client: Client | None = None
    refusal: str = ""
    no_answer: str = ""


_CLIENT = TypeAdapter(Client)


def is_document_url(client_id: str) -> bool:
    """Return whether a client_id names a metadata document rather than a registered client."""
    return client_id.startswith("https://")


class Clients:
    """Finds clients and registers new ones.

    Args:
        state: Keeps registered clients, and metadata documents for as long as they may be kept.
        fetch: Fetches a metadata document.
        clock: Says when a client registered.
    """

    def __init__(
        self,
        state: SharedState,
        fetch: Fetch = fetch_document,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = state
        self._fetch = fetch
        self._clock = clock

    async def find(self, client_id: str) -> Client | None:
        """Return a client; None when no such client is registered (any more).

        Raises:
            OAuthError: The client_id is a URL, and it or its document is not acceptable.
            UnavailableError: Its metadata document, or the state, cannot be read now.
        """
        if is_document_url(client_id):
            return await self._documented(client_id)
        if not _OURS.fullmatch(client_id):
            return None
        stored = await self._state.get(_key(client_id))
        return None if stored is None else _CLIENT.validate_json(stored)

    async def register(self, metadata: Mapping[str, object]) -> dict[str, object]:
        """Register a client and return the answer to it, its secret included.

        What it asks for and does not get (scopes, other grant types) is replaced, as RFC 7591
        allows; the answer says what it got.

        Raises:
            OAuthError: The metadata is not acceptable.
        """
        read = client_metadata.read(metadata)
        for uri in read.redirect_uris:
            if problem := redirects.problem(uri, read.type):
                raise OAuthError("invalid_redirect_uri", problem)
        known: dict[str, AuthMethod] = {one: one for one in AUTH_METHODS}
        auth_method = known.get(read.token_endpoint_auth_method or "client_secret_basic")
        if auth_method is None:
            raise OAuthError(
                "invalid_client_metadata",
                f"token_endpoint_auth_method must be one of {', '.join(AUTH_METHODS)}.",
            )
        secret = "" if auth_method == "none" else f"amx_cs_{secrets.token_urlsafe(32)}"
        client = Client(
            client_id=f"client-{secrets.token_urlsafe(16)}",
            name=read.name,
            redirect_uris=tuple(read.redirect_uris),
            application_type=read.type,
            verified_host="",
            auth_method=auth_method,
            secret_hash=_hash(secret) if secret else "",
        )
        await self._keep(client, NEVER_USED_S)
        return self._answer(client, secret)

    async def keep(self, client_id: str) -> None:
        """Note that a client got tokens, so that its registration lives on."""
        client = None if is_document_url(client_id) else await self.find(client_id)
        if client is not None:
            await self._keep(client, UNUSED_S)

    async def _keep(self, client: Client, ttl_s: float) -> None:
        await self._state.put(_key(client.client_id), _CLIENT.dump_json(client), ttl_s=ttl_s)

    def _answer(self, client: Client, secret: str) -> dict[str, object]:
        answer: dict[str, object] = {
            "client_id": client.client_id,
            "client_id_issued_at": int(self._clock().timestamp()),
            "redirect_uris": list(client.redirect_uris),
            "token_endpoint_auth_method": client.auth_method,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": client.application_type,
            "scope": SCOPE,
        }
        if client.name:
            answer["client_name"] = client.name
        if secret:
            answer["client_secret"] = secret
            answer["client_secret_expires_at"] = 0  # never, says RFC 7591
        return answer

    async def _documented(self, client_id: str) -> Client:
        host_of(client_id)  # what is no such URL is not looked up, nor remembered
        key = f"oauth:document:{_hash(client_id)}"
        stored = await self._state.get(key)
        known = _Known.model_validate_json(stored) if stored else await self._asked(client_id, key)
        if known.no_answer:
            # Nobody signs in less because its site is down, or strangers have us ask others.
            read_before = await self._state.get(_last(key))
            if read_before is None:
                raise UnavailableError(known.no_answer)
            return _CLIENT.validate_json(read_before)
        if known.client is None:
            raise refusal(known.refusal)
        return known.client

    async def _asked(self, client_id: str, key: str) -> _Known:
        """Fetch a document and keep what came of it."""
        if await self._has_asked_too_often():
            return _Known(
                no_answer="Too many metadata documents of clients were asked for. Try again in a "
                "minute."
            )
        known, ttl_s = await self._read_document(client_id)
        await self._state.put(key, known.model_dump_json().encode(), ttl_s=ttl_s)
        if known.client is not None:
            client = _CLIENT.dump_json(known.client)
            await self._state.put(_last(key), client, ttl_s=_LONGEST_CACHED_S)
        elif known.refusal:
            await self._state.delete(_last(key))
        return known

    async def _read_document(self, client_id: str) -> tuple[_Known, float]:
        try:
            document = await self._fetch(client_id)
            client = _client_of(client_id, document.body)
        except OAuthError as error:
            return _Known(refusal=error.description), _REFUSAL_CACHED_S
        except UnavailableError as error:
            return _Known(no_answer=str(error)), _NO_ANSWER_CACHED_S
        ttl_s = min(max(document.max_age_s, _SHORTEST_CACHED_S), _LONGEST_CACHED_S)
        return _Known(client=client), ttl_s

    async def _has_asked_too_often(self) -> bool:
        """Keep strangers from making us fetch without end, from others or from one host."""
        key, _ = window("oauth:document-fetches", 60, await self._state.now())
        return await self._state.add(key, ttl_s=60) > _MOST_FETCHES_A_MINUTE


def is_secret_of(client: Client, secret: str) -> bool:
    """Return whether a secret is the client's, in a time that tells nothing of it."""
    return bool(client.secret_hash) and hmac.compare_digest(_hash(secret), client.secret_hash)


def _client_of(client_id: str, body: bytes) -> Client:
    """Return the client that a metadata document describes.

    Redirect URIs that may not be registered are left out rather than refused, since the document
    is written for every authorization server, not for this one.
    """
    try:
        members = from_json(body)
    except ValueError as error:
        raise refusal("The client's metadata document is not JSON.") from error
    read = client_metadata.read(members)
    if read.client_id != client_id:
        raise refusal("The client_id in the client's metadata document is not its own URL.")
    methods = {read.token_endpoint_auth_method or "none"}
    if "none" not in methods.union(read.token_endpoint_auth_methods_supported):
        raise refusal(
            "The client's metadata document must allow the token_endpoint_auth_method none."
        )
    uris = tuple(uri for uri in read.redirect_uris if not redirects.problem(uri, read.type))
    if not uris:
        raise refusal("The client's metadata document has no redirect URI that is acceptable.")
    return Client(
        client_id=client_id,
        name=read.name,
        redirect_uris=uris,
        application_type=read.type,
        verified_host=host_of(client_id),
        auth_method="none",
    )


def _key(client_id: str) -> str:
    return f"oauth:client:{client_id}"


def _last(key: str) -> str:
    """Return where the client is kept that a document described when it could last be read."""
    return f"{key}:last"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
