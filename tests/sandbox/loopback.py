"""Servers on loopback, and a network in which names and public addresses lead to them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import httpcore2
from anyio.abc import ByteStream, SocketAttribute

PUBLIC_ADDRESS = "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def http_answer(
    status: int, body: bytes, content_type: str = "text/plain", **headers: str
) -> bytes:
    """Return an answer as it goes over the wire; `_` in a header's name stands for `-`."""
    more = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
    return (
        f"HTTP/1.1 {status} Answer\r\nContent-Type: {content_type}\r\n{more}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


@dataclass
class Server:
    """A server on loopback that answers each request with the next of its answers."""

    answers: list[bytes]
    hangs: bool = False
    """Whether connections stay open once the answer has been sent."""
    port: int = 0
    requests: list[str] = field(default_factory=list[str])

    async def handle(self, stream: ByteStream) -> None:
        """Read one request, answer it and close."""
        async with stream:
            received = b""
            while b"\r\n\r\n" not in received:
                received += await stream.receive()
            head, _, body = received.partition(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            while len(body) < length:
                body += await stream.receive()
            self.requests.append((head + b"\r\n\r\n" + body).decode("latin-1"))
            await stream.send(self.answers.pop(0))
            if self.hangs:
                await anyio.sleep_forever()


@asynccontextmanager
async def served(*answers: bytes, hangs: bool = False) -> AsyncGenerator[Server]:
    server = Server(list(answers), hangs)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    server.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django here
    with anyio.fail_after(5):
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, server.handle)
            yield server
            tasks.cancel_scope.cancel()


@dataclass
class Net:
    """Where names lead, and which server really stands behind an address."""

    names: Mapping[str, list[str]]
    servers: Mapping[str, Server]
    asked: list[str] = field(default_factory=list[str])
    connected: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def resolve(self, host: str, port: int) -> list[str]:
        """Look a name up here, anything else where it is usually looked up."""
        self.asked.append(f"{host}:{port}")
        if host in self.names:
            return self.names[host]
        found = await anyio.getaddrinfo(host, port)
        return [entry[4][0] for entry in found]

    async def connect(self, address: str, port: int) -> httpcore2.AsyncNetworkStream:
        """Connect to the server that stands for an address."""
        self.connected.append((address, port))
        if address not in self.servers:
            raise httpcore2.ConnectError("nobody answers")
        backend: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()  # pyright: ignore[reportAssignmentType] - httpcore2 hides its methods
        return await backend.connect_tcp("127.0.0.1", self.servers[address].port)
