"""What the MCP server is told when it is made."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.server.request_state import RequestStateSecurity

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.session import Session
from appmixer_mcp.subscribing import Subscriptions
from appmixer_mcp.surface import Selection

if TYPE_CHECKING:
    from appmixer_mcp.file_directory import FileDirectory
    from appmixer_mcp.journal import Journal
    from appmixer_mcp.profiles import Profiles

SessionOf = Callable[[ServerRequestContext[Any, Any]], Session]
"""Says whose session a request belongs to."""


class CallLimits(Protocol):
    """Bounds the tool calls of each user."""

    def call(self, principal: str) -> AbstractAsyncContextManager[None]:
        """Hold a place for a call; raises `RateLimitedError` when there is none."""
        ...

    def asking(self, principal: str) -> AbstractAsyncContextManager[None]:
        """Give a call's place back while the person is asked; raises `RateLimitedError`, too."""
        ...


class CallObserver(Protocol):
    """Hears of each tool call when it has ended."""

    def tool_called(self, tool: str, outcome: str, seconds: float) -> None:
        """Take note of a call: `done`, `asked`, `cancelled`, `crashed`, or the error's class."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What a server is told when it is made."""

    session: Session
    """Serves every request, unless `session_of` finds another."""
    session_of: SessionOf | None = None
    served_to: Callable[[ServerRequestContext[Any, Any], Selection], Selection] | None = None
    """Returns what is served to whoever sent a request; never more than the settings leave."""
    limits: CallLimits | None = None
    observer: CallObserver | None = None
    confirmations: Confirmations = field(default_factory=lambda: Confirmations("auto"))
    subscriptions: Subscriptions | None = None
    """Without, nobody can subscribe."""
    request_state: RequestStateSecurity | None = None
    """Seals what a client sends back; by a key of this process if None."""
    toolsets: tuple[str, ...] = ("default",)
    """Presets, groups and tools."""
    read_only: bool = False
    max_result_bytes: int = 20_000
    progress_every_s: float = 1.0
    journal: "Journal | None" = None
    """Keeps what writes replace; without it nothing can be undone."""
    files: "FileDirectory | None" = None
    """Where tools read and write files; without it they take and give content alone."""
    profiles: "Profiles | None" = None
    """The operator's other tenants; without them nothing is copied to another one."""
    broken: ConfigurationError | None = None
    """What the operator has to mend; named in the instructions."""
