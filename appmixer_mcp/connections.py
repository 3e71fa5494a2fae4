"""Which connection a request came by."""

from typing import Any

from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """Return the connection of an older client, whose end is the end of its session.

    A message of a client of today has a connection of its own.
    """
    # The SDK has no public way to it.
    return ctx.session._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
