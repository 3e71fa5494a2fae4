"""Works on due messages, several at once, and wakes when the next one falls due."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup, TaskStatus

from appmixer_mcp.sandbox.clock import Clock, from_ms, to_ms
from appmixer_mcp.sandbox.messages import Line, Message, MessageQueue

_AFTER_A_FAULT = timedelta(seconds=5)

logger = logging.getLogger(__name__)


class Workers:
    """Hands messages to `handle`, at most `concurrency` at once.

    Args:
        queue: Where messages are stored.
        line: In which order they are worked on.
        clock: Tells what is due.
        concurrency: How many at once.
        handle: Works on a message; when it returns, the message is gone or stored for later.
        takes_one: Whether the component of a message can take only one message at a time.
    """

    def __init__(
        self,
        queue: MessageQueue,
        line: Line,
        clock: Clock,
        *,
        concurrency: int,
        handle: Callable[[Message], Awaitable[None]],
        takes_one: Callable[[Message], bool],
    ) -> None:
        self._queue = queue
        self._line = line
        self._clock = clock
        self._concurrency = concurrency
        self._handle = handle
        self._takes_one = takes_one
        self._tasks: TaskGroup | None = None
        self._active = 0
        self._background = 0
        self._busy: set[tuple[str, str]] = set()
        self._in_hand: dict[str, tuple[str, anyio.CancelScope]] = {}
        self._seen_until_ms = -1  # what fell due up to here is in line
        self._sleep: anyio.CancelScope | None = None
        self._wakes_ms: int | None = None
        self._settled = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled; what is in hand then is still stored."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                self._look_for_due()
                task_status.started()
                await self._keep_time()
            finally:
                self._tasks = None

    def announce(self, message: Message) -> None:
        """Take notice of a message that has just been stored, due or not."""
        if message.due_ms <= self._now_ms():
            self._line.add(message)
            self._dispatch()
        elif self._sleep and (self._wakes_ms is None or message.due_ms < self._wakes_ms):
            self._sleep.cancel()

    def interrupt(self, flow_id: str) -> None:
        """End the work on messages of a flow that has been stopped or deleted."""
        self._line.leave_flow(flow_id)
        for in_hand_flow, scope in self._in_hand.values():
            if in_hand_flow == flow_id:
                scope.cancel()

    def start_soon(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run something beside the messages; without a running engine nothing happens."""
        if self._tasks is not None:
            self._background += 1
            self._tasks.start_soon(self._beside, function)

    async def wait_idle(self) -> None:
        """Return once nothing is in hand and nothing is due."""
        while self._active or self._background or self._queue.any_due(self._now_ms()):
            await self._settled.wait()

    def _dispatch(self) -> None:
        while self._tasks is not None and self._active < self._concurrency:
            message = self._take()
            if message is None:
                return
            self._active += 1
            self._tasks.start_soon(self._work, message)

    def _take(self) -> Message | None:
        message = self._line.take(self._now_ms(), self._busy)
        if message is not None and self._takes_one(message):
            self._busy.add((message.flow_id, message.component_id))
        return message

    async def _work(self, first: Message) -> None:
        message: Message | None = first
        try:
            while message is not None:
                with anyio.CancelScope() as scope:
                    self._in_hand[message.message_id] = (message.flow_id, scope)
                    await self._handle_or_wait(message)
                self._put_down(message)
                # Components may never wait for anything; others on this thread want to go on.
                await anyio.lowlevel.checkpoint()
                message = self._take()
        finally:
            self._active -= 1
            self._settle()

    async def _handle_or_wait(self, message: Message) -> None:
        try:
            await self._handle(message)
        except Exception:  # the disk may be full: the message is stored and must not be lost
            logger.exception("message %s could not be settled; it stays queued", message.message_id)
            await self._clock.sleep_until(self._clock.now() + _AFTER_A_FAULT)
            self._line.look_again(message.flow_id)

    def _put_down(self, message: Message) -> None:
        del self._in_hand[message.message_id]
        self._busy.discard((message.flow_id, message.component_id))
        self._line.release(message)

    async def _beside(self, function: Callable[[], Awaitable[None]]) -> None:
        try:
            await function()
        except Exception:  # what stops a flow must not stop the engine
            logger.exception("work beside the messages failed")
        finally:
            self._background -= 1
            self._settle()

    def _settle(self) -> None:
        if not (self._active or self._background):
            self._settled.set()
            self._settled = anyio.Event()

    async def _keep_time(self) -> None:
        while True:
            self._seen_until_ms = min(self._seen_until_ms, self._now_ms())  # a clock set back
            self._wakes_ms = self._queue.next_due_ms(self._seen_until_ms)
            with anyio.CancelScope() as self._sleep:
                if self._wakes_ms is None:
                    await anyio.sleep_forever()
                else:
                    await self._clock.sleep_until(from_ms(self._wakes_ms))
                    await anyio.lowlevel.checkpoint()
            self._look_for_due()

    def _look_for_due(self) -> None:
        now_ms = self._now_ms()
        for flow_id in self._queue.flows_due(self._seen_until_ms, now_ms):
            self._line.look_again(flow_id)
        self._seen_until_ms = now_ms
        self._dispatch()

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())
