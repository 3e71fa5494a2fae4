"""Requests that stay open for long, such as streams, end when their user is signed in no more."""

import logging
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager

import anyio

from appmixer_mcp.errors import AppmixerError, RateLimitedError
from appmixer_mcp.session import Session

EVERY_S = 30.0
_RETRY_AFTER_S = 5

logger = logging.getLogger(__name__)


class OpenRequests:
    """Knows the requests under way and whose they are."""

    def __init__(self, most_of_one: int) -> None:
        """Begin with none.

        Args:
            most_of_one: How many one user may have open.
        """
        self._most_of_one = most_of_one
        self._open: dict[anyio.CancelScope, Session] = {}

    def held(self, session: Session) -> AbstractContextManager[None]:
        """Serve a request of somebody; it is cancelled when they are signed in no more.

        Raises:
            RateLimitedError: They have too many open, and would leave nobody else room.
        """
        theirs = sum(one.principal == session.principal for one in self._open.values())
        if theirs >= self._most_of_one:
            raise RateLimitedError(
                f"{theirs} of your requests are open, and no more may. Wait for one to end.",
                retry_after_s=_RETRY_AFTER_S,
            )
        return self._held(session)

    @contextmanager
    def _held(self, session: Session) -> Generator[None]:
        with anyio.CancelScope() as scope:
            self._open[scope] = session
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
            for scope, session in list(self._open.items()):
                if scope in self._open and not await _is_signed_in(session):
                    scope.cancel()


async def _is_signed_in(session: Session) -> bool:
    try:
        return await session.is_signed_in()
    except AppmixerError as error:  # then nobody can tell, and the next look may
        logger.warning("Who has an open stream cannot be checked: %s", error)
        return True
    except Exception:  # a fault with one user's sign-in must not end the streams of all
        logger.exception("Who has an open stream cannot be checked.")
        return True
