"""Counting log records: what goes out, and what a tenant without it means."""

from typing import TYPE_CHECKING

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient, FlowId
from appmixer_mcp.errors import InputError

if TYPE_CHECKING:
    from .conftest import Backend

BY_SEVERITY = {"by": {"terms": {"field": "severity"}}}


async def test_records_are_counted_and_none_is_sent_along(
    backend: "Backend", client: AppmixerClient
) -> None:
    counted = {"by": {"buckets": [{"key": "error", "doc_count": 2}]}}
    backend.will(httpx2.Response(200, json={"aggregations": counted, "hits": []}))

    found = await client.logs.aggregate_logs(BY_SEVERITY, query="port:in", flow_ids=[FlowId("f1")])

    assert found is not None
    assert found.aggregations == counted
    assert backend.sent == ["POST /logs?query=port%3Ain&flowId=f1&size=0"]
    assert backend.bodies == [{"aggs": BY_SEVERITY}]


async def test_a_tenant_that_cannot_count_is_told_from_one_that_counts_nothing(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(404, json={"statusCode": 404}))

    assert await client.logs.aggregate_logs(BY_SEVERITY) is None


async def test_the_other_dialect_has_no_call_that_counts(backend: "Backend") -> None:
    with pytest.raises(InputError, match="aggregate_logs"):
        await backend.client(dialect="openapi").logs.aggregate_logs(BY_SEVERITY)
