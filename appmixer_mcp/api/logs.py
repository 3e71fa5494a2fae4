"""Log records: search, and one in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import call as calls
from .call import Call, json_body, path
from .dialect import missing, refuse_arguments
from .models.base import FlowId, LogId
from .models.logs import LogCounts, LogDetail, LogHit, LogPage
from .resource import Resource


class Logs(Resource):
    """The log records of the signed-in user's flows; written a moment after what they tell."""

    async def query_logs(
        self,
        *,
        query: str | None = None,
        flow_ids: Sequence[FlowId] = (),
        port_types: Sequence[str] = (),
        sort: Sequence[str] = (),
        size: int | None = None,
        from_: int | None = None,
        search_after: Sequence[str] = (),
        includes: Sequence[str] = (),
    ) -> LogPage:
        """Search the logs.

        Args:
            query: Lucene text, for example `severity:error AND componentId:abc`.
            flow_ids: Only these flows; none means all that the user may see.
            port_types: Out of `in` and `out`; none means both.
            sort: `field:asc` or `field:desc`, the first counts most, for example `@timestamp:desc`.
            size: Page size; the API's own default is 50.
            from_: Index of the first record, from 0.
            search_after: The sort values of the last record seen, one for each `sort`.
            includes: The only fields to send, for example `flowId`; none means all.

        Returns:
            Found records and their histogram by day; both may be empty. The `openapi` dialect takes
            one of `flow_ids`, `size` and `from_` alone, and sends no histogram.

        Raises:
            InputError: The query cannot be read, or the dialect has no such search.
        """
        if self._openapi:
            refuse_arguments(
                "query_logs",
                query=query,
                port_types=tuple(port_types),
                sort=tuple(sort),
                search_after=tuple(search_after),
                includes=tuple(includes),
            )
            if len(flow_ids) > 1:
                raise missing("query_logs with several flow_ids")
            asked = calls.query({"flowId": flow_ids, "limit": size, "offset": from_})
            found = await self._transport.request(Call("GET", path("logs"), asked), list[LogHit])
            return LogPage(hits=found)
        asked = calls.query(
            {
                "query": query,
                "flowId": flow_ids,
                "portType": port_types,
                "sort": sort,
                "size": size,
                "from": from_,
                "searchAfter": search_after,
                "includes": ",".join(includes) or None,
            }
        )
        return await self._transport.request(Call("GET", path("logs"), asked), LogPage)

    async def get_log(self, log_id: LogId, index: str) -> LogDetail:
        """Return one record with everything that was logged.

        Args:
            log_id: The record's `log_id` from `query_logs`.
            index: Its `index` from there.

        Raises:
            NotFoundError: There is none, or it is another user's.
        """
        self._needs_appmixer("get_log")
        call = Call(
            "GET",
            path("log", index, log_id),
            advice=calls.no_such("log record", log_id, "query_logs"),
        )
        return await self._transport.request(call, LogDetail)

    async def aggregate_logs(
        self,
        aggregations: Mapping[str, Any],
        *,
        query: str | None = None,
        flow_ids: Sequence[FlowId] = (),
    ) -> LogCounts | None:
        """Count records without sending any; None when the tenant cannot (404).

        Args:
            aggregations: Name to aggregation in Elasticsearch's form, such as `{"n": {"terms":
                {"field": "severity"}}}`.
            query: As for `query_logs`.
            flow_ids: Likewise.

        Raises:
            InputError: The query or an aggregation cannot be read.
        """
        self._needs_appmixer("aggregate_logs")
        call = Call(
            "POST",
            path("logs"),
            calls.query({"query": query, "flowId": flow_ids, "size": 0}),
            json_body({"aggs": dict(aggregations)}),
        )
        return await self._transport.find(call, LogCounts)
