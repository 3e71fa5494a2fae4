"""Metadata documents of clients: a client_id that is the https URL of what a client says of itself.

Anybody can name any URL, so a fetch gives away nothing and reaches nothing private: the host is
resolved once, each of its addresses has to be public, the connection goes to one that was checked,
redirects are not followed, and size and time are bounded.
"""

import re
import ssl
from dataclasses import dataclass
from http import HTTPStatus

import anyio
import httpcore2
import httpx2

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.oauth.types import OAuthError
from appmixer_mcp.outgoing import pinned
from appmixer_mcp.outgoing.addresses import is_public
from appmixer_mcp.outgoing.pinned import Connect, PinnedTransport, Resolve

MOST_BYTES = 10_000
"""Largest document: twice what the draft advises its authors to stay below."""
TIMEOUT_S = 5.0

_LONGEST_URL = 500
# One spelling of each URL: a lower-case DNS name (no address, so nothing that needs no look-up, and
# no name without a dot), no user info, no port, a path, no fragment. A query is allowed.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_URL = re.compile(
    rf"https://(?P<host>(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9]))"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+)(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_MAX_AGE = re.compile(r"max-age=(\d{1,9})(?:[,;\s]|$)", re.IGNORECASE)
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class FetchedDocument:
    """A document as it was served; what it says is not checked yet."""

    body: bytes
    max_age_s: float
    """How long its server says it may be kept; 0 when it does not say."""


def host_of(client_id: str) -> str:
    """Return the host of the metadata document that a client_id names.

    Raises:
        OAuthError: The client_id is no URL for a metadata document.
    """
    found = _URL.fullmatch(client_id)
    if found is None or len(client_id) > _LONGEST_URL or _DOT_SEGMENT.search(found["path"]):
        raise refusal(
            "A client_id that is a URL must be https://, a host name, no port and a path without "
            "dot segments or fragment."
        )
    return found["host"]


async def fetch_document(
    url: str,
    *,
    resolve: Resolve = pinned.resolve,
    connect: Connect = pinned.connect,
    trusted: ssl.SSLContext | None = None,
    timeout_s: float = TIMEOUT_S,
) -> FetchedDocument:
    """Fetch the metadata document of a client.

    Args:
        url: The client_id.
        resolve: Looks its host up.
        connect: Opens a connection to an address that was checked.
        trusted: Whose certificates are accepted; those that the system trusts if None.
        timeout_s: For everything from the look-up to the last byte.

    Raises:
        OAuthError: The URL, the place it leads to or the answer is not acceptable.
        UnavailableError: There is no answer now; a later try may work.
    """
    host = host_of(url)

    async def connect_checked(name: str, port: int) -> httpcore2.AsyncNetworkStream:
        addresses = await _public_addresses(name, port, resolve)
        return await pinned.connect_to_one(addresses, port, connect)

    headers = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "appmixer-mcp",
    }
    try:
        with anyio.fail_after(timeout_s):
            async with PinnedTransport(connect_checked, trusted) as transport:
                request = httpx2.Request("GET", url, headers=headers)
                response = await transport.handle_async_request(request)
                return await _read(response, host)
    except (TimeoutError, httpx2.TransportError) as error:
        raise UnavailableError(
            f"The client's metadata document on {host} cannot be read now. Try again later."
        ) from error


async def _public_addresses(host: str, port: int, resolve: Resolve) -> list[str]:
    try:
        addresses = await resolve(host, port)
    except OSError:
        addresses = []
    if not addresses or not all(is_public(address) for address in addresses):
        # One text for both cases: which private names exist is nobody's business.
        raise refusal(f"The host {host} of the client's metadata document has no public address.")
    return addresses


async def _read(response: httpx2.Response, host: str) -> FetchedDocument:
    try:
        if response.is_server_error or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise UnavailableError(
                f"{host} does not serve the client's metadata document now. Try again later."
            )
        if response.status_code != HTTPStatus.OK:
            raise refusal(f"{host} must serve the client's metadata document with status 200.")
        if not _JSON_TYPE.fullmatch(response.headers.get("content-type", "").strip()):
            raise refusal(f"{host} must serve the client's metadata document as application/json.")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                raise refusal(f"The client's metadata document has over {MOST_BYTES:,} bytes.")
    finally:
        await response.aclose()
    found = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return FetchedDocument(body=body, max_age_s=float(found[1]) if found else 0.0)


def refusal(description: str) -> OAuthError:
    """Return the error for a document that is not acceptable."""
    return OAuthError("invalid_client", description)
