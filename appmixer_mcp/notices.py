"""Change notices: a write through one worker is heard by listeners at every other one."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.subscriptions import ResourceUpdated, ServerEvent

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.session import calling
from appmixer_mcp.state import SharedState

logger = logging.getLogger(__name__)

_OBJECTS = {
    "flow_id": "appmixer://flows/{}",
    "store_id": "appmixer://stores/{}",
    "task_id": "appmixer://tasks/{}",
}
"""The resource behind each argument that names an object."""


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

    def __init__(self, state: SharedState) -> None:
        self._state = state

    async def publish(self, event: ServerEvent) -> None:
        """Tell the listeners of the user who caused it; only updated resources are told so far.

        Without what the workers share nobody hears it: what has changed has changed all the same.
        """
        if not isinstance(event, ResourceUpdated):
            return
        try:
            await self._state.publish(_channel(), event.uri.encode())
        except UnavailableError as error:
            logger.warning("A change notice is lost: %s", error)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Have `listener` hear what concerns the present user; returns what ends it."""
        return self._state.subscribe(
            _channel(), lambda uri: listener(ResourceUpdated(uri=uri.decode()))
        )


def _channel() -> str:
    return f"notices:{hashlib.sha256(calling.get().principal.encode()).hexdigest()}"
