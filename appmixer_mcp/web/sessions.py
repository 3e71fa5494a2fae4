"""Whose session a request over HTTP belongs to."""

from typing import Any

from mcp.server.context import ServerRequestContext

from appmixer_mcp.connections import connection_of
from appmixer_mcp.session import Session
from appmixer_mcp.web.authentication import authenticated_session
from appmixer_mcp.wiring import Wiring

_KEY = "appmixer session"
_HOW_WITHOUT_A_SESSION = (
    "This client keeps no session, and the server acts as its operator. To act as somebody else, "
    "the operator changes APPMIXER_ACCESS_TOKEN or APPMIXER_USERNAME, or serves with --auth bearer "
    "or --auth oauth."
)


class OperatorSessions:
    """Mode `none`: everybody begins as the operator; a sign-in changes the calling session alone.

    Attributes:
        shared: Serves clients that keep no session; nobody can sign in through it.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self.shared = wiring.new_session(owner="operator", how_to_sign_in=_HOW_WITHOUT_A_SESSION)

    def new(self) -> Session:
        """Return the session of one SSE stream; whoever holds the stream closes it."""
        return self._wiring.new_session()

    def of(self, ctx: ServerRequestContext[Any, Any]) -> Session:
        """Return the session of an SSE stream, of an older client's session, or the shared one."""
        if isinstance(ctx.lifespan_context, Session):
            return ctx.lifespan_context
        connection = connection_of(ctx)
        if connection.session_id is None:
            return self.shared
        if _KEY not in connection.state:
            session = connection.state[_KEY] = self.new()
            connection.exit_stack.push_async_callback(session.aclose)
        found: Session = connection.state[_KEY]
        return found


def session_of_request(_ctx: ServerRequestContext[Any, Any]) -> Session:
    """Return the session of whoever sent the request; for the modes `bearer` and `oauth`."""
    return authenticated_session.get()
