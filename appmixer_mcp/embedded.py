# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""The embedded sandbox: found where another process runs it, or run by this one.

Every process on a data directory may need it at any moment, start at the same instant as others,
and end without a word. So nobody is asked: whoever gets the directory's lock runs the tenant, and
before each request everybody else looks whether the lock has come free.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.to_thread
import httpx2

from appmixer_mcp.errors import ConfigurationError, UnavailableError
from appmixer_mcp.hosting import TenantThread, listen, tenant_config
from appmixer_mcp.ownership import DataDirectory

if TYPE_CHECKING:
    import socket

    from appmixer_mcp.api import AppmixerClient

_LONGEST_WAIT_S = 10.0
_BETWEEN_LOOKS_S = 0.05
_MOST_CONNECTIONS = 32
_HOST = "127.0.0.1"


class EmbeddedSandbox:
    """The sandbox of one data directory, as this process sees it.

    Attributes:
        url: Where it answered last; empty until it was opened.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        egress: Literal["public", "any", "off"] = "public",
        cors_origins: tuple[str, ...] = (),
        allowed_hosts: tuple[str, ...] = (),
        admins: tuple[str, ...] = (),
        log_retention_s: int = 30 * 24 * 3600,
        dashboard_url: str = "",
        timer_min_s: float = 60.0,
    ) -> None:
        """Keep what an owner needs; nothing is opened, imported or written yet.

        Args:
            data_dir: Holds everything; made when it is missing.
            egress: Which addresses flows may call.
            cors_origins: Further browser origins that may call the API.
            allowed_hosts: Further Host names that are answered.
            admins: E-mail addresses of administrators.
            log_retention_s: How long log records are kept; 0 keeps them for good.
            dashboard_url: Where approval mails lead to.
            timer_min_s: Shortest timer of a flow.
        """
        self.url = ""
        self._key = ""
        self._directory = DataDirectory(data_dir)
        self._options: dict[str, Any] = {
            "egress": egress,
            "cors_origins": cors_origins,
            "allowed_hosts": allowed_hosts,
            "admins": admins,
            "log_retention_s": log_retention_s,
            "dashboard_url": dashboard_url,
            "timer_min_s": timer_min_s,
        }
        self._tenant: TenantThread | None = None
        self._transport: _Following | None = None
        self._settling = anyio.Lock()

    @property
    def owner(self) -> bool:
        """Whether this process runs the tenant."""
        return self._tenant is not None and self._tenant.alive

    async def open_client(self, *, as_demo_user: bool = True, **options: Any) -> "AppmixerClient":
        """Return a client which follows the tenant from owner to owner.

        Args:
            as_demo_user: Sign in as the demo user; else with what `options` hold, if anything.
            options: Further arguments of `AppmixerClient`.

        Raises:
            ConfigurationError: The data directory cannot be used.
            UnavailableError: Another process owns it and does not answer.
        """
        from appmixer_mcp.api import AppmixerClient
        from appmixer_mcp.sandbox.config import LOCAL_USER

        await self.settle()
        self._transport = self._transport or _Following(self)
        if as_demo_user:
            options |= {
                "username": LOCAL_USER,
                "password": self._key,
                "signed_in_with": "local sandbox key",
            }
        return AppmixerClient(self.url, transport=self._transport, **options)

    async def settle(self, *, refused: bool = False) -> None:
        """See to it that somebody runs the tenant: this process, if nobody else does.

        Args:
            refused: `url` has just refused a connection, so what the owner announced is probed.

        Raises:
            ConfigurationError: The data directory cannot be used.
            UnavailableError: Another process owns it and does not answer within 10 s.
        """
        if self.owner:
            return
        async with self._settling:
            if self._tenant is not None and not self._tenant.alive:
                self._let_go()
            with anyio.move_on_after(_LONGEST_WAIT_S):
                while not await self._settled(probe=refused):  # noqa: ASYNC110 - other processes
                    await anyio.sleep(_BETWEEN_LOOKS_S)
                return
            raise UnavailableError(
                f"Another process holds the sandbox in {self._directory.path} and does not answer. "
                "End it, or set APPMIXER_DATA_DIR to another directory."
            )

    async def aclose(self) -> None:
        """Let go: an owner finishes what is in flight, closes the tenant and frees the lock."""
        async with self._settling:
            if self._transport is not None:
                await self._transport.aclose()
                self._transport = None
            if self._tenant is not None:
                await anyio.to_thread.run_sync(self._tenant.stop)
                self._let_go()

    async def _settled(self, *, probe: bool) -> bool:
        if self.owner:
            return True
        if self._directory.try_own():
            # Shielded, because a tenant that is half open could not be closed in order.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._run_tenant)
            return True
        announced = self._directory.owner()
        if announced is None or (probe and not await _accepts(announced.url)):
            return False
        self.url, self._key = announced.url, announced.key
        return True

    def _run_tenant(self) -> None:
        with ExitStack() as undone_on_failure:
            undone_on_failure.callback(self._let_go)
            secrets = self._directory.secrets()
            listener = undone_on_failure.enter_context(_listen_as_before(self._directory.last_port))
            port: int = listener.getsockname()[1]
            self.url, self._key = f"http://{_HOST}:{port}", secrets.local_key
            config = tenant_config(self._directory.path, self.url, secrets, **self._options)
            tenant = TenantThread(config, listener)
            tenant.start()
            undone_on_failure.callback(tenant.stop)
            self._directory.announce(self.url, port, secrets.local_key)
            undone_on_failure.pop_all()
            self._tenant = tenant  # only now, because calls that run meanwhile look at it

    def _let_go(self) -> None:
        self._tenant = None
        self._directory.release()


class _Following(httpx2.AsyncBaseTransport):
    """Sends every request to whoever runs the tenant at that moment."""

    def __init__(self, sandbox: EmbeddedSandbox) -> None:
        self._sandbox = sandbox
        # A kept connection to another process may die unseen while a request is on its way; a new
        # one is refused instead, and then it is certain that nothing was sent.
        new = httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=0)
        kept = httpx2.Limits(max_connections=_MOST_CONNECTIONS)
        # No TLS on loopback, and a context for it would take time.
        self._to_this = httpx2.AsyncHTTPTransport(limits=kept, trust_env=False, verify=False)
        self._to_another = httpx2.AsyncHTTPTransport(limits=new, trust_env=False, verify=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and once more when the owner turns out to be gone."""
        await self._sandbox.settle()
        try:
            return await self._send(request)
        except httpx2.ConnectError:
            await self._sandbox.settle(refused=True)
            return await self._send(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._to_this.aclose()
        await self._to_another.aclose()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        url = httpx2.URL(self._sandbox.url)
        request.url = request.url.copy_with(host=url.host, port=url.port)
        request.headers["Host"] = url.netloc.decode("ascii")
        way = self._to_this if self._sandbox.owner else self._to_another
        return await way.handle_async_request(request)


def _listen_as_before(port: int) -> "socket.socket":
    try:
        return listen(_HOST, port)
    except ConfigurationError:
        return listen(_HOST, 0)


async def _accepts(url: str) -> bool:
    address = httpx2.URL(url)
    try:
        async with await anyio.connect_tcp(address.host, address.port or 80):
            return True
    except OSError:
        return False
