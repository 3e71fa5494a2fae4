"""Who listens to what the tenant itself changes, and the looks at it while somebody does.

The tenant tells nobody of its changes. So it is asked again and again, but only about what somebody
listens to, and as they would ask: nobody hears of what they may not read.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import anyio

from appmixer_mcp.errors import AppmixerError, InputError, NotSignedInError, RateLimitedError
from appmixer_mcp.looking import GONE, Fact, Look, Topic, facts_of
from appmixer_mcp.session import Session, nobody_asked

logger = logging.getLogger(__name__)

Start = Callable[..., object]
"""Runs an async function beside everything else, in a context of its own."""
Tell = Callable[[str, str], None]
"""Takes the audience whose listeners hear it, and the address that has changed."""

_PATIENCE_S = 5.0
"""How long who joins waits for their first look, without which they are told once too often."""
_PAUSE_OF_A_LOOK = 3.0
"""After a look that took long, a pause that is so much longer."""
_REQUESTS_OF_AN_INTERVAL = 10
"""More of them make the pause longer."""
_MOST_REQUESTS_EARLY = 20
"""When so many were made since the last pause, who joins waits for the next one to end."""
_LONGEST_PAUSE_S = 30.0
_LONGEST_WANTED_S = 300.0
_MOST_FACTS = 400
"""Asked about for one user; a flow has two."""
_UNREAD = "unread"
"""Known of a fact that could not be asked for yet; once it is found, its listeners are told."""


@dataclass(frozen=True)
class Pace:
    """How often the tenant is looked at, and for how long."""

    interval_s: float
    """Between two looks, at least."""
    remembers_s: float = 10.0
    """How long what is known is kept when nobody listens, so that nobody comes and goes for it."""
    unheard_s: float = 60.0
    """How long there are looks for a client that cannot be told, such as between two streams."""
    watches: int = 50
    """So many may look within an interval; if there are more, each looks less often."""


class Watching:
    """One watch for each user who listens."""

    def __init__(self, tell: Tell, start: Start, pace: Pace) -> None:
        """Watch nothing yet.

        Args:
            tell: Is called for each address that has changed.
            start: Runs the watches.
            pace: Of the looks.
        """
        self._tell = tell
        self._start = start
        self._pace = pace
        self._watches: dict[str, _Watch] = {}

    def listen(
        self, session: Session, topics: Collection[Topic], can_hear: Callable[[], bool]
    ) -> "Listener":
        """Have somebody hear of changes, until they leave or their sign-in ends.

        Args:
            session: Theirs.
            topics: What they listen to.
            can_hear: Says whether there is a way to tell them now.

        Raises:
            InputError: That is too much for one user.
        """
        audience = session.audience
        watch = self._watches.get(audience)
        if watch is None or watch.is_over:
            watch = _Watch(lambda uri: self._tell(audience, uri), self._pace, self._crowd)
        listener = watch.join(session, topics, can_hear)
        if self._watches.get(audience) is not watch:
            self._watches[audience] = watch
            self._start(self._run, audience, watch)
        return listener

    def look_now(self, session: Session) -> None:
        """Look at once for a user who listens: the last look may have been another user's."""
        watch = self._watches.get(session.audience)
        if watch is not None:
            watch.look_now()

    def _crowd(self) -> float:
        """Return how many times longer each watch waits, so that all together ask no more."""
        return max(1.0, len(self._watches) / self._pace.watches)

    async def _run(self, audience: str, watch: "_Watch") -> None:
        try:
            await watch.run()
        finally:
            if self._watches.get(audience) is watch:
                del self._watches[audience]


