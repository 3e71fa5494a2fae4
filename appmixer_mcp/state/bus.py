"""Who listens to which channel in this process."""

import logging
from collections.abc import Callable

from appmixer_mcp.state.protocol import Listener

logger = logging.getLogger(__name__)


class Bus:
    """Hands messages to the listeners of this process."""

    def __init__(self) -> None:
        self._channels: dict[str | bytes, dict[object, Listener]] = {}

    def subscribe(self, channel: str | bytes, listener: Listener) -> Callable[[], None]:
        """Let a listener hear a channel; returns what ends it."""
        ticket = object()  # one listener may be subscribed twice
        self._channels.setdefault(channel, {})[ticket] = listener

        def unsubscribe() -> None:
            listeners = self._channels.get(channel, {})
            listeners.pop(ticket, None)
            if not listeners:
                self._channels.pop(channel, None)

        return unsubscribe

    def deliver(self, channel: str | bytes, message: bytes) -> None:
        """Call everyone who listens to the channel, in the order in which they came."""
        listeners = self._channels.get(channel, {})
        for ticket in list(listeners):
            listener = listeners.get(ticket)
            if listener is None:  # an earlier listener unsubscribed it
                continue
            try:
                listener(message)
            except Exception:  # the boundary between whoever publishes and strangers who listen
                logger.exception("A listener failed; the others still hear the message.")
