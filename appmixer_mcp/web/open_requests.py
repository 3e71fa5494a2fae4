"""Requests that stay open for long, such as streams, end when their user is signed in no more."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from appmixer_mcp.errors import AppmixerError
from appmixer_mcp.web.authentication import Verified

EVERY_S = 30.0

logger = logging.getLogger(__name__)


class OpenRequests:
    """Knows the requests under way and whose they are."""

    def __init__(self) -> None:
        self._open: dict[anyio.CancelScope, Verified] = {}

    @contextmanager
    def held(self, verified: Verified) -> Generator[None]:
        """Serve a request of somebody; it is cancelled when they are signed in no more."""
        with anyio.CancelScope() as scope:
            self._open[scope] = verified
            try:
                yield
            finally:
                del self._open[scope]

    async def watch(self, every_s: float = EVERY_S) -> None:
        """End what is open of people who are signed in no more, until cancelled.

        Args:
            every_s: Between two looks.
        """
        while True:
            await anyio.sleep(every_s)
            for scope, verified in list(self._open.items()):
                if scope in self._open and not await _is_signed_in(verified):
                    scope.cancel()


async def _is_signed_in(verified: Verified) -> bool:
    try:
        return await verified.is_signed_in()
    except AppmixerError as error:  # then nobody can tell, and the next look may
        logger.warning("Who has an open stream cannot be checked: %s", error)
        return True
