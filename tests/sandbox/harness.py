"""Runs flows on a sandbox engine until nothing is left to do, and tells what happened."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import anyio

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.component import Component, Handler, InPort, OutPort
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.egress import Outgoing
from appmixer_mcp.sandbox.engine import Engine, WebhookAnswer

Library = Callable[[str], Component | None]
USER_ID = "5f0000000000000000000001"


@dataclass(frozen=True)
class Run:
    """One flow on the engine."""

    sandbox: "Sandbox"
    flow_id: str

    async def idle(self) -> None:
        """Wait until nothing is in flight and nothing is due."""
        with anyio.fail_after(20):
            await self.sandbox.engine.wait_idle()

    async def turn(self, seconds: float) -> None:
        """Turn the clock and wait until what fell due has been done."""
        self.sandbox.clock.turn(timedelta(seconds=seconds))
        await self.idle()

    async def start(self) -> None:
        with anyio.fail_after(20):
            await self.sandbox.engine.start_flow(self.flow_id)
        await self.idle()

    async def stop(self) -> None:
        with anyio.fail_after(20):
            await self.sandbox.engine.stop_flow(self.flow_id)

    async def call(
        self,
        component_id: str,
        data: Json = None,
        *,
        method: str = "POST",
        query: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        enqueue_only: bool = False,
    ) -> WebhookAnswer:
        """Call a component's webhook and wait for the answer, then until the flow is idle."""
        call = WebhookCall(
            method=method, hostname="127.0.0.1", headers=headers or {}, query=query or {}, data=data
        )
        with anyio.fail_after(20):
            answer = await self.sandbox.engine.call_webhook(
                self.flow_id,
                component_id,
                call,
                correlation_id=correlation_id,
                enqueue_only=enqueue_only,
            )
        await self.idle()
        return answer

    @property
    def stage(self) -> str:
        """`stopped` or `running`."""
        rows = self.sandbox.rows("SELECT stage FROM flow WHERE flow_id = ?", self.flow_id)
        return str(rows[0]["stage"])

    def logs(self, **where: str) -> list[dict[str, Any]]:
        """Return log rows of the flow in the order written; `where` compares columns."""
        rows = self.sandbox.rows("SELECT * FROM log WHERE flow_id = ? ORDER BY seq", self.flow_id)
        return [row for row in rows if all(row[key] == value for key, value in where.items())]

    def sent(self, component_id: str, port: str = "out") -> list[Json]:
        """Return the contents that a component has sent from a port, in order."""
        rows = self.logs(component_id=component_id, port=port, port_type="out")
        return [json.loads(row["msg"]) for row in rows]

    def received(self, component_id: str, port: str = "in") -> list[Json]:
        """Return the transformed contents that have arrived at an in port, in order."""
        rows = self.logs(component_id=component_id, port=port, port_type="in")
        return [json.loads(row["msg"]) for row in rows]

    def errors(self, component_id: str | None = None) -> list[Json]:
        """Return the errors logged, each `{message, code, name}`, in order."""
        return [
            json.loads(row["err"])
            for row in self.logs(severity="error")
            if component_id in (None, row["component_id"])
        ]

    def unprocessed(self) -> list[dict[str, Any]]:
        """Return the rows of unprocessed messages, the oldest first."""
        return self.sandbox.rows(
            "SELECT * FROM unprocessed WHERE flow_id = ? ORDER BY created_ms, rowid", self.flow_id
        )

    def queued(self) -> list[dict[str, Any]]:
        """Return what is still to be done, timers, ticks and retries included."""
        return self.sandbox.rows(
            "SELECT * FROM message WHERE flow_id = ? ORDER BY due_ms, seq", self.flow_id
        )

    def state(self, component_id: str) -> dict[str, Json]:
        """Return what a component remembers."""
        rows = self.sandbox.rows(
            "SELECT key, value_json FROM state WHERE flow_id = ? AND component_id = ?",
            self.flow_id,
            component_id,
        )
        return {row["key"]: json.loads(row["value_json"]) for row in rows}

    def topics(self) -> list[str]:
        """Return the topics that components of the flow listen to, sorted."""
        rows = self.sandbox.rows(
            "SELECT topic FROM listener WHERE flow_id = ? ORDER BY topic", self.flow_id
        )
        return [row["topic"] for row in rows]


