"""Tools as an MCP client sees them, on a sandbox tenant."""

import json
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from mcp import Client
from pydantic import SecretStr

from appmixer_mcp.api import AppmixerClient, Dialect
from appmixer_mcp.journal import Journal
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.server import build_server
from appmixer_mcp.session import Session
from tests.blank_tenant import blank

BASE_URL = "http://127.0.0.1:2200"


class Tools:
    """Calls tools; every answer is checked to say the same in text and structured content."""

    def __init__(self, client):
        self.client = client

    async def __call__(self, name, /, **arguments):
        result = await self.client.call_tool(name, arguments)
        text = result.content[0].text
        assert not result.is_error, text
        assert json.loads(text) == result.structured_content
        return result.structured_content

    async def refused(self, name, /, **arguments):
        result = await self.client.call_tool(name, arguments)
        assert result.is_error, result.structured_content
        return result.content[0].text

    async def confirmed(self, name, /, **arguments):
        assert (await self(name, **arguments))["done"] is False
        return await self(name, **arguments, confirm=True)


def tenant_in(directory, **options):
    """Return a tenant, to be opened, that nobody has used."""
    config = TenantConfig(
        data_dir=blank(directory / "tenant"),
        public_url=BASE_URL,
        jwt_key=SecretStr("k" * 32),
        local_key=SecretStr("local-key"),
        demo=False,
        egress="off",
        **options,
    )
    return Tenant(config)


@pytest.fixture
async def tenant(tmp_path):
    async with tenant_in(tmp_path) as tenant:
        yield tenant


def session_on(
    tenant,
    *,
    username: str | None = LOCAL_USER,
    password: str | None = "local-key",
    transport=None,
    dialect: Dialect = "appmixer",
    **options,
):
    async def open_client(base_url):
        own = base_url == BASE_URL
        return AppmixerClient(
            base_url,
            username=username if own else None,
            password=password if own else None,
            transport=transport or httpx2.ASGITransport(app=tenant.app),
            dialect=dialect,
            sleep=without_waiting,
        )

    return Session(BASE_URL, open_client, **options)


def between(tenant, answer):
    """Return the way to a tenant, on which `answer` may answer a request in the tenant's place."""
    inside = httpx2.ASGITransport(app=tenant.app)

    async def carry(request):
        return answer(request) or await inside.handle_async_request(request)

    return httpx2.MockTransport(carry)


@asynccontextmanager
async def tools_on(tenant, *toolsets, mode="auto", session=None, transport=None, **options):
    """Give the tools of a server that acts on a tenant; all of them unless some are named."""
    session = session or session_on(tenant, transport=transport)
    served = ServerOptions(session=session, toolsets=toolsets or ("all",), **options)
    async with Client(build_server(served), mode=mode) as client:
        yield Tools(client)
    await session.aclose()


async def without_waiting(_seconds):
    await anyio.lowlevel.checkpoint()


async def as_user(tenant, method, path, body):
    """Call the API for what has no tool, as the local user."""
    token = await token_of(tenant)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=tenant.app), base_url=BASE_URL
    ) as http:
        answer = await http.request(
            method, path, json=body, headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.is_success, answer.text
    return answer.json()


async def token_of(tenant):
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=tenant.app), base_url=BASE_URL
    ) as http:
        body = {"username": LOCAL_USER, "password": "local-key"}
        return (await http.post("/user/auth", json=body)).json()["token"]


@pytest.fixture
async def journal(tmp_path):
    """Where the tools keep what they change."""
    journal = Journal(tmp_path / "journal.db")
    yield journal
    await journal.aclose()


def pytest_generate_tests(metafunc):
    """Have tests use `tools` in both eras, unless their module says that one shows it all."""
    if "tools" in metafunc.fixturenames:
        eras = getattr(metafunc.module, "ERAS", ("auto", "legacy"))
        metafunc.parametrize("tools", eras, indirect=True)


@pytest.fixture
async def tools(tenant, journal, request):
    """Tools in both protocol eras: without a handshake, and with the older one."""
    toolsets = getattr(request.module, "TOOLSETS", ())
    async with tools_on(tenant, *toolsets, mode=request.param, journal=journal) as tools:
        yield tools


@pytest.fixture
async def other_tools(tenant, journal):
    """The tools of another user of the same tenant."""
    nobody = session_on(tenant, username=None, password=None)
    async with tools_on(tenant, session=nobody, journal=journal) as other:
        await other("signup_user", username="eve@example.com", password="secret-of-eve")
        yield other


@pytest.fixture
async def webhook_flow(tools):
    """A stopped flow: a webhook whose requests are answered."""
    created = await tools("create_flow", name="Echo", descriptor=ECHO)
    return created["flow_id"]


ECHO = {
    "hook": {
        "type": "appmixer.utils.http.WebhookTrigger",
        "label": "Hook",
        "source": {},
        "config": {"properties": {"immediateResponse": False}},
    },
    "reply": {
        "type": "appmixer.utils.http.Response",
        "label": "Reply",
        "source": {"in": {"hook": ["request"]}},
        "config": {
            "transform": {
                "in": {
                    "hook": {
                        "request": {
                            "type": "json2new",
                            "lambda": {"body": "{{{b1}}}", "statusCode": 200},
                            "modifiers": {
                                "body": {"b1": {"variable": "$.hook.request.data", "functions": []}}
                            },
                        }
                    }
                }
            }
        },
    },
}
FAILING = {
    "start": {"type": "appmixer.utils.controls.OnStart", "source": {}},
    "save": {
        "type": "appmixer.utils.storage.Set",
        "label": "Save",
        "source": {"in": {"start": ["out"]}},
        "config": {
            "transform": {
                "in": {
                    "start": {
                        "out": {
                            "type": "json2new",
                            "lambda": {"storeId": "no-such-store", "key": "k", "value": "v"},
                            "modifiers": {},
                        }
                    }
                }
            }
        },
    },
}
