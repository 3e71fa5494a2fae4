"""Change notices: a write through one worker is heard by listeners at every other one."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
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

logger = logging.getLogger(__name__)

_OBJECTS = {"flow_id": "appmixer://flows/{}"}
"""The resource behind each argument that names an object."""
_LISTS: Mapping[bytes, ServerEvent] = {
    b"tools": ToolsListChanged(),
    b"prompts": PromptsListChanged(),
    b"resources": ResourcesListChanged(),
}
"""How workers call the lists among themselves; any other message is the URI of a resource."""
_MOST_OF_ONE = 64
"""How many streams of notices one user may have open in one process."""


def changed_by(arguments: Mapping[str, Any]) -> list[ServerEvent]:
    """Return what a call that changed something has changed, by the objects its arguments name."""
    return [
        ResourceUpdated(uri=pattern.format(arguments[name]))
        for name, pattern in _OBJECTS.items()
        if isinstance(arguments.get(name), str)
    ]


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

    async def publish(self, event: ServerEvent) -> None:
        """Tell the listeners of the user who caused it.

        Without what the workers share nobody hears it: what has changed has changed all the same.
        """
        try:
            await self._state.publish(_channel(), _written(event))
        except UnavailableError as error:
            logger.warning("A change notice is lost: %s", error)

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
        self._listening[channel] += 1
        unsubscribe = self._state.subscribe(channel, lambda message: listener(_read(message)))
        is_over = False

        def end() -> None:
            nonlocal is_over
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


def _channel() -> str:
    return f"notices:{hashlib.sha256(current_session.get().principal.encode()).hexdigest()}"