class Sandbox:
    """An engine at work on a database with one user."""

    def __init__(
        self, config: TenantConfig, database: Database, clock: ManualClock, engine: Engine
    ) -> None:
        self.config = config
        self.database = database
        self.clock = clock
        self.engine = engine

    def add(self, descriptor: Mapping[str, Json], *, name: str = "Test flow") -> Run:
        """Store a stopped flow."""
        flow_id, now_ms = str(uuid4()), to_ms(self.clock.now())
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO flow (flow_id, user_id, name, descriptor_json, stage, btime_ms,"
                " mtime_ms) VALUES (?, ?, ?, ?, 'stopped', ?, ?)",
                (flow_id, USER_ID, name, json.dumps(descriptor), now_ms, now_ms),
            )
        return Run(self, flow_id)

    async def run(self, descriptor: Mapping[str, Json], *, name: str = "Test flow") -> Run:
        """Store a flow, start it, and wait until it is idle."""
        run = self.add(descriptor, name=name)
        await run.start()
        return run

    def rows(self, sql: str, *values: str | int) -> list[dict[str, Any]]:
        return [dict(row) for row in self.database.rows(sql, values)]


@asynccontextmanager
async def open_sandbox(
    config: TenantConfig,
    clock: ManualClock,
    *,
    library: Library = components.find,
    outgoing: Outgoing | None = None,
) -> AsyncIterator[Sandbox]:
    """Open the database of a config and run an engine on it; leaving is as abrupt as a crash.

    A second one on the same config goes on where the first one ended.
    """
    config.data_dir.mkdir(exist_ok=True)
    database = Database(config.data_dir / "tenant.db")
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO user (user_id, username, email, password_hash, scope_json,"
            """ created_ms) VALUES (?, ?, ?, '', '["user"]', 0)""",
            (USER_ID, LOCAL_USER, LOCAL_USER),
        )
    own_outgoing = outgoing or Outgoing(config.egress, config.public_url)
    engine = Engine(config, database, clock, own_outgoing, library=library)
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(engine.run)
            yield Sandbox(config, database, clock, engine)
            tasks.cancel_scope.cancel()
    finally:
        if outgoing is None:
            await own_outgoing.aclose()
        database.close()


def entry(
    component_type: str,
    *sources: str | tuple[str, str] | tuple[str, str, str],
    properties: Mapping[str, Json] | None = None,
    fields: Mapping[str, Json] | None = None,
    **more: Json,
) -> dict[str, Json]:
    """Return a component entry of a descriptor.

    Args:
        component_type: Full type, or `controls.OnStart` for one of `appmixer.utils`.
        sources: What is linked to it: a component id (its port `out`), (id, out port), or
            (id, out port, in port).
        properties: `config.properties`.
        fields: The lambda of a json2new transform for each link; text may hold placeholders such
            as `{{{$.id.port.path}}}`. None means no transform: contents pass unchanged.
        more: Further keys of the entry, such as `errorHandling`.
    """
    full_type = component_type if component_type.count(".") == 3 else (
        f"appmixer.utils.{component_type}"
    )  # fmt: skip
    source: dict[str, dict[str, list[str]]] = {}
    transform: dict[str, dict[str, dict[str, Json]]] = {}
    for one in sources:
        link = (one, "out", "in") if isinstance(one, str) else (*one, "in")[:3]
        sender, out_port, in_port = link
        source.setdefault(in_port, {}).setdefault(sender, []).append(out_port)
        if fields is not None:
            lambda_ = {"type": "json2new", "modifiers": {}, "lambda": dict(fields)}
            transform.setdefault(in_port, {}).setdefault(sender, {})[out_port] = lambda_
    config = {"properties": dict(properties or {}), "transform": transform}
    return {"type": full_type, "source": source, "config": config, **more}


def probe(name: str, receive: Handler | None = None, **more: Any) -> Component:
    """Return a component of a test's own, `test.engine.probe.<name>`: one in port, `in` to `out`.

    `more` are further fields of Component.
    """
    facts: dict[str, Any] = {
        "type": f"test.engine.probe.{name}",
        "label": name,
        "description": "Made for a test.",
        "in_ports": (InPort(),),
        "out_ports": (OutPort(),),
        "receive": receive,
    }
    return Component(**(facts | more))


async def passes(context: Context) -> None:
    """Send on what was received; a handler for probes."""
    context.send("out", context.original_content)


async def emits_the_call(context: Context) -> None:
    """Send what a webhook was called with; a handler for probes."""
    context.send("out", context.webhook.data if context.webhook else None)


SOURCE = probe("Source", in_ports=(), webhook=True, on_webhook=emits_the_call)
"""A trigger that sends what its webhook is called with."""


def library_of(*own: Component) -> Library:
    """Return the component library with some of the test's own, SOURCE among them."""
    found = {component.type: component for component in (SOURCE, *own)}
    return lambda component_type: found.get(component_type) or components.find(component_type)
