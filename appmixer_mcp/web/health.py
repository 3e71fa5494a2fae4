"""`/healthz`: the process is alive. `/readyz`: what it needs answers."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Check = Callable[[], Awaitable[object]]
"""Returns when what it asks has answered; raises when it does not."""

_LONGEST_S = 3.0
_BELIEVED_S = 2.0
_NOT_STORED = {"Cache-Control": "no-store"}

logger = logging.getLogger(__name__)


def health_routes(
    checks: Mapping[str, Check],
    *,
    longest_s: float = _LONGEST_S,
    clock: Callable[[], float] = time.monotonic,
) -> list[Route]:
    """Return the two routes.

    Args:
        checks: What `/readyz` asks, by the name that it shows of what does not answer.
        longest_s: How long it waits for an answer.
        clock: Seconds.
    """
    readiness = _Readiness(checks, longest_s, clock)
    return [Route("/healthz", _healthz), Route("/readyz", readiness.answer)]


async def _healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers=_NOT_STORED)


class _Readiness:
    """Asks all at once, and again after two seconds, however many want to know."""

    def __init__(
        self, checks: Mapping[str, Check], longest_s: float, clock: Callable[[], float]
    ) -> None:
        self._checks = checks
        self._longest_s = longest_s
        self._clock = clock
        self._lock = anyio.Lock()
        self._asked_at = -math.inf
        self._silent: list[str] = []

    async def answer(self, _request: Request) -> JSONResponse:
        async with self._lock:
            if self._clock() >= self._asked_at + _BELIEVED_S:
                await self._ask()
                self._asked_at = self._clock()
            silent = self._silent
        if not silent:
            return JSONResponse({"status": "ready"}, headers=_NOT_STORED)
        return JSONResponse(
            {"status": "unavailable", "does_not_answer": silent},
            HTTPStatus.SERVICE_UNAVAILABLE,
            _NOT_STORED,
        )

    async def _ask(self) -> None:
        why: dict[str, str] = {}
        async with anyio.create_task_group() as tasks:
            for name in self._checks:
                tasks.start_soon(self._ask_one, name, why)
        for name, reason in why.items():
            if name not in self._silent:
                logger.warning("not ready: %s does not answer (%s)", name, reason)
        self._silent = [name for name in self._checks if name in why]

    async def _ask_one(self, name: str, why: dict[str, str]) -> None:
        try:
            with anyio.fail_after(self._longest_s):
                await self._checks[name]()
        except Exception as error:  # noqa: BLE001 - the boundary: what breaks does not answer
            why[name] = str(error) or type(error).__name__
