"""Sessions of older clients over Streamable HTTP: how many there are, and which can be told."""

from collections import Counter
from http import HTTPStatus

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.web.authentication import authenticated_session
from appmixer_mcp.web.refusals import refusal

RETRY_AFTER_S = 60


class OpenStreams:
    """Knows which sessions have a stream open, by which alone they are told of changes."""

    def __init__(self) -> None:
        """Know of none."""
        self._open: Counter[str] = Counter()

    def is_open(self, session_id: str) -> bool:
        """Say whether a session has one."""
        return session_id in self._open

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and know of its stream for as long as it is one."""
        session_id = Headers(scope=scope).get("mcp-session-id")
        if scope["method"] != "GET" or session_id is None:
            await app(scope, receive, send)
            return
        self._open[session_id] += 1
        try:
            await app(scope, receive, send)
        finally:
            self._open[session_id] -= 1
            self._open += Counter()  # forgets whose count is 0


class HttpSessions:
    """Passes requests on to the SDK, but for one user's session too many."""

    def __init__(
        self, manager: StreamableHTTPSessionManager, streams: OpenStreams, *, most_of_one: int
    ) -> None:
        """Keep the limit.

        Args:
            manager: Serves the requests, and bounds the sessions in all.
            streams: Hears of the streams of the sessions.
            most_of_one: How many sessions one user may have open.
        """
        self._manager = manager
        self._streams = streams
        self._most_of_one = most_of_one
        # The SDK says nowhere else how many sessions there are, and whose.
        self._open = manager._server_instances  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        self._owners = manager._session_owners  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def count(self) -> int:
        """Return how many are open."""
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        session = authenticated_session.get(None)
        if session is not None and _opens_session(scope):
            owners = self._owners.values()
            its_own = sum(owner["subject"] == session.principal for owner in owners)
            if its_own >= self._most_of_one:
                await too_many_of_one(scope, receive, send)
                return
        await self._streams(self._manager.handle_request, scope, receive, send)


def _opens_session(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    version = headers.get("mcp-protocol-version")
    is_older = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
    return is_older and "mcp-session-id" not in headers


too_many_of_one = refusal(
    HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_sessions",
    "You have too many sessions open. End some, or wait until those not in use have ended.",
    retry_after_s=RETRY_AFTER_S,
)
