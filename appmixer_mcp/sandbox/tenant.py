"""One sandbox tenant: its file, its engine and its HTTP interface, opened and closed together."""

import logging
import sqlite3
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

import anyio
import httpx2
from starlette.applications import Starlette

from appmixer_mcp.sandbox import demo, files, tasks
from appmixer_mcp.sandbox.app import create_app
from appmixer_mcp.sandbox.clock import Clock, RealClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.egress import Outgoing
from appmixer_mcp.sandbox.engine import Engine
from appmixer_mcp.sandbox.log_upkeep import keep_logs
from appmixer_mcp.sandbox.routes.endpoint import Services
from appmixer_mcp.sandbox.streams import Streams
from appmixer_mcp.sandbox.task_webhooks import TaskWebhooks
from appmixer_mcp.sandbox.users import Users

_BETWEEN_DUE_TASKS = timedelta(minutes=1)  # documented

logger = logging.getLogger(__name__)


class Tenant:
    """An Appmixer-compatible tenant.

    `async with Tenant(config) as tenant:` opens the file `tenant.db` in the data directory, fills
    an empty one with the demo when that is asked for, and runs its flows until the block ends.
    Whoever wants it on a socket serves `tenant.app`.
    """

    app: Starlette
    engine: Engine
    database: Database

    def __init__(self, config: TenantConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or RealClock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the file and begin to work.

        Raises:
            DatabaseError: The file was made by a newer version.
        """
        async with AsyncExitStack() as stack:
            config, clock = self._config, self._clock
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.database = Database(config.data_dir / "tenant.db")
            stack.callback(self.database.close)
            files.drop_unfinished(self.database)
            outgoing = Outgoing(config.egress, config.public_url)
            stack.push_async_callback(outgoing.aclose)
            streams = Streams()
            self.engine = Engine(config, self.database, clock, outgoing, streams=streams)
            self._task_webhooks = TaskWebhooks(self.database, clock, outgoing)
            services = Services(
                config=config,
                clock=clock,
                database=self.database,
                engine=self.engine,
                task_webhooks=self._task_webhooks,
                users=Users(config, self.database, clock),
                streams=streams,
            )
            self.app = create_app(services)
            outgoing.own = httpx2.ASGITransport(self.app)
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            await group.start(self.engine.run)
            self._tell_due_tasks()
            group.start_soon(self._watch_due_tasks)
            group.start_soon(keep_logs, self.database, clock, config.log_retention_s)
            group.start_soon(self._task_webhooks.run)
            if config.demo and services.users.none_yet():
                await demo.seed(services)
            else:
                await services.users.renew_local_password()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Stop working and close the file; what was accepted is in it."""
        return await self._stack.__aexit__(kind, error, traceback)

    async def _watch_due_tasks(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + _BETWEEN_DUE_TASKS)
            try:
                self._tell_due_tasks()
            except sqlite3.Error:  # the disk may be full; the next round finds them as well
                logger.exception("the tasks that are due could not be told")

    def _tell_due_tasks(self) -> None:
        with self.database.transaction():
            for task in tasks.mark_due(self.database, self._clock):
                self.engine.publish(f"task:{task['taskId']}", task)
                self._task_webhooks.fire(task["taskId"])
