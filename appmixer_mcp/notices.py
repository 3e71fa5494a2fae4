"""Change notices: a write through one worker is heard by listeners at every other one."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mcp.server.subscriptions import (
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_REQUEST

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.session import current_session
from appmixer_mcp.state import SharedState
from appmixer_mcp.state.bus import Bus

logger = logging.getLogger(__name__)

_OBJECTS = {
    "flow_id": ("appmixer://flows/{}", "appmixer://flows"),
    "account_id": ("appmixer://accounts/{}",),
    "store_id": ("appmixer://stores/{}",),
    "task_id": ("appmixer://tasks/{}",),
}
"""The resources that tell of the object which a call or its result names."""
_LISTS: Mapping[bytes, ServerEvent] = {
    b"tools": ToolsListChanged(),
    b"prompts": PromptsListChanged(),
    b"resources": ResourcesListChanged(),
}
"""How workers call the lists among themselves; any other message is the URI of a resource."""
_MOST_OF_ONE = 64
"""How many streams, and connections of older clients, may listen for one user in one process."""


def changed_by(further: Iterable[str], arguments: Mapping[str, Any], result: object) -> list[str]:
    """Return the addresses of what a call has changed.

    Args:
        further: Beside what the call names, of the flow that it names; with a `{flow_id}`, if any.
        arguments: As they were sent.
        result: Of the call, which names what was made.
    """
    named = {
        name: found
        for name in _OBJECTS
        if isinstance(found := getattr(result, name, None) or arguments.get(name), str)
    }
    addresses = [one.format(value) for name, value in named.items() for one in _OBJECTS[name]]
    return addresses + [one.format(flow_id=named.get("flow_id", "")) for one in further]


class Notices:
    """The SDK's `SubscriptionBus` over what the workers share.

    A listener hears only what concerns the user it listens for: the user of the request under way,
    both when it subscribes and when something is published.
    """

    def __init__(self, state: SharedState, *, most_of_one: int = _MOST_OF_ONE) -> None:
        """Begin with nobody listening.

        Args:
            state: Carries the notices between the workers.
            most_of_one: How many listeners one user may have, for the SDK bounds them only in all.
        """
        self._state = state
        self._most_of_one = most_of_one
        self._listening: Counter[str] = Counter()
        self._here = Bus()

    async def publish(self, event: ServerEvent) -> None:
        """Tell the listeners of the user who caused it.

        Without what the workers share nobody hears it: what has changed has changed all the same.
        """
        try:
            await self._state.publish(_channel(), _written(event))
        except UnavailableError as error:
            logger.warning("A change notice is lost: %s", error)

    def tell_here(self, audience: str, uri: str) -> None:
        """Tell the listeners of a user in this process: the other ones watch by themselves.

        Args:
            audience: That of the user's session.
            uri: What has changed.
        """
        self._here.deliver(_channel(audience), uri.encode())

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Have `listener` hear what concerns the present user; returns what ends it.

        Raises:
            MCPError: This user listens too often already.
        """
        channel = _channel()
        if self._listening[channel] >= self._most_of_one:
            raise MCPError(
                INVALID_REQUEST,
                f"{self._most_of_one} subscriptions of yours are open, and no more may. End some.",
            )

        def hear(message: bytes) -> None:
            listener(_read(message))

        self._listening[channel] += 1
        ends = [bus.subscribe(channel, hear) for bus in (self._state, self._here)]
        is_over = False

        def end() -> None:
            nonlocal is_over
            for unsubscribe in ends:
                unsubscribe()
            if not is_over:
                is_over = True
                self._listening[channel] -= 1
                self._listening += Counter()  # forgets whose count is 0

        return end


def _written(event: ServerEvent) -> bytes:
    if isinstance(event, ResourceUpdated):
        return event.uri.encode()
    return next(name for name, changed in _LISTS.items() if changed == event)


def _read(message: bytes) -> ServerEvent:
    return _LISTS.get(message) or ResourceUpdated(uri=message.decode())


def _channel(audience: str | None = None) -> str:
    whose = current_session.get().audience if audience is None else audience
    return f"notices:{hashlib.sha256(whose.encode()).hexdigest()}"
