"""What a client that wants to know hears while its call is under way."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio

from appmixer_mcp.asking import CallContext

logger = logging.getLogger(__name__)

Progress = Callable[[str], None]
"""Says what is being done from now on, such as `reads page 3`; empty for the call as a whole."""


@asynccontextmanager
async def reporting(
    what: str, context: CallContext | None, every_s: float
) -> AsyncGenerator[Progress]:
    """Tell the client now and then what is being done and for how long, until the block ends.

    A client that sent no progress token hears nothing, and a quick call says nothing.

    Args:
        what: Such as the name of the tool.
        context: The call's; None for a call that no client made.
        every_s: Between two reports, and before the first one.
    """
    if context is None or "progress_token" not in (context.request_context.meta or {}):
        yield unheard
        return
    reports = _Reports(what, context, every_s)
    failed: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reports.send)
        try:
            yield reports.now
        except Exception as error:  # noqa: BLE001 - raised below, where no group is put around it
            failed.append(error)
        tasks.cancel_scope.cancel()
    if failed:
        raise failed[0]


class _Reports:
    """The reports about one call."""

    def __init__(self, what: str, context: CallContext, every_s: float) -> None:
        self._what = what
        self._context = context
        self._every_s = every_s
        self._step = ""

    def now(self, step: str) -> None:
        self._step = f", {step}" if step else ""

    async def send(self) -> None:
        began = anyio.current_time()
        while True:
            await anyio.sleep(self._every_s)
            seconds = anyio.current_time() - began
            said = f"{self._what}{self._step}: {seconds:.0f} s"
            try:
                await self._context.report_progress(seconds, message=said)
            except Exception:
                # Whatever keeps a report from being sent must not end the call that it is about.
                logger.warning("The client cannot be told of progress.", exc_info=True)
                return


def unheard(_step: str) -> None:
    """Say it to nobody."""
