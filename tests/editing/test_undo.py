"""Edits of flows of a tenant, taken back one by one."""

import json
from contextlib import asynccontextmanager

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.journal import Journal
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from tests.editing.flows import descriptors, operations
from tests.editing.sandbox_types import ON_START
from tests.tools.conftest import as_user, session_on, tenant_in

pytestmark = pytest.mark.long

_SOME = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@asynccontextmanager
async def opened(directory):
    """Open a client of a server that asks nobody, and the tenant behind it."""
    async with tenant_in(directory) as tenant:
        session, journal = session_on(tenant), Journal(directory / "journal.db")
        options = ServerOptions(
            session=session,
            toolsets=("all",),
            journal=journal,
            confirmations=Confirmations("off"),
        )
        async with Client(build_server(options)) as client:
            yield client, tenant
        await journal.aclose()
        await session.aclose()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undo")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(directory)) as (client, tenant),
    ):
        yield Server(portal, client, tenant)


class Server:
    """Calls tools and the tenant, from a test that Hypothesis runs again and again."""

    def __init__(self, portal, client, tenant):
        self.portal = portal
        self.client = client
        self.tenant = tenant

    def call(self, tool, **arguments):
        """Return a result; None where the call was refused."""
        result = self.portal.call(self.client.call_tool, tool, arguments)
        return None if result.is_error else result.structured_content

    def flow(self, flow_id):
        """Return a flow's descriptor as the tenant has it, in its order."""
        return self.portal.call(as_user, self.tenant, "GET", f"/flows/{flow_id}", None)["flow"]


@_SOME
@given(descriptor=descriptors(), data=st.data())
def test_edits_taken_back_one_by_one_end_at_the_flow_byte_for_byte(server, descriptor, data):
    made = server.call("create_flow", name="Flow", descriptor=descriptor)
    flow_id, version = made["flow_id"], made["version"]
    texts, changes = [json.dumps(server.flow(flow_id))], []

    for number in range(data.draw(st.integers(1, 5))):
        flow = server.flow(flow_id)
        batch = [
            data.draw(operations(flow, f"new {number} {one}"))
            for one in range(data.draw(st.integers(1, 3)))
        ]
        result = server.call("edit_flow", flow_id=flow_id, base_version=version, operations=batch)
        text = json.dumps(server.flow(flow_id))
        if result is None or "change_id" not in result:
            assert text == texts[-1]
            continue
        version = result["version"]
        texts.append(text)
        changes.append(result["change_id"])
    for change_id in reversed(changes):
        texts.pop()
        assert server.call("undo_change", change_id=change_id)["done"]
        assert json.dumps(server.flow(flow_id)) == texts[-1]


def test_a_flow_of_two_megabytes_is_edited(server):
    start = {"type": ON_START, "config": {"properties": {"text": "x" * 180}}}
    flow = {f"c{number}": start | {"label": f"Step {number}"} for number in range(6_000)}
    made = server.call("create_flow", name="Large", descriptor=flow)
    operation = {"op": "rename", "component": "Step 77", "label": "Found"}

    result = server.call(
        "edit_flow",
        flow_id=made["flow_id"],
        base_version=made["version"],
        operations=[operation],
    )

    assert result["diff"] == ["~ 'Found': label: 'Step 77' -> 'Found'"]
