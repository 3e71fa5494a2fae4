"""Messages that could not be processed."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import STEP, TRIGGER, Client, failing_flow, problem, started


@pytest.fixture
async def flow_id(ann: Client, tenant: Tenant) -> str:
    """A flow that has failed once."""
    flow_id = await started(ann, failing_flow())
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    return flow_id


async def test_a_failed_message_is_kept_with_its_error(ann: Client, flow_id: str) -> None:
    listed = (await ann.get("/unprocessed-messages")).json()

    shown = (await ann.get(f"/unprocessed-messages/{listed[0]['messageId']}")).json()
    assert listed == [shown]
    assert (shown["flowId"], shown["componentId"]) == (flow_id, STEP)
    assert "data store" in shown["err"]
    assert shown["messages"]["in"][0]["properties"]["destination"]["componentId"] == STEP


async def test_a_large_message_is_listed_with_the_beginning_of_its_content(
    ann: Client, tenant: Tenant
) -> None:
    descriptor = failing_flow()
    fields = descriptor[STEP]["config"]["transform"]["in"][TRIGGER]["out"]["lambda"]
    fields["value"] = "long " * 50_000
    await started(ann, descriptor)
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    answer = await ann.get("/unprocessed-messages")

    (message,) = answer.json()[0]["messages"]["in"]
    assert message["content"].startswith('{"storeId":"none"')
    assert message["properties"]["destination"]["componentId"] == STEP
    assert len(answer.content) < 200_000


async def test_messages_are_found_by_flow_and_correlation(ann: Client, flow_id: str) -> None:
    message = (await ann.get("/unprocessed-messages")).json()[0]
    correlation_id = message["messages"]["in"][0]["properties"]["correlationId"]

    async def found(**query: str) -> int:
        return len((await ann.get("/unprocessed-messages", params=query)).json())

    assert await found(flowId=flow_id) == await found(correlationId=correlation_id) == 1
    assert await found(flowId="other") == await found(correlationId="other") == 0
    assert await found(flowId=flow_id, offset="1") == 0


@pytest.mark.parametrize("more", [{}, {"pattern": "data store"}])
async def test_messages_are_listed_page_by_page_in_either_order(
    ann: Client, tenant: Tenant, clock: ManualClock, more: dict[str, str]
) -> None:
    flow_ids: list[str] = []
    for _ in range(3):
        flow_ids.append(await started(ann, failing_flow()))
        with anyio.fail_after(5):
            await tenant.engine.wait_idle()
        clock.turn(timedelta(seconds=1))

    async def listed(**query: str) -> list[str]:
        answer = await ann.get("/unprocessed-messages", params=query | more)
        return [message["flowId"] for message in answer.json()]

    assert await listed() == flow_ids[::-1]
    assert await listed(sort="created:1", limit="2") == flow_ids[:2]
    assert await listed(limit="1", offset="1") == flow_ids[1:2]


async def test_only_the_messages_of_the_page_are_read(
    ann: Client, tenant: Tenant, flow_id: str
) -> None:
    # One that nothing can read shows that it was left alone.
    tenant.database.connection.execute("UPDATE unprocessed SET messages_json = '{'")

    answer = await ann.get("/unprocessed-messages", params={"flowId": flow_id, "offset": "1"})

    assert answer.json() == []


@pytest.mark.parametrize("path", ["", "/retry"])
@pytest.mark.usefixtures("flow_id")
async def test_a_message_put_back_is_tried_again(ann: Client, tenant: Tenant, path: str) -> None:
    message_id = (await ann.get("/unprocessed-messages")).json()[0]["messageId"]

    answer = await ann.post(f"/unprocessed-messages/{message_id}{path}")
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()

    errors = (await ann.get("/logs", params={"query": "severity:error"})).json()["hits"]
    assert answer.json() == {}
    assert len(errors) == 2  # the first failure, and that of the repetition


async def test_a_message_of_a_stopped_flow_stays_where_it_is(ann: Client, flow_id: str) -> None:
    message_id = (await ann.get("/unprocessed-messages")).json()[0]["messageId"]
    await ann.put(f"/flows/{flow_id}/stop")

    answer = await ann.post(f"/unprocessed-messages/{message_id}/retry")

    assert problem(answer)[0] == 409
    assert (await ann.get(f"/unprocessed-messages/{message_id}")).status_code == 200


@pytest.mark.usefixtures("flow_id")
async def test_a_message_thrown_away_is_gone(ann: Client) -> None:
    path = (
        f"/unprocessed-messages/{(await ann.get('/unprocessed-messages')).json()[0]['messageId']}"
    )

    answer = await ann.delete(path)

    assert answer.json() == {}
    assert problem(await ann.get(path)) == (404, "Message not found.")
    assert problem(await ann.post(f"{path}/retry"))[0] == 404
    assert problem(await ann.delete(path))[0] == 404


class TestOtherDialect:
    @pytest.fixture
    def config(self, config: TenantConfig) -> TenantConfig:
        return replace(config, dialect="openapi")

    @pytest.mark.usefixtures("flow_id")
    async def test_the_other_dialect_has_its_own_names_for_it(
        self, ann: Client, clock: ManualClock
    ) -> None:
        shown = (await ann.get("/unprocessed-messages")).json()[0]

        assert shown["data"] == shown["messages"]
        assert shown["createdAt"] == shown["created"]
        assert clock.now().isoformat()[:10] in shown["createdAt"]
