"""A tenant with two users, each reached as any client would."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.logs import LogRecord
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.sandbox.users import Users

Client = httpx2.AsyncClient
Connect = Callable[[str], Client]
"""Gives a client of the user with that e-mail address, who is made on the spot."""
WriteLog = Callable[..., None]

ADMINISTRATOR = "root@example.com"
TRIGGER = "11111111-1111-4111-8111-111111111111"
STEP = "22222222-2222-4222-8222-222222222222"


def echo_flow() -> dict[str, Any]:
    """Return a flow with one webhook that answers with what it received."""
    return {TRIGGER: {"type": "appmixer.utils.http.WebhookTrigger", "label": "Webhook"}}


def failing_flow() -> dict[str, Any]:
    """Return a flow whose second step fails at once: there is no such data store."""
    fields = {"storeId": "none", "key": "k", "value": f"{{{{{{$.{TRIGGER}.out.started}}}}}}"}
    return {
        TRIGGER: {"type": "appmixer.utils.controls.OnStart"},
        STEP: {
            "type": "appmixer.utils.storage.Set",
            "source": {"in": {TRIGGER: ["out"]}},
            "config": {"transform": {"in": {TRIGGER: {"out": {"lambda": fields}}}}},
        },
    }


async def saved(client: Client, descriptor: dict[str, Any], name: str = "Flow") -> str:
    """Save a flow and return its id."""
    answer = await client.post("/flows", json={"name": name, "flow": descriptor})
    return str(answer.raise_for_status().json()["flowId"])


async def started(client: Client, descriptor: dict[str, Any]) -> str:
    """Save and start a flow and return its id."""
    flow_id = await saved(client, descriptor)
    answer = await client.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})
    answer.raise_for_status()
    return flow_id


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and message of an error, once its body is sure to be as documented."""
    body = answer.json()
    assert set(body) - {"details"} == {"statusCode", "error", "message"}
    assert body["statusCode"] == answer.status_code
    assert body["error"]
    return answer.status_code, body["message"]


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    """A tenant that knows an administrator."""
    return replace(config, admins=(ADMINISTRATOR,))


@pytest.fixture
async def tenant(config: TenantConfig, clock: ManualClock) -> AsyncIterator[Tenant]:
    async with Tenant(config, clock) as tenant:
        yield tenant


@pytest.fixture
async def visitor(tenant: Tenant, config: TenantConfig) -> AsyncIterator[Client]:
    """A client without a token."""
    transport = httpx2.ASGITransport(tenant.app)
    async with Client(transport=transport, base_url=config.public_url) as client:
        yield client


@pytest.fixture
async def connect(
    tenant: Tenant, config: TenantConfig, clock: ManualClock
) -> AsyncIterator[Connect]:
    users = Users(config, tenant.database, clock)
    async with AsyncExitStack() as stack:
        clients: list[Client] = []

        def connect(email: str) -> Client:
            token = users.token(users.add(email, email, "", {}))
            clients.append(
                Client(
                    transport=httpx2.ASGITransport(tenant.app),
                    base_url=config.public_url,
                    headers={"Authorization": f"Bearer {token}"},
                )
            )
            stack.push_async_callback(clients[-1].aclose)
            return clients[-1]

        yield connect


@pytest.fixture
def ann(connect: Connect) -> Client:
    return connect("ann@example.com")


@pytest.fixture
def bob(connect: Connect) -> Client:
    return connect("bob@example.com")


@pytest.fixture
async def write_log(ann: Client, tenant: Tenant) -> WriteLog:
    """Write a log record of Ann's flow f1; its `at` is a time of 2026-01-30, or a whole instant."""
    user_id = (await ann.get("/user")).json()["id"]

    def write(msg: Any, at: str = "10:00:00", **fields: str) -> None:
        instant = datetime.fromisoformat(at if "T" in at else f"2026-01-30T{at}")
        record = LogRecord(
            at_ms=to_ms(instant.replace(tzinfo=UTC)),
            msg=msg if isinstance(msg, str) else json.dumps(msg, ensure_ascii=False),
            **{"user_id": user_id, "flow_id": "f1", **fields},
        )
        with tenant.database.transaction():
            logs.write(tenant.database, record)

    return write


@pytest.fixture
def root(connect: Connect) -> Client:
    """A client of the administrator."""
    return connect(ADMINISTRATOR)
