"""`appmixer-mcp serve --transport http|sse`: one process on one address."""

import socket
import sys

import uvicorn

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.hosting import listen
from appmixer_mcp.ownership import DataDirectory
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.settings import Settings
from appmixer_mcp.web.app import build_app
from appmixer_mcp.web.local import is_loopback
from appmixer_mcp.web.served import Transports

_LAST_REQUESTS_S = 5
_IDLE_CONNECTION_S = 75  # longer than proxies keep one, so that they never meet a closing one
_WAITING = 2_048


def serve_http(settings: Settings, host: str, port: int, transports: Transports) -> int:
    """Serve until a signal; prints the address on stdout once connections are accepted.

    Returns:
        The exit code: 1 when it could not start; a signal ends the process itself.

    Raises:
        ConfigurationError: The address cannot be served, or not in this way.
    """
    if settings.auth == "none" and not is_loopback(host):
        raise ConfigurationError(
            f"Others can reach {host}, and --auth none would serve them as the operator. Use "
            "--auth oauth or --auth bearer, or listen on 127.0.0.1."
        )
    app = build_app(settings, transports)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        ws="none",
        proxy_headers=False,  # APPMIXER_TRUSTED_PROXIES says whose are believed
        timeout_keep_alive=_IDLE_CONNECTION_S,
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
        backlog=_WAITING,
    )
    with listen(host, port) as listener:
        server = _Server(config, settings, "/mcp" if transports == "all" else "/sse")
        server.run(sockets=[listener])
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: Settings, path: str) -> None:
        super().__init__(config)
        self._settings = settings
        self._path = path

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            url = f"http://{shown}:{port}"
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            public_url = self._settings.public_url or url
            sys.stderr.write(f"Clients connect to {public_url}{self._path}\n")
            if not self._settings.base_url:
                sys.stderr.write(_about_the_sandbox(self._settings))


def _about_the_sandbox(settings: Settings) -> str:
    """Say what is served; on a terminal, where nobody is signed in, also how one signs in."""
    said = f"APPMIXER_BASE_URL is not set: serving the embedded sandbox in {settings.data_dir}\n"
    if settings.auth == "none" or not sys.stderr.isatty():
        return said
    password = DataDirectory(settings.data_dir).secrets().demo_password
    return f"{said}Sign in as {LOCAL_USER} with the password {password}\n"
