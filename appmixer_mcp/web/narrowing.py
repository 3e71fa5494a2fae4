"""How much of what the operator serves a caller wants: less by header or by path, never more."""

from http import HTTPStatus
from typing import Any

from mcp.server.context import ServerRequestContext
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.connections import connection_of
from appmixer_mcp.errors import ConfigurationError, InputError
from appmixer_mcp.settings import listed
from appmixer_mcp.surface import Selection, chosen, load_toolsets
from appmixer_mcp.web.refusals import refusal

TOOLSETS = "X-Appmixer-Toolsets"
READ_ONLY = "X-Appmixer-Read-Only"

_KEY = "appmixer selection"
_LONGEST_NAME = 64
_BOOLEAN: TypeAdapter[bool] = TypeAdapter(bool)
"""Takes the same words as the settings do."""


def paths_below(path: str) -> list[str]:
    """Return a path of MCP, and those below it that ask for less."""
    return [path, f"{path}/readonly", f"{path}/x/{{groups}}", f"{path}/x/{{groups}}/readonly"]


class Narrowing:
    """Passes requests on with what they ask for; of header and path, only what is in both."""

    def __init__(self, app: ASGIApp, *, served: Selection) -> None:
        """Keep what is asked for where nothing is said.

        Args:
            app: Serves what is let through.
            served: What the operator's settings leave.
        """
        self._app = app
        self._served = served
        self._toolsets = load_toolsets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400."""
        try:
            scope[_KEY] = self._asked(scope)
        except InputError as error:
            answer = refusal(HTTPStatus.BAD_REQUEST, "invalid_request", str(error))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _asked(self, scope: Scope) -> Selection:
        headers = Headers(scope=scope)
        wished = _only_value(headers, READ_ONLY)
        read_only = scope["path"].endswith("/readonly") or (wished is not None and _boolean(wished))
        asked = self._served.without_writing() if read_only else self._served
        by_header = _only_value(headers, TOOLSETS)
        by_path: str | None = scope.get("path_params", {}).get("groups")
        for where, names in ((TOOLSETS, by_header), ("The path", by_path)):
            if names is not None:
                asked = asked.within(self._named(where, names))
        if not asked.offers_tools:
            served = ", ".join(name for name in self._toolsets if name in self._served.groups)
            raise InputError(f"This leaves no tools. The groups that are served here: {served}.")
        return asked

    def _named(self, where: str, names: str) -> Selection:
        given = [name[:_LONGEST_NAME] for name in listed(names)]
        try:
            return chosen(given or [""], self._toolsets)
        except ConfigurationError as error:
            raise InputError(f"{where}: {error}") from None


def asked_by(scope: Scope) -> Selection:
    """Return what a request that was passed on asks for."""
    asked: Selection = scope[_KEY]
    return asked


def keep_within(scope: Scope, bound: Selection) -> None:
    """Have a request that was passed on ask for no more than something else did."""
    scope[_KEY] = asked_by(scope).within(bound)


def served_to(ctx: ServerRequestContext[Any, Any], selection: Selection) -> Selection:
    """Return what whoever sent a message is served: `ServerOptions.served_to`.

    A session of an older client gets no more than it was opened with, whatever its later requests
    ask for.
    """
    request: Any = ctx.request  # each message over HTTP comes with its own
    asked = asked_by(request.scope)
    opened_with: Selection = connection_of(ctx).state.setdefault(_KEY, asked)
    return selection.within(opened_with).within(asked)


def _only_value(headers: Headers, name: str) -> str | None:
    """Return the value of a header; of two, nobody could tell which one is meant."""
    values = headers.getlist(name)
    if len(values) > 1:
        raise InputError(f"{name} is there {len(values)} times. Send it once.")
    return values[0] if values else None


def _boolean(text: str) -> bool:
    try:
        return _BOOLEAN.validate_python(text.strip())
    except ValidationError:
        raise InputError(f"{READ_ONLY} must be true or false.") from None
