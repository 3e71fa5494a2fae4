# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""What one process works with, put together from its settings: session, server, sandbox."""

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from pydantic import SecretStr

from appmixer_mcp.errors import AppmixerError, ConfigurationError
from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.journal import Journal
from appmixer_mcp.profiles import Profiles
from appmixer_mcp.session import SANDBOX, Session
from appmixer_mcp.settings import Settings, listed

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.auth import SignedInWith
    from appmixer_mcp.confirmation import Policy
    from appmixer_mcp.embedded import EmbeddedSandbox
    from appmixer_mcp.server import AppmixerServer

_AFTER_THE_LIST_S = 0.2
_BETWEEN_LOOKS_S = 2.0
_AFTER_A_FAULT_S = 60.0
_MOST_CONNECTIONS = 100

logger = logging.getLogger(__name__)


class Wiring:
    """The session of one process and whatever had to be opened for it; closes all of it.

    Attributes:
        settings: The operator's.
        broken: What the operator has to mend; every call then raises it.
        base_url: The operator's tenant, or `SANDBOX`.
        session: The operator's own.
        journal: What this process changes, and others on the same data directory.
        profiles: The operator's other tenants.
    """

    def __init__(self, settings: Settings, broken: ConfigurationError | None = None) -> None:
        """Open nothing yet."""
        self.settings = settings
        self.broken = broken
        self.base_url = settings.base_url.rstrip("/") or SANDBOX
        self._sandbox: EmbeddedSandbox | None = None
        self._connections: AsyncBaseTransport | None = None
        self.session = self.new_session()
        self.journal = Journal(
            settings.data_dir / "journal.db", max_bytes=settings.journal_max_bytes
        )
        self.profiles = Profiles(make_client=self._client)

    def new_session(self, **options: Any) -> Session:
        """Return a session that begins with the operator's tenant and credentials.

        Args:
            options: Further arguments of `Session`.
        """
        allowed = tuple(url.rstrip("/") for url in listed(self.settings.allowed_base_urls))
        return Session(
            self.base_url,
            self._open_client,
            allowed_base_urls=allowed,
            broken=self.broken,
            **options,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.aclose()

    async def aclose(self) -> None:
        """Close whatever was opened; a sandbox of this process finishes what is in flight."""
        await self.session.aclose()
        await self.journal.aclose()
        await self.profiles.aclose()
        if self._connections is not None:
            await self._connections.aclose()
        if self._sandbox is not None:
            await self._sandbox.aclose()

    @property
    def sandbox(self) -> "EmbeddedSandbox":
        """The embedded sandbox of the settings' data directory."""
        if self._sandbox is None:
            from appmixer_mcp.embedded import EmbeddedSandbox

            self._sandbox = EmbeddedSandbox(
                self.settings.data_dir, **sandbox_options(self.settings)
            )
        return self._sandbox

    def server(self, confirm: "Policy | None" = None, **options: Any) -> "AppmixerServer":
        """Return the MCP server for this session.

        Args:
            confirm: Instead of the policy in the settings.
            options: Further `ServerOptions`, where many people are served.

        Raises:
            ConfigurationError: A toolset does not exist.
        """
        from appmixer_mcp.confirmation import Confirmations
        from appmixer_mcp.options import ServerOptions
        from appmixer_mcp.server import build_server

        given: dict[str, Any] = {
            "session": self.session,
            "confirmations": Confirmations(
                confirm or self.settings.confirm, valid_s=self.settings.confirm_timeout_s
            ),
            "toolsets": tuple(listed(self.settings.toolsets)),
            "read_only": self.settings.read_only,
            "max_result_bytes": self.settings.max_result_bytes,
            "broken": self.broken,
            "journal": self.journal,
            "files": FileDirectory(self.settings.files_dir) if self.settings.files_dir else None,
            # They hold the operator's credentials, which serve nobody who signs in.
            "profiles": self.profiles if self.settings.auth == "none" else None,
        }
        return build_server(ServerOptions(**given | options))

    async def keep_flows_running(self, listed: anyio.Event) -> None:
        """Run the embedded sandbox from now on, also when a process that ran it ends.

        Args:
            listed: Waited for first, so that a client gets its list of tools at once.
        """
        await listed.wait()
        await anyio.sleep(_AFTER_THE_LIST_S)
        said = ""
        while True:
            try:
                await self.session.client()
                await self.sandbox.settle()
                said = ""
            except AppmixerError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("The embedded sandbox does not run: %s", said)
            except Exception:
                # Serving goes on: each tool call tries again, and says what is wrong.
                logger.exception("The embedded sandbox could not be opened.")
                await anyio.sleep(_AFTER_A_FAULT_S)
            await anyio.sleep(_BETWEEN_LOOKS_S)

    async def client_of(
        self, token: SecretStr | None, signed_in_with: "SignedInWith | None" = None
    ) -> "AppmixerClient":
        """Return a client of the operator's tenant that is signed in as somebody else.

        Args:
            token: Somebody's access token; None for a client that is not signed in.
            signed_in_with: What to call it.

        Raises:
            ConfigurationError: No header can carry the token.
        """
        own = {"access_token": _plain(token), "signed_in_with": signed_in_with}
        if self.base_url == SANDBOX:
            return await self.sandbox.open_client(as_demo_user=False, **self._limits(), **own)
        return self._client(self.base_url, **own)

    async def _open_client(self, base_url: str) -> "AppmixerClient":
        settings = self.settings
        if base_url == SANDBOX:
            return await self.sandbox.open_client(**self._limits())
        own: dict[str, Any] = {}
        if base_url == self.base_url:  # nobody else's server gets the operator's credentials
            own = {
                "access_token": _plain(settings.access_token),
                "username": settings.username,
                "password": _plain(settings.password),
            }
            if settings.profile and not any(own.values()):
                own = await self.profiles.credentials(settings.profile, base_url)
        return self._client(base_url, **own)

    def _client(self, base_url: str, **own: Any) -> "AppmixerClient":
        """Return a client on the connections that all clients of this process share."""
        from appmixer_mcp.api import AppmixerClient
        from appmixer_mcp.api.exchange import connections

        if self._connections is None:
            self._connections = connections(_MOST_CONNECTIONS)
        own = {"dialect": self.settings.api_dialect, **self._limits(), **own}
        return AppmixerClient(base_url, transport=self._connections, **own)

    def _limits(self) -> dict[str, Any]:
        return {
            "connect_timeout_s": self.settings.connect_timeout_s,
            "timeout_s": self.settings.timeout_s,
        }


def sandbox_options(settings: Settings) -> dict[str, Any]:
    """Return what the settings say about a sandbox, whichever command runs it."""
    return {
        "egress": settings.sandbox_egress,
        "cors_origins": tuple(listed(settings.sandbox_cors_origins)),
        "allowed_hosts": tuple(listed(settings.sandbox_allowed_hosts)),
        "admins": tuple(listed(settings.sandbox_admins)),
        "log_retention_s": settings.sandbox_log_days * 24 * 3600,
        "dashboard_url": settings.sandbox_dashboard_url,
        "timer_min_s": settings.sandbox_timer_min_s,
    }


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
