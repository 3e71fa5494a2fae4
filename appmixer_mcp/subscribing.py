"""Subscriptions to resources: the streams of today's clients and the requests of older ones."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    ListenHandler,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.connections import connection_of
from appmixer_mcp.errors import InputError, RateLimitedError
from appmixer_mcp.looking import TOOLS_OF_FLOWS, Topic, topic_of
from appmixer_mcp.notices import Notices, changed_by
from appmixer_mcp.session import current_session
from appmixer_mcp.state import SharedState
from appmixer_mcp.surface import Selection, current_selection
from appmixer_mcp.watching import Pace, Start, Watching

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from appmixer_mcp.options import CallLimits
    from appmixer_mcp.toolset import ResourceSpec

logger = logging.getLogger(__name__)

Find = Callable[[str], "tuple[ResourceSpec, Mapping[str, str]] | None"]
"""Returns the resource behind an address, if it is served to the caller."""

_OURS = "appmixer://"
_SESSION = "appmixer://session"
_FLOWS = "appmixer://flows"
_KEY = "subscriptions"
_LONGEST_STREAM = 65_536
"""What a client sends to open a stream is kept for as long as that is open."""
_LONGEST_URI = 2_048
_MOST_OF_A_CONNECTION = 256


class Subscriptions:
    """Tells clients of changed resources; of what their user may read, and asked to hear.

    Attributes:
        bus: Carries change notices.
    """

    def __init__(
        self,
        state: SharedState,
        interval_s: float,
        can_hear: Callable[[str], bool] = lambda _session_id: True,
    ) -> None:
        """Begin with nobody listening.

        Args:
            state: Carries notices between the workers.
            interval_s: Between two looks at what a user listens to, at least.
            can_hear: Says whether an older client of a session has a stream open to be told by.
        """
        self.bus = Notices(state)
        self._watching = Watching(self.bus.tell_here, self._start, Pace(interval_s))
        self._streams = ListenHandler(self.bus)
        self._can_hear = can_hear
        self._find: Find = lambda _uri: None
        self._limits: CallLimits | None = None
        self._flows_publish = False
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Be ready for requests, which are served as long as this lasts."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    def serve_on(
        self,
        server: Server[Any],
        find: Find,
        selection: Selection,
        limits: "CallLimits | None" = None,
    ) -> None:
        """Answer a server's requests for subscriptions.

        Args:
            server: Of the SDK.
            find: Knows our resources.
            selection: What is served, in which flows may change the list of tools.
            limits: Count a subscription as a call, for the tenant is asked because of it.
        """
        self._find = find
        self._limits = limits
        self._flows_publish = selection.offers_published
        add = server.add_request_handler
        add("subscriptions/listen", SubscriptionsListenRequestParams, self._listen)
        add("resources/subscribe", SubscribeRequestParams, self._subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    async def tell(
        self, further: Iterable[str], arguments: Mapping[str, Any], result: object
    ) -> None:
        """Tell of what a call of the request under way has changed.

        Args:
            further: Beside what the call names; `ToolSpec.changes`.
            arguments: As they were sent.
            result: Of the call.
        """
        changed = changed_by(further, arguments, result)
        for uri in changed:
            await self.bus.publish(ResourceUpdated(uri=uri))
            if uri == _SESSION:
                self._watching.look_now(current_session.get())
        if self._flows_publish and _FLOWS in changed:
            await self.bus.publish(ToolsListChanged())

    async def tell_of_tools(self, ctx: ServerRequestContext[Any, Any]) -> None:
        """Have an older client told from now on when flows publish other tools; once suffices."""
        connection = connection_of(ctx)
        if connection.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return
        topic = TOOLS_OF_FLOWS
        try:
            subscriber = self._subscriber_of(connection)
            if not subscriber.hears(topic.uri):
                can_hear = partial(self._hears, connection.session_id)
                subscriber.add(topic.uri, await self._listen_to([topic], can_hear))
        except MCPError as error:
            logger.warning("A client is not told of the tools that flows publish: %s", error)

    async def _listen(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve a stream; it acknowledges those resources that are served."""
        if len(repr(ctx.params)) > _LONGEST_STREAM:
            raise MCPError(INVALID_PARAMS, "The subscription names too much. Name fewer resources.")
        asked = params.notifications
        uris = [uri for uri in asked.resource_subscriptions or () if self._is_served(uri)]
        served = asked.model_copy(update={"resource_subscriptions": uris})
        topics = self._topics(uris)
        if asked.tools_list_changed and current_selection.get().offers_published:
            topics.append(TOOLS_OF_FLOWS)
        end = await self._listen_to(topics)
        try:
            return await self._streams(ctx, params.model_copy(update={"notifications": served}))
        finally:
            end()

    async def _subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        """Let an older client hear of a resource until it unsubscribes or leaves."""
        uri = params.uri
        if len(uri) > _LONGEST_URI or not self._is_served(uri):
            raise MCPError(
                INVALID_PARAMS,
                f"There is no resource {quoted(uri)} here. resources/list and "
                "resources/templates/list name those that there are.",
            )
        connection = connection_of(ctx)
        subscriber = self._subscriber_of(connection)
        if not subscriber.hears(uri):
            can_hear = partial(self._hears, connection.session_id)
            subscriber.add(uri, await self._listen_to(self._topics([uri]), can_hear))
        return EmptyResult()

    async def _unsubscribe(
        self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        subscriber = connection_of(ctx).state.get(_KEY)
        if isinstance(subscriber, _Subscriber):
            subscriber.remove(params.uri)
        return EmptyResult()

    def _subscriber_of(self, connection: Connection) -> "_Subscriber":
        subscriber = connection.state.get(_KEY)
        if not isinstance(subscriber, _Subscriber):
            subscriber = connection.state[_KEY] = _Subscriber(connection, self.bus, self._start)
        return subscriber

    def _start(self, function: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        if self._tasks is None:
            raise RuntimeError("Subscriptions are served within running() alone.")
        # What a request is known by must not be taken for what is done long after it.
        Context().run(self._tasks.start_soon, _alone, function, *arguments)

    def _is_served(self, uri: str) -> bool:
        """Say whether there may be such a resource; other parts than ours may serve any address."""
        return not uri.startswith(_OURS) or self._find(uri) is not None

    def _hears(self, session_id: str | None) -> bool:
        return session_id is None or self._can_hear(session_id)

    def _topics(self, uris: Iterable[str]) -> list[Topic]:
        found = [(uri, *resource) for uri in uris if (resource := self._find(uri))]
        asked = [topic_of(uri, spec.uri, values) for uri, spec, values in found]
        return [topic for topic in asked if topic is not None]

    async def _listen_to(
        self, topics: Collection[Topic], can_hear: Callable[[], bool] = lambda: True
    ) -> Callable[[], None]:
        """Have changes of these told from now on; returns what ends it."""
        if not topics:
            return lambda: None
        session = current_session.get()
        try:
            async with self._limits.call(session.principal) if self._limits else nullcontext():
                listener = self._watching.listen(session, topics, can_hear)
                try:
                    await listener.looked()
                except BaseException:  # whoever asked left meanwhile
                    listener.leave()
                    raise
        except (InputError, RateLimitedError) as error:
            raise MCPError(INVALID_REQUEST, str(error)) from error
        return listener.leave


class _Subscriber:
    """An older client: sends it what it subscribed to, while its connection lasts."""

    def __init__(self, connection: Connection, bus: Notices, start: Start) -> None:
        """Begin with no resource.

        Raises:
            MCPError: This user listens too often already.
        """
        self._connection = connection
        self._start = start
        self._ends: dict[str, Callable[[], None]] = {}
        self._changed: dict[str, None] = {}
        self._sending: anyio.CancelScope | None = None
        connection.exit_stack.callback(bus.subscribe(self._hear))
        connection.exit_stack.callback(self._end)

    def hears(self, uri: str) -> bool:
        """Say whether it has subscribed to a resource."""
        return uri in self._ends

    def add(self, uri: str, end: Callable[[], None]) -> None:
        """Send the changes of a resource from now on.

        Args:
            uri: The resource.
            end: Called when that is over.

        Raises:
            MCPError: It has subscribed to too many others.
        """
        if self.hears(uri):
            end()
            return
        if len(self._ends) >= _MOST_OF_A_CONNECTION:
            end()
            raise MCPError(
                INVALID_REQUEST,
                f"This connection has {_MOST_OF_A_CONNECTION} subscriptions, and no more may be. "
                "End some.",
            )
        self._ends[uri] = end

    def remove(self, uri: str) -> None:
        """Send no more of a resource."""
        self._changed.pop(uri, None)
        end = self._ends.pop(uri, None)
        if end is not None:
            end()

    def _hear(self, event: ServerEvent) -> None:
        uri = event.uri if isinstance(event, ResourceUpdated) else ""
        uri = TOOLS_OF_FLOWS.uri if isinstance(event, ToolsListChanged) else uri
        if uri in self._ends:
            self._changed[uri] = None
            if self._sending is None:
                self._sending = anyio.CancelScope()
                self._start(self._send, self._sending)

    async def _send(self, scope: anyio.CancelScope) -> None:
        """Send what has changed; a resource that changes again before it is sent is sent once."""
        try:
            with scope:
                while self._changed:
                    uri = next(iter(self._changed))
                    del self._changed[uri]
                    if uri == TOOLS_OF_FLOWS.uri:
                        await self._connection.send_tool_list_changed()
                    else:
                        await self._connection.send_resource_updated(uri)
        finally:
            self._sending = None

    def _end(self) -> None:
        for uri in list(self._ends):
            self.remove(uri)
        if self._sending is not None:
            self._sending.cancel()


async def _alone(function: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    try:
        await function(*arguments)
    except Exception:  # the boundary between what one client listens to and the server
        logger.exception("Somebody who listens is not told any more.")
