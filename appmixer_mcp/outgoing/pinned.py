"""HTTP whose connections go to addresses that were checked.

A name is resolved once and the connection goes to one of the addresses that this look-up gave, so
that a second look-up cannot lead elsewhere. TLS is still negotiated for, and checked against, the
name in the URL. Nothing is read from the environment.
"""

import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable

import anyio
import httpcore2
import httpx2

CONNECT_TIMEOUT_S = 5.0
_MOST_CONNECTIONS = 100

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host name (or of an address), the preferred one first."""
Connect = Callable[[str, int], Awaitable[httpcore2.AsyncNetworkStream]]
"""Opens a connection to an address and port."""


async def resolve(host: str, port: int) -> list[str]:
    """Look a host name up as the system does.

    Raises:
        OSError: It has no address, or nobody could be asked.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [entry[4][0] for entry in found]


async def connect(address: str, port: int) -> httpcore2.AsyncNetworkStream:
    """Open a connection.

    Raises:
        ConnectError: Of httpcore2; nobody answers.
        ConnectTimeout: Of httpcore2; nobody answers within 5 s.
    """
    # httpcore2 defines the class in a try block, which hides its methods from the checker.
    backend: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()  # pyright: ignore[reportAssignmentType] - see above
    return await backend.connect_tcp(address, port, timeout=CONNECT_TIMEOUT_S)


async def connect_to_one(
    addresses: Iterable[str], port: int, connect: Connect
) -> httpcore2.AsyncNetworkStream:
    """Connect to the first of the addresses that answers.

    Raises:
        ConnectError: Of httpcore2; there is no address, or the last one does not answer.
        ConnectTimeout: Of httpcore2, likewise.
    """
    failure: Exception = httpcore2.ConnectError("it has no address")
    for address in addresses:
        try:
            return await connect(address, port)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            failure = error
    raise failure


class PinnedTransport(httpx2.AsyncHTTPTransport):
    """The usual transport, whose connections go where a function says.

    Args:
        connect: Is given host name and port of the URL, and opens the connection.
        trusted: Whose certificates are accepted; those that the system trusts if None.
    """

    def __init__(self, connect: Connect, trusted: ssl.SSLContext | None = None) -> None:
        context = trusted or httpx2.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        # httpx2 has no parameter for the network backend, so its pool is replaced by one with it.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=5.0,
            network_backend=_PinnedBackend(connect),
        )


class _PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Lets one function decide where the connection for a host name goes."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the interface of httpcore2
        local_address: str | None = None,  # noqa: ARG002 - the interface of httpcore2
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002 - likewise
    ) -> httpcore2.AsyncNetworkStream:
        return await self._connect(host, port)
