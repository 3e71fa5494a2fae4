"""What stands before a tenant and lets requests wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.serving import serving


class Door:
    """Passes requests on to a tenant, but for those that it holds until their client hangs up.

    Attributes:
        url: Of the door.
        knocked: Set when a request is held.
        left: Set when whoever sent it has hung up.
    """

    def __init__(self, tenant: ASGIApp) -> None:
        self.url = ""
        self.hold("")
        self._tenant = tenant

    def hold(self, start: str) -> None:
        """Hold requests that begin so from now on, such as `GET /flows`; none if empty."""
        self._held = start
        self.knocked, self.left = anyio.Event(), anyio.Event()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Self]:
        """Serve on a free port."""
        async with serving(lambda _url: self, lifespan=False) as self.url:
            yield self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or wait for its client to hang up."""
        asked = f"{scope.get('method')} {scope['path']}"
        if not self._held or not asked.startswith(self._held):
            await self._tenant(scope, receive, send)
            return
        self.knocked.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()