class Listener:
    """Somebody who listens to some topics."""

    def __init__(
        self,
        watch: "_Watch",
        session: Session,
        topics: Collection[Topic],
        can_hear: Callable[[], bool],
    ) -> None:
        self.session = session
        self.topics = topics
        self.heard_at = anyio.current_time()
        self._watch = watch
        self._can_hear = can_hear
        self._is_known = anyio.Event()

    async def looked(self) -> None:
        """Return when what changes from now on is heard, or when that takes too long."""
        with anyio.move_on_after(_PATIENCE_S):
            await self._is_known.wait()

    def has_looked(self) -> None:
        """Have `looked` return."""
        self._is_known.set()

    def is_unheard(self, longest_s: float) -> bool:
        """Say whether nobody could have told them anything for so long."""
        now = anyio.current_time()
        if self._can_hear():
            self.heard_at = now
        return now - self.heard_at > longest_s

    def leave(self) -> None:
        """Listen no more; may be called again."""
        self._watch.leave(self)


class _Watch:
    """Looks, for the listeners of one user, until there are none.

    A look is either whole, after a pause, or early: when somebody joins, at what is new to the
    watch alone.

    Attributes:
        is_over: Whether nobody may join any more.
    """

    def __init__(self, tell: Callable[[str], None], pace: Pace, crowd: Callable[[], float]) -> None:
        self.is_over = False
        self._tell = tell
        self._pace = pace
        self._crowd = crowd
        self._listeners: dict[Listener, None] = {}
        self._waiting: list[Listener] = []
        self._known: dict[Fact, str] = {}
        """What was found longest ago comes first."""
        self._gone: dict[Fact, tuple[float, float]] = {}
        """Until when, and how long, something that is not there is not asked for."""
        self._due_at = self._looked_at = anyio.current_time()
        self._requests = 0
        """Made since the last pause."""
        self._failure: Exception | None = None
        self._failure_pause_s = 0.0
        self._is_due_now = False
        self._woken = anyio.Event()
        self._asking = anyio.CancelScope()

    def join(
        self, session: Session, topics: Collection[Topic], can_hear: Callable[[], bool]
    ) -> Listener:
        listener = Listener(self, session, topics, can_hear)
        if len(_facts_for([*self._listeners, listener])) > _MOST_FACTS:
            raise InputError(
                "You listen to more than can be watched for one user. End some subscriptions, or "
                "listen to appmixer://flows, which tells of every flow."
            )
        self._listeners[listener] = None
        self._waiting.append(listener)
        self._woken.set()
        return listener

    def look_now(self) -> None:
        # A tenant that fails is left alone, but for one that did not know who asked.
        if self._failure is None or isinstance(self._failure, NotSignedInError):
            self._is_due_now = True
            self._woken.set()

    def leave(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        if not self._listeners:
            self._asking.cancel()

    async def run(self) -> None:
        nobody_asked.set(True)
        try:
            while await self._is_listened_to():
                if not self._waiting and not self._is_due_now:
                    await self._woken_until(self._due_at)
                is_whole = self._is_due_now or anyio.current_time() >= self._due_at
                if is_whole or self._waiting:
                    await self._look(is_whole=is_whole)
        finally:
            self.is_over = True
            self._answer(len(self._waiting))

    async def _is_listened_to(self) -> bool:
        """Say whether somebody listens, or comes soon; until then what is known is kept."""
        until = max(self._due_at, anyio.current_time() + self._pace.remembers_s)
        while not self._listeners and anyio.current_time() < until:
            await self._woken_until(until)
        return bool(self._listeners)

    async def _woken_until(self, deadline: float) -> None:
        with anyio.CancelScope(deadline=deadline):
            await self._woken.wait()
        self._woken = anyio.Event()

    async def _look(self, *, is_whole: bool) -> None:
        joined = len(self._waiting)
        facts = _facts_for(self._hearing())
        new = [fact for fact in facts if fact not in self._known]
        if is_whole:
            self._is_due_now = False
            self._requests = 0
            now = anyio.current_time()
            wanted = new + [
                fact
                for fact in self._known
                if fact in facts and self._gone.get(fact, (0.0,))[0] <= now
            ]
        else:
            may_ask = self._failure is None and self._requests < _MOST_REQUESTS_EARLY
            wanted = new if may_ask else []
        if wanted:
            await self._ask(wanted, is_whole=is_whole)
        elif is_whole:
            self._pause(0.0, None, is_whole=True)
        unread = [fact for fact in new if fact not in self._known]
        self._known = dict.fromkeys(unread, _UNREAD) | self._known
        self._answer(joined)

    async def _ask(self, wanted: list[Fact], *, is_whole: bool) -> None:
        look: Look | None = None
        failure: Exception | None = None
        began = anyio.current_time()
        with anyio.CancelScope() as self._asking:  # what was found by then is kept
            try:
                session = await self._session()
                if session is None:
                    return
                client = await session.client()
                began = anyio.current_time()  # to open a client takes long, but once
                look = Look(client, wanted, self._known)
                await _run_as(session, look)
                failure = look.failure
            except AppmixerError as error:
                failure = error
            except Exception as error:  # the boundary between one user's watch and the server
                logger.exception("A look at what has changed failed.")
                failure = error
        if look is not None:
            self._requests += look.requests
            self._take(look.found)
        self._pause(anyio.current_time() - began, failure, is_whole=is_whole)

    def _hearing(self) -> list[Listener]:
        longest_s = self._pace.unheard_s
        return [one for one in self._listeners if not one.is_unheard(longest_s)]

    async def _session(self) -> Session | None:
        """Return a session to look with; whoever is signed in no more listens no more."""
        for listener in self._hearing():
            if listener in self._listeners:
                if await listener.session.is_signed_in():
                    return listener.session
                self.leave(listener)
        return None

    def _take(self, found: dict[Fact, str]) -> None:
        """Keep what was found, and tell what is not as it was."""
        changed = {fact for fact, now in found.items() if self._known.get(fact, now) != now}
        for fact, value in found.items():
            self._known.pop(fact, None)
            self._known[fact] = value
            self._rest(fact, is_gone=value == GONE)
        listeners = self._hearing()
        for topic in {topic for listener in listeners for topic in listener.topics}:
            if changed.intersection(topic.facts):
                self._tell(topic.uri)
        if listeners:
            facts = _facts_for(listeners)
            self._known = {fact: now for fact, now in self._known.items() if fact in facts}
            self._gone = {fact: rest for fact, rest in self._gone.items() if fact in facts}

    def _rest(self, fact: Fact, *, is_gone: bool) -> None:
        _, before_s = self._gone.pop(fact, (0.0, self._pace.interval_s))
        if is_gone:
            rest_s = min(2 * before_s, _LONGEST_PAUSE_S)
            self._gone[fact] = anyio.current_time() + rest_s, rest_s

    def _answer(self, count: int) -> None:
        for listener in self._waiting[:count]:
            listener.has_looked()
        del self._waiting[:count]

    def _pause(self, took_s: float, failure: Exception | None, *, is_whole: bool) -> None:
        """Say when the next whole look is due; early ones put it off only when they cost much."""
        now, interval_s = anyio.current_time(), self._pace.interval_s
        if failure is None:
            self._failure, self._failure_pause_s = None, 0.0
            if is_whole:
                self._looked_at = now
            longer = max(1.0, self._requests / _REQUESTS_OF_AN_INTERVAL) * self._crowd()
            slow_s = min(_PAUSE_OF_A_LOOK * took_s, _LONGEST_PAUSE_S)
            self._due_at = max(self._looked_at + longer * interval_s, now + slow_s)
            return
        if self._failure is None:
            logger.warning("What has changed cannot be seen now: %s", failure)
        self._failure = failure
        wanted_s = failure.retry_after_s if isinstance(failure, RateLimitedError) else None
        before_s = max(self._failure_pause_s, interval_s)
        self._failure_pause_s = min(2 * before_s, _LONGEST_PAUSE_S)
        self._due_at = now + max(self._failure_pause_s, min(wanted_s or 0.0, _LONGEST_WANTED_S))


def _facts_for(listeners: Iterable[Listener]) -> set[Fact]:
    return facts_of(topic for listener in listeners for topic in listener.topics)


async def _run_as(session: Session, look: Look) -> None:
    try:
        await look.run()
    except NotSignedInError:
        if session.how_to_sign_in:  # as when a call of theirs is refused
            await session.on_refused()
        raise
