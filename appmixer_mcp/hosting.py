# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""Runs a sandbox tenant and its HTTP server in a thread with an event loop of its own.

So flows never hold up the loop that speaks MCP, and opening a tenant costs no start-up time.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import SecretStr

from appmixer_mcp.errors import ConfigurationError

if TYPE_CHECKING:
    import uvicorn

    from appmixer_mcp.ownership import Secrets
    from appmixer_mcp.sandbox.config import TenantConfig

_LAST_REQUESTS_S = 12
_IDLE_CONNECTION_S = 30  # longer than clients keep one, so that they never meet a closing one

logger = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, and does not accept yet.

    Raises:
        ConfigurationError: The address is in use or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio sends small answers without delay only then.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # takes a killed owner's port at once; elsewhere it would steal
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Nothing can listen on {host}:{port} ({error.strerror}). Choose another address "
            "with --host and --port."
        ) from error
    return listener


def tenant_config(path: Path, url: str, secrets: "Secrets", **options: Any) -> "TenantConfig":
    """Return what a tenant in a data directory is told; `options` go over the directory's own."""
    from appmixer_mcp.sandbox.config import TenantConfig

    own: dict[str, Any] = {
        name: SecretStr(getattr(secrets, name))
        for name in ("jwt_key", "local_key", "demo_password")
    }
    return TenantConfig(data_dir=path, public_url=url, **(own | options))


class TenantThread:
    """One tenant that serves on a bound socket until it is told to stop."""

    def __init__(
        self,
        config: "TenantConfig",
        listener: socket.socket,
        *,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep what `start` needs.

        Args:
            config: The tenant's.
            listener: Bound; closed when the thread ends.
            ended: Called in the thread when it ends, whatever the reason.
        """
        self._config = config
        self._listener = listener
        self._ended = ended
        self._server: Future[uvicorn.Server] = Future()
        # A daemon: a tenant that hangs must not keep the process alive, and loses nothing.
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Open the tenant; blocks until it accepts connections.

        Raises:
            AppmixerError: The tenant's database cannot be opened.
        """
        self._thread.start()
        self._server.result()

    def stop(self) -> None:
        """Accept no more, finish what is in flight, and close; blocks until it is done."""
        if self._thread.ident is not None and self._server.exception() is None:
            self._server.result().should_exit = True
            self._thread.join()

    def _run(self) -> None:
        try:
            anyio.run(self._serve)
        except BaseException as error:
            if self._server.done():
                logger.exception("The sandbox ended unexpectedly.")
            else:
                self._server.set_exception(error)
        finally:
            self._listener.close()
            self._ended()

    async def _serve(self) -> None:
        import uvicorn

        from appmixer_mcp.sandbox.tenant import Tenant

        async with Tenant(self._config) as tenant:
            server = uvicorn.Server(
                uvicorn.Config(
                    tenant.app,
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    timeout_keep_alive=_IDLE_CONNECTION_S,
                    timeout_graceful_shutdown=_LAST_REQUESTS_S,
                )
            )
            # From here on the kernel queues connections, and uvicorn accepts them in a moment.
            self._listener.listen(2048)
            self._server.set_result(server)
            await server.serve(sockets=[self._listener])
