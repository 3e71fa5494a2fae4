"""Requests of clients whose person is still at the sign-in page, and whose browser that is.

A request waits under a random id that stands in the page's form. It is bound to a random value in
the browser's cookie, so that a form that another site sends, or a page that another browser was
given, signs nobody in.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from appmixer_mcp.oauth.types import AuthorizationRequest
from appmixer_mcp.state import SharedState

PENDING_S = 600
"""How long a person may take to sign in."""
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")


class BrowserCookie:
    """The cookie that tells one browser from another for as long as a page is open in it."""

    def __init__(self, public_url: str) -> None:
        # `__Host-` keeps other hosts of the same domain from setting it; browsers want https then.
        self._secure = public_url.startswith("https://")
        self.name = "__Host-appmixer-sign-in" if self._secure else "appmixer-sign-in"

    def of(self, request: Request) -> str:
        """Return the browser's value; empty when it has none of ours."""
        value = request.cookies.get(self.name, "")
        return value if _RANDOM.fullmatch(value) else ""

    def put(self, response: Response, value: str) -> None:
        """Give the browser its value, or more time for it; two open pages share it."""
        response.set_cookie(
            self.name,
            value,
            max_age=PENDING_S,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


@dataclass(frozen=True, kw_only=True)
class _Stored:
    browser_hash: str
    request: AuthorizationRequest


_STORED = TypeAdapter(_Stored)


class PendingRequests:
    """Requests that wait for their person; each is answered once."""

    def __init__(self, state: SharedState) -> None:
        self._state = state

    async def add(self, request: AuthorizationRequest, browser: str) -> str:
        """Keep a request for ten minutes and return its id.

        Raises:
            UnavailableError: The shared state does not answer.
        """
        pending_id = new_random()
        await self.put_back(pending_id, request, browser)
        return pending_id

    async def find(self, pending_id: str, browser: str) -> AuthorizationRequest | None:
        """Return a request; None when it is answered, too old, or another browser's.

        Raises:
            UnavailableError: The shared state does not answer.
        """
        if not (_RANDOM.fullmatch(pending_id) and browser):
            return None
        found = await self._state.get(_key(pending_id))
        return _opened(found, browser) if found is not None else None

    async def take(self, pending_id: str, browser: str) -> AuthorizationRequest | None:
        """Return a request that is answered now; of several callers one gets it.

        Raises:
            UnavailableError: The shared state does not answer.
        """
        if await self.find(pending_id, browser) is None:
            return None
        found = await self._state.take(_key(pending_id))
        return _opened(found, browser) if found is not None else None

    async def put_back(self, pending_id: str, request: AuthorizationRequest, browser: str) -> None:
        """Keep a request that could not be answered after all.

        Raises:
            UnavailableError: The shared state does not answer.
        """
        stored = _STORED.dump_json(_Stored(browser_hash=_hashed(browser), request=request))
        await self._state.put(_key(pending_id), stored, ttl_s=PENDING_S)


def new_random() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def _opened(found: bytes, browser: str) -> AuthorizationRequest | None:
    stored = _STORED.validate_json(found)
    same = hmac.compare_digest(stored.browser_hash, _hashed(browser))
    return stored.request if same else None


def _key(pending_id: str) -> str:
    return f"oauth:pending:{_hashed(pending_id)}"


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
