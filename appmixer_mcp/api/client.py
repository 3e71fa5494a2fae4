"""The client: one attribute a resource, and the settings that the SDK lets one change."""

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Literal, Self

import anyio
import httpx2

from appmixer_mcp.errors import AppmixerError, InputError

from .accounts import Accounts
from .auth import SignedInWith, SignIn, checked_base_url, expiry_of
from .authoring import Authoring
from .call import shown
from .charts import Charts
from .components import Components
from .dialect import Dialect
from .events import Events
from .exchange import Exchange
from .files import Files
from .flows import Flows
from .gateways import Gateways
from .logs import Logs
from .messages import Messages
from .stores import Stores
from .system import System
from .tasks import Tasks
from .telemetry import Telemetry
from .transport import Sleep, Transport
from .users import Users
from .versions import Versions


class AppmixerClient:
    """Appmixer's SDK in Python: typed, async, over the REST API of one tenant.

    Use it as an async context manager, or call `aclose` at the end.

    Attributes:
        users: Signing in, signing up, and who is signed in.
        flows: Flows: list, read, write, start and stop.
        stores: Data stores and their records.
        accounts: Accounts at third-party services.
        logs: Log records.
        tasks: People tasks.
        charts: Charts over logs.
        components: Component types.
        authoring: Variables, modifiers, test runs.
        messages: Messages that flows could not process.
        files: Files that flows read and write.
        system: What the tenant says about itself.
        versions: What flows were.
        events: App events, and requests to the webhooks of components.
        telemetry: How much the flows do.
        gateways: What flows offer to MCP servers.
        dialect: Which spelling of the REST API is spoken.
    """

    def __init__(
        self,
        base_url: str,
        *,
        access_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        connect_timeout_s: float = 5.0,
        timeout_s: float = 30.0,
        max_answer_bytes: int = 10_000_000,
        dialect: Dialect = "appmixer",
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Sleep = anyio.sleep,
        signed_in_with: SignedInWith | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            base_url: Address of the tenant's API; a path in front of it is kept.
            access_token: From an earlier sign-in.
            username: With `password`, to sign in when there is no token or it is refused.
            password: See `username`.
            connect_timeout_s: For getting a connection.
            timeout_s: For one try, from the first byte sent to the last one read.
            max_answer_bytes: Larger answers are cut off and are an error.
            dialect: Which spelling of the REST API the tenant knows.
            transport: What carries requests instead of sockets; whoever made it closes it.
            sleep: What waits between tries.
            signed_in_with: What to call these credentials; by what they are if None.

        Raises:
            ConfigurationError: The base URL or the token is not usable.
        """
        self._exchange = Exchange(connect_timeout_s, timeout_s, max_answer_bytes, transport)
        session = SignIn(base_url, access_token, username, password, signed_in_with)
        self._transport = Transport(session, self._exchange, sleep)
        self.dialect = dialect
        self.users = Users(self._transport, dialect)
        self.flows = Flows(self._transport, dialect)
        self.stores = Stores(self._transport, dialect)
        self.accounts = Accounts(self._transport, dialect)
        self.logs = Logs(self._transport, dialect)
        self.tasks = Tasks(self._transport, dialect)
        self.charts = Charts(self._transport, dialect)
        self.components = Components(self._transport, dialect)
        self.authoring = Authoring(self._transport, dialect)
        self.messages = Messages(self._transport, dialect)
        self.files = Files(self._transport, dialect)
        self.system = System(self._transport, dialect)
        self.versions = Versions(self._transport, dialect)
        self.events = Events(self._transport, dialect)
        self.telemetry = Telemetry(self._transport, dialect)
        self.gateways = Gateways(self._transport, dialect)

    @property
    def signed_in_with(self) -> SignedInWith:
        """What signs calls that begin now."""
        return self._transport.session.signed_in_with

    @property
    def token_expires_at(self) -> datetime | None:
        """When the access token expires, read from it; None when it does not say, or is absent."""
        token = self._transport.session.token
        return expiry_of(token) if token else None

    @property
    def requests_sent(self) -> int:
        """HTTP requests so far, with repeated ones, redirects and sign-ins."""
        return self._exchange.requests_sent

    def set(self, key: str, value: str | None) -> None:
        """Change a setting for calls that begin from now on.

        Args:
            key: `base_url` or `access_token`, also in the SDK's spelling `baseUrl`, `accessToken`.
                Another base URL drops token, user name and password, which are not for it. A token
                drops user name and password, which may be another user's.
            value: None drops the token; a base URL is needed.

        Raises:
            InputError: There is no such setting.
            ConfigurationError: The value is not usable.
        """
        session = self._transport.session
        match _setting(key):
            case "base_url":
                base_url = checked_base_url(value or "")
                if base_url != session.base_url:
                    self._transport.session = SignIn(base_url)
            case "access_token":
                self._transport.session = SignIn(session.base_url, value)

    def get(self, key: str) -> str | None:
        """Return a setting, the counterpart of `set`; the token itself, so keep it from logs.

        Raises:
            InputError: There is no such setting.
        """
        session = self._transport.session
        return session.base_url if _setting(key) == "base_url" else session.token

    def on(self, event: Literal["error"], handler: Callable[[AppmixerError], None]) -> None:
        """Have a function called with the error of each request that fails from now on.

        Args:
            event: Only `error`.
            handler: Its argument's `code` is the HTTP status, 401 for a token that is not accepted.

        Raises:
            InputError: There is no such event.
        """
        if event != "error":
            raise InputError(f"There is no event {shown(event)}; the only one is 'error'.")
        self._transport.on_error(handler)

    async def aclose(self) -> None:
        """Close the connections; the next call would open new ones."""
        await self._exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        session = self._transport.session
        return f"AppmixerClient({session.base_url!r}, has_token={session.token is not None})"


def _setting(key: str) -> Literal["base_url", "access_token"]:
    match key:
        case "base_url" | "baseUrl":
            return "base_url"
        case "access_token" | "accessToken":
            return "access_token"
        case _:
            raise InputError(
                f"There is no setting {shown(key)}; there are 'base_url' and 'access_token'."
            )
