"""Who listens to what the tenant itself changes, and the looks at it while somebody does.

The tenant tells nobody of its changes. So it is asked again and again, but only about what somebody
listens to, and as they would ask: nobody hears of what they may not read.
"""

import logging
from collections.abc import Callable, Collection

import anyio

from appmixer_mcp.errors import AppmixerError, InputError, NotSignedInError, RateLimitedError
from appmixer_mcp.looking import Fact, Look, Watched, facts_of
from appmixer_mcp.session import Session, nobody_asked

logger = logging.getLogger(__name__)

Start = Callable[..., None]
"""Runs an async function beside everything else, in a context of its own."""
Tell = Callable[[str, str], None]
"""Takes the audience whose listeners hear it, and the address that has changed."""

_PATIENCE_S = 5.0
"""How long a listener waits for its first look, without which a change could be missed."""
_PAUSE_OF_A_LOOK = 3.0
"""After a look that took long, a pause that is so much longer."""
_REQUESTS_OF_AN_INTERVAL = 10
"""More of them make the pause longer."""
_LONGEST_PAUSE_S = 30.0
_LONGEST_WANTED_S = 300.0
_MOST_FACTS = 400
"""Asked about for one user; a flow has two."""
_UNREAD = "unread"


class Watching:
    """One watch for each user who listens."""

    def __init__(self, tell: Tell, start: Start, interval_s: float) -> None:
        """Watch nothing yet.

        Args:
            tell: Is called for each address that has changed.
            start: Runs the watches.
            interval_s: Between two looks, at least.
        """
        self._tell = tell
        self._start = start
        self._interval_s = interval_s
        self._watches: dict[str, _Watch] = {}

    def listen(self, session: Session, listened: Collection[Watched]) -> "Listening":
        """Have somebody hear of changes, until the listening ends or their sign-in does.

        Raises:
            InputError: That is too much for one user.
        """
        audience = session.audience
        watch = self._watches.get(audience)
        if watch is None or watch.is_over:
            watch = _Watch(lambda uri: self._tell(audience, uri), self._interval_s)
        listening = watch.join(session, listened)
        if self._watches.get(audience) is not watch:
            self._watches[audience] = watch
            self._start(self._run, audience, watch)
        return listening

    def look_now(self, session: Session) -> None:
        """Look at once for a user who listens: the last look may have been another user's."""
        watch = self._watches.get(session.audience)
        if watch is not None:
            watch.look_now()

    async def _run(self, audience: str, watch: "_Watch") -> None:
        try:
            await watch.run()
        finally:
            if self._watches.get(audience) is watch:
                del self._watches[audience]


class Listening:
    """Somebody listens to something."""

    def __init__(
        self, watch: "_Watch", session: Session, listened: Collection[Watched], looked: anyio.Event
    ) -> None:
        self.session = session
        self.listened = listened
        self._watch = watch
        self._looked = looked

    async def looked(self) -> None:
        """Return when what changes from now on is heard, or when that takes too long."""
        with anyio.move_on_after(_PATIENCE_S):
            await self._looked.wait()

    def end(self) -> None:
        """Listen no more; may be called again."""
        self._watch.leave(self)


class _Watch:
    """Looks, for the listeners of one user, until there are none.

    Attributes:
        is_over: Whether nobody may join any more.
    """

    def __init__(self, tell: Callable[[str], None], interval_s: float) -> None:
        self.is_over = False
        self._tell = tell
        self._interval_s = interval_s
        self._pause_s = 0.0
        self._is_failing = False
        self._listenings: dict[Listening, None] = {}
        self._known: dict[Fact, str] = {}
        self._waiting: list[anyio.Event] = []
        self._wanted = anyio.Event()
        self._scope = anyio.CancelScope()

    def join(self, session: Session, listened: Collection[Watched]) -> Listening:
        if len(facts_of([*self._listened(), *listened])) > _MOST_FACTS:
            raise InputError(
                "You listen to more than can be watched for one user. End some subscriptions, or "
                "listen to appmixer://flows, which tells of every flow."
            )
        looked = anyio.Event()
        listening = Listening(self, session, listened, looked)
        self._listenings[listening] = None
        self._waiting.append(looked)
        self.look_now()
        return listening

    def look_now(self) -> None:
        self._wanted.set()

    def leave(self, listening: Listening) -> None:
        self._listenings.pop(listening, None)
        if not self._listenings:
            self.is_over = True
            self._scope.cancel()

    async def run(self) -> None:
        nobody_asked.set(True)
        try:
            with self._scope:
                while self._listenings:
                    with anyio.move_on_after(self._pause_s):
                        await self._wanted.wait()
                    self._wanted = anyio.Event()
                    await self._look()
        finally:
            self.is_over = True
            self._release(len(self._waiting))

    async def _look(self) -> None:
        waiting, listened = len(self._waiting), self._listened()
        took_s, look = 0.0, None
        failure: Exception | None = None
        try:
            session = await self._session()
            if session is None:
                return
            look = Look(await session.client(), facts_of(listened), self._known)
            began = anyio.current_time()  # to open a client takes long, but once
            await _run_as(session, look)
            took_s, failure = anyio.current_time() - began, look.failure
        except AppmixerError as error:
            failure = error
        except Exception as error:  # the boundary between one user's watch and the server
            logger.exception("A look at what has changed failed.")
            failure = error
        self._take(listened, look.found if look else {})
        self._release(waiting)
        self._pause_s = self._pause_after(took_s, look.requests if look else 0, failure)

    def _listened(self) -> set[Watched]:
        return {one for listening in self._listenings for one in listening.listened}

    async def _session(self) -> Session | None:
        """Return a session to look with; whoever is signed in no more listens no more."""
        for listening in list(self._listenings):
            if listening in self._listenings:
                if await listening.session.is_signed_in():
                    return listening.session
                self.leave(listening)
        return None

    def _take(self, listened: Collection[Watched], found: dict[Fact, str]) -> None:
        """Keep what was found, and tell what is not as it was."""
        before = self._known
        self._known = {
            fact: found.get(fact, before.get(fact, _UNREAD)) for fact in facts_of(listened)
        }
        changed = {fact for fact, now in self._known.items() if before.get(fact, now) != now}
        for one in listened:
            if changed.intersection(one.facts):
                self._tell(one.uri)

    def _release(self, count: int) -> None:
        for looked in self._waiting[:count]:
            looked.set()
        del self._waiting[:count]

    def _pause_after(self, took_s: float, requests: int, failure: Exception | None) -> float:
        if failure is None:
            self._is_failing = False
            fair_s = self._interval_s * max(1.0, requests / _REQUESTS_OF_AN_INTERVAL)
            return max(fair_s, min(_PAUSE_OF_A_LOOK * took_s, _LONGEST_PAUSE_S))
        if not self._is_failing:
            self._is_failing = True
            logger.warning("What has changed cannot be seen now: %s", failure)
        wanted_s = failure.retry_after_s if isinstance(failure, RateLimitedError) else None
        longer_s = min(2 * max(self._pause_s, self._interval_s), _LONGEST_PAUSE_S)
        return max(longer_s, min(wanted_s or 0.0, _LONGEST_WANTED_S))


async def _run_as(session: Session, look: Look) -> None:
    try:
        await look.run()
    except NotSignedInError:
        if session.how_to_sign_in:  # as when a call of theirs is refused
            await session.on_refused()
        raise
