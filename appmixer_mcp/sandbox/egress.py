"""Outgoing HTTP of flows: which addresses may be reached, and how a call is bounded.

The name is resolved once, every address it has is checked, and the connection goes to one of the
addresses that were checked, so that a second look-up cannot lead elsewhere. Redirects are followed
by hand and checked again. Nothing is read from the environment, no cookie is kept.
"""

import re
import zlib
from collections.abc import Mapping
from typing import Literal

import anyio
import httpcore2
import httpx2

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.outgoing import pinned
from appmixer_mcp.outgoing.addresses import is_own, is_public
from appmixer_mcp.outgoing.pinned import Connect, PinnedTransport, Resolve
from appmixer_mcp.sandbox import call_chains
from appmixer_mcp.sandbox.context import HttpAnswer, Json

_MOST_REDIRECTS = 5
_LAST_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization", call_chains.HEADER)
_SET_BY_US = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    )
)
_OWN_WEBHOOK = re.compile(r"/flows/[\w\s-]+/components/[\w\s-]+")


class Outgoing:
    """Makes the HTTP calls of every flow of a tenant.

    Args:
        mode: `public` reaches public addresses, `any` all but the tenant's own API, `off` none.
            The tenant's own webhook URLs are reached in each mode.
        public_url: Where the tenant's API answers.
        own: Serves the tenant's webhook URLs in process; without it they are reached on loopback.
        resolve: Looks a host name up.
        connect: Opens a connection to an address that was checked.
    """

    def __init__(
        self,
        mode: Literal["public", "any", "off"],
        public_url: str,
        own: httpx2.AsyncBaseTransport | None = None,
        *,
        resolve: Resolve = pinned.resolve,
        connect: Connect = pinned.connect,
    ) -> None:
        self.own = own
        self._mode: Literal["public", "any", "off"] = mode
        self._public_url = httpx2.URL(public_url)
        self._resolve = resolve
        self._connect = connect
        self._outside: httpx2.AsyncBaseTransport | None = None
        self._loopback: httpx2.AsyncBaseTransport | None = None
        self.api_ports = {_port(self._public_url)}
        """Ports of this machine behind which the tenant's API answers; a flow reaches none.

        Add the port that is listened on when it is not that of `public_url`.
        """

    async def aclose(self) -> None:
        """Close every connection; `own` stays open, it belongs to who made it."""
        for transport in (self._outside, self._loopback):
            if transport is not None:
                await transport.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Json] | None = None,
        content: bytes | None = None,
        timeout_s: float = 60.0,
        max_bytes: int = 10_000_000,
        own_headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Make a call, follow its redirects, return what was answered, whatever the status.

        Args:
            method: Any HTTP method.
            url: Absolute, http or https; a user name and password in it sign the call.
            headers: Those that frame the message (Host, Content-Length, ...) are left out.
            params: Added to the query; a list gives its parameter several times.
            content: The body.
            timeout_s: For everything from the look-up to the last byte, redirects included.
            max_bytes: Largest body, unpacked.
            own_headers: Added to a call of one of the tenant's own webhooks.

        Raises:
            ComponentFailedError: An address that may not be reached, a call that cannot be made or
                an answer over `max_bytes` (retry=False); no answer in time (retry=True).
        """
        request = _first_request(method, url, headers or {}, params or {}, content)
        if own_headers and _origin(request.url) == _origin(self._public_url):
            request.headers.update(own_headers)
        try:
            with anyio.fail_after(timeout_s):
                return await self._follow(request, max_bytes)
        except TimeoutError as error:
            raise ComponentFailedError(
                f"{request.url.host} did not answer within {timeout_s:g} s.", error_code="ETIMEDOUT"
            ) from error

    async def _follow(self, request: httpx2.Request, max_bytes: int) -> HttpAnswer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._answer(request, max_bytes)
            target = answer.headers.get("location")
            if answer.status not in {301, 302, 303, 307, 308} or target is None:
                return answer
            request = _redirected(request, answer.status, target)
        raise _refused(f"More than {_MOST_REDIRECTS} redirects, the last to {request.url.host}.")

    async def _answer(self, request: httpx2.Request, max_bytes: int) -> HttpAnswer:
        transport = self._transport_for(request.url)
        host = request.url.host
        try:
            response = await transport.handle_async_request(request)
            try:
                body = await _read(response, max_bytes, host)
            finally:
                await response.aclose()
        except httpx2.LocalProtocolError as error:
            # The error itself would repeat the header, which may be a secret.
            raise _refused(
                f"The call to {host} breaks HTTP; look at its method and headers.", "EINVAL"
            ) from error
        except httpx2.ConnectTimeout as error:
            raise ComponentFailedError(
                f"No connection to {host} within {pinned.CONNECT_TIMEOUT_S:g} s.",
                error_code="ETIMEDOUT",
            ) from error
        except httpx2.ConnectError as error:
            raise ComponentFailedError(
                f"{host} could not be reached: {error}.", error_code="ECONNREFUSED"
            ) from error
        except httpx2.TransportError as error:
            raise ComponentFailedError(
                f"{host} broke the connection before its answer was complete.",
                error_code="ECONNRESET",
            ) from error
        return HttpAnswer(
            status=response.status_code,
            headers=dict(response.headers),
            body=body,
            url=str(request.url.copy_with(userinfo=b"")),
        )

    def _transport_for(self, url: httpx2.URL) -> httpx2.AsyncBaseTransport:
        if url.scheme not in _DEFAULT_PORTS or not url.host or _port(url) > _LAST_PORT:
            raise _refused(
                "The URL must begin with http:// or https://, a host and maybe a port.", "EINVAL"
            )
        if _origin(url) == _origin(self._public_url):
            if not self._is_own_webhook(url):
                raise _own_api()
            return self.own or self._loopback_transport()
        if self._mode == "off":
            raise _refused(
                f"Flows may not call {url.host}: APPMIXER_SANDBOX_EGRESS is off. "
                "With public they reach public addresses, with any all of them.",
                "EACCES",
            )
        if self._outside is None:
            self._outside = PinnedTransport(self._connect_checked)
        return self._outside

    def _is_own_webhook(self, url: httpx2.URL) -> bool:
        base = self._public_url.path.rstrip("/")
        as_sent = url.raw_path.partition(b"?")[0]
        has_hidden_slash = as_sent.count(b"/") != url.path.count("/")
        return (
            url.path.startswith(base)
            and not has_hidden_slash
            and _OWN_WEBHOOK.fullmatch(url.path, len(base)) is not None
        )

    def _loopback_transport(self) -> httpx2.AsyncBaseTransport:
        if self._loopback is None:
            self._loopback = PinnedTransport(self._connect_loopback)
        return self._loopback

    async def _connect_loopback(self, host: str, port: int) -> httpcore2.AsyncNetworkStream:
        return await self._connect("::1" if ":" in host else "127.0.0.1", port)

    async def _connect_checked(self, host: str, port: int) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise ComponentFailedError(
                f"The host name {host!r} could not be resolved.", error_code="ENOTFOUND"
            ) from error
        for address in addresses:
            self._check(host, address, port)
        return await pinned.connect_to_one(addresses, port, self._connect)

    def _check(self, host: str, address: str, port: int) -> None:
        if port in self.api_ports and is_own(address):
            raise _own_api()
        if self._mode == "public" and not is_public(address):
            named = address if host == address else f"{host} ({address})"
            raise _refused(
                f"Flows may not call {named}, which is no public address. "
                "APPMIXER_SANDBOX_EGRESS=any allows private ones.",
                "EACCES",
            )


def _first_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    params: Mapping[str, Json],
    content: bytes | None,
) -> httpx2.Request:
    kept = {name: text for name, text in headers.items() if name.lower() not in _SET_BY_US}
    defaults = {"accept": "application/json, text/plain, */*", "user-agent": "appmixer-mcp"}
    try:
        request = httpx2.Request(
            method,
            httpx2.URL(url).copy_merge_params(dict(params)) if params else url,
            headers=httpx2.Headers(defaults | {name.lower(): text for name, text in kept.items()}),
            content=content,
        )
    except httpx2.InvalidURL as error:
        raise _refused("The URL is not valid.", "EINVAL") from error
    except UnicodeError as error:
        raise _refused("The headers must be plain ASCII text.", "EINVAL") from error
    request.headers["accept-encoding"] = "gzip"
    _sign(request)
    return request


def _redirected(request: httpx2.Request, status: int, target: str) -> httpx2.Request:
    try:
        url = request.url.join(target)
    except (httpx2.InvalidURL, ValueError) as error:
        raise _refused(f"{request.url.host} redirects to something that is no URL.") from error
    headers = request.headers.copy()
    del headers["host"]
    if _origin(url) != _origin(request.url):
        for name in _CREDENTIALS:
            headers.pop(name, None)
    method, content = request.method, request.content
    if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):  # noqa: PLR2004 - HTTP statuses
        method, content = "GET", b""
        headers.pop("content-type", None)
    headers.pop("content-length", None)
    following = httpx2.Request(method, url, headers=headers, content=content or None)
    _sign(following)
    return following


def _sign(request: httpx2.Request) -> None:
    """Turn a user name and password in the URL into the header they stand for."""
    if request.url.userinfo and "authorization" not in request.headers:
        auth = httpx2.BasicAuth(request.url.username, request.url.password)
        next(auth.sync_auth_flow(request))


async def _read(response: httpx2.Response, max_bytes: int, host: str) -> bytes:
    packed = response.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip", "deflate"}
    unpacker = _Unpacker() if packed else None
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            # One byte more than allowed shows that there is more, however well it was packed.
            body += unpacker.unpack(chunk, max_bytes + 1 - len(body)) if unpacker else chunk
        except zlib.error as error:
            raise ComponentFailedError(f"{host} sent a body that cannot be unpacked.") from error
        if len(body) > max_bytes:
            raise _refused(f"{host} answered with more than {max_bytes:,} bytes.")
    if unpacker and not unpacker.is_complete:
        raise ComponentFailedError(
            f"{host} sent a packed body that breaks off before its end.", error_code="ECONNRESET"
        )
    return bytes(body)


class _Unpacker:
    """Unpacks a body in gzip, of one member or several, or zlib.

    What follows a member and begins no other is refused, not dropped (ours).
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._is_empty = True

    @property
    def is_complete(self) -> bool:
        """Whether the last member has ended; a body of no bytes, as after HEAD, has none."""
        return self._is_empty or self._member.eof

    def unpack(self, chunk: bytes, most_bytes: int) -> bytes:
        """Return what a part of the body holds, at most `most_bytes` (at least 1).

        Raises:
            error: Of `zlib`; this is no packed body.
        """
        unpacked = b""
        while chunk and len(unpacked) < most_bytes:
            self._is_empty = False
            if self._member.eof:
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 32)
            unpacked += self._member.decompress(chunk, most_bytes - len(unpacked))
            chunk = self._member.unused_data
        return unpacked


def _port(url: httpx2.URL) -> int:
    return url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, _port(url)


def _refused(message: str, code: str = "") -> ComponentFailedError:
    return ComponentFailedError(message, retry=False, error_code=code, error_name="Error")


def _own_api() -> ComponentFailedError:
    return _refused(
        "Flows may not call this tenant's own API. They reach its webhooks under their exact URL, "
        "in every mode of APPMIXER_SANDBOX_EGRESS.",
        "EACCES",
    )
