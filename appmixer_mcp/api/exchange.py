"""One HTTP exchange: bounded in time and size, redirected only within the same host."""

from collections.abc import Callable

import httpx2
from anyio import move_on_after

from appmixer_mcp import __version__
from appmixer_mcp.errors import InputError, UnexpectedAnswerError

from .answer import Answer, too_large
from .call import Call
from .foreign_text import cleaned

_MOST_CONNECTIONS = 32
_MOST_REDIRECTS = 3
_MOST_ERROR_BYTES = 64_000
_CAUSE_CHARACTERS = 120


class NoAnswerError(Exception):
    """An exchange ended without an answer.

    Attributes:
        sent: Whether the API may have received the call.
        timed_out: Whether the whole time was used up, so that trying again would double it.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent
        self.timed_out = timed_out


class Exchange:
    """Sends requests over one pool of connections.

    The HTTP transport is used without httpx2's client around it, which would keep cookies from one
    user to the next and log each URL with its query, where a task's secret may stand.

    Attributes:
        requests_sent: HTTP requests so far, redirects included.
    """

    def __init__(
        self,
        connect_timeout_s: float,
        timeout_s: float,
        max_answer_bytes: int,
        http: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.requests_sent = 0
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._http = http
        self._owns_http = http is None
        # Reading and writing are bounded together, by the time for the whole exchange.
        self._timeouts = httpx2.Timeout(None, connect=connect_timeout_s, pool=connect_timeout_s)

    async def aclose(self) -> None:
        """Close the connections, unless the HTTP transport was handed in."""
        if self._owns_http and self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def run(self, base_url: str, call: Call, token: str | None) -> Answer:
        """Send a call once and read its answer, whatever its status.

        Raises:
            NoAnswerError: No connection, a broken one, or too slow.
            UnexpectedAnswerError: Too large, not decodable, or redirected to another host.
            InputError: The call is too long for a URL.
        """
        timeout_s = call.timeout_s or self._timeout_s
        with move_on_after(timeout_s):
            try:
                return await self._follow(self._request(base_url, call, token), call)
            except httpx2.PoolTimeout as error:
                busy = f"all {_MOST_CONNECTIONS} connections to it are busy"
                raise NoAnswerError(busy, sent=False) from error
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                # The operating system's words: no such name, refused, certificate not valid.
                cause = cleaned(str(error))[:_CAUSE_CHARACTERS] or "no answer in time"
                raise NoAnswerError(
                    f"there is no connection to it ({cause})", sent=False
                ) from error
            except httpx2.DecodingError as error:
                raise UnexpectedAnswerError(
                    f"The answer to {call} cannot be decompressed. Check what lies between here "
                    "and the API.",
                    may_have_happened=call.writes,
                ) from error
            except httpx2.TransportError as error:
                raise NoAnswerError("the connection broke", sent=True) from error
        raise NoAnswerError(f"it took longer than {timeout_s:g} seconds", sent=True, timed_out=True)

    def _request(self, base_url: str, call: Call, token: str | None) -> httpx2.Request:
        headers = {
            "Accept": "application/json" + (", text/event-stream" if call.heard else ""),
            # Only what can be cut off in good time while it is unpacked.
            "Accept-Encoding": "gzip",
            "User-Agent": f"appmixer-mcp/{__version__}",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        headers |= call.headers
        address = f"{base_url}{call.path}?{call.query}" if call.query else f"{base_url}{call.path}"
        try:
            url = httpx2.URL(address)
        except httpx2.InvalidURL as error:
            raise InputError(
                f"The arguments of this {call.method} are too long for an address. Shorten them."
            ) from error
        return httpx2.Request(
            call.method,
            url,
            headers=headers,
            content=call.body,
            extensions={"timeout": self._timeouts.as_dict()},
        )

    async def _follow(self, request: httpx2.Request, call: Call) -> Answer:
        for _ in range(1 + _MOST_REDIRECTS):
            self.requests_sent += 1
            response = await self._pool().handle_async_request(request)
            # A handed-in transport need not set it, and reading an answer needs it.
            response.request = request
            try:
                if call.to_flow or not response.has_redirect_location:
                    return await self._read(response, call)
            finally:
                await response.aclose()
            request = _redirected(request, response, call)
        raise _misdirected(call, "in a circle")

    async def _read(self, response: httpx2.Response, call: Call) -> Answer:
        good = response.is_success
        if good and call.heard is not None:
            return await self._listen(response, call, call.heard)
        most_bytes = self._max_answer_bytes if good else _MOST_ERROR_BYTES
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > most_bytes:
                if good:
                    raise too_large(call, response.status_code, most_bytes)
                break
        return Answer(response.status_code, response.headers, bytes(body[:most_bytes]))

    async def _listen(
        self, response: httpx2.Response, call: Call, heard: Callable[[str, str], bool]
    ) -> Answer:
        if "text/event-stream" not in response.headers.get("content-type", ""):
            raise UnexpectedAnswerError(
                f"The answer to {call} is no stream of events. Check that APPMIXER_BASE_URL fits "
                "this tenant.",
                may_have_happened=call.writes,
                status=response.status_code,
            )
        characters = 0
        async for event in httpx2.EventSource(response, self._max_answer_bytes):
            characters += len(event.data)
            if characters > self._max_answer_bytes:
                raise too_large(call, response.status_code, self._max_answer_bytes)
            if heard(event.event, event.data):
                break
        return Answer(response.status_code, response.headers, b"")

    def _pool(self) -> httpx2.AsyncBaseTransport:
        # Made with the first call: its TLS context takes time that start-up has not.
        if self._http is None:
            self._http = connections(_MOST_CONNECTIONS)
        return self._http


def connections(most: int) -> httpx2.AsyncBaseTransport:
    """Return a pool of connections; several clients may share one.

    Args:
        most: How many there are at once; a request waits for its turn.
    """
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
    return httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)


def _redirected(request: httpx2.Request, response: httpx2.Response, call: Call) -> httpx2.Request:
    try:
        target = request.url.join(response.headers["location"])
    except httpx2.InvalidURL as error:
        raise _misdirected(call, "to an address that cannot be read") from error
    if call.method != "GET":
        raise _misdirected(call, "although it is no read")
    if _origin(target) != _origin(request.url):
        raise _misdirected(call, "to another host")
    return httpx2.Request(
        request.method, target, headers=request.headers, extensions=request.extensions
    )


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, port


def _misdirected(call: Call, where: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"{call} was redirected {where}, which is not followed; nothing was sent there. Set "
        "APPMIXER_BASE_URL to the address the API really has, https instead of http above all."
    )
