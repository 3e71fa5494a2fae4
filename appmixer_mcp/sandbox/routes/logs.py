"""Log records: searched, counted, and looked at one by one."""

import json
from typing import Any, cast

from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.log_aggregations import aggregations
from appmixer_mcp.sandbox.log_conditions import ALWAYS, Condition, Reach
from appmixer_mcp.sandbox.log_counting import counted
from appmixer_mcp.sandbox.log_filters import condition_of
from appmixer_mcp.sandbox.log_index import index_all
from appmixer_mcp.sandbox.log_query import (
    Found,
    LogSearch,
    log_search,
    one_record,
)
from appmixer_mcp.sandbox.log_records import LogHit
from appmixer_mcp.sandbox.lucene import translate
from appmixer_mcp.sandbox.routes.endpoint import PAGE, Call, Endpoint, Parameter
from appmixer_mcp.sandbox.sharing import readable_flow_ids


class LogLine(TypedDict):
    """A record in the other dialect."""

    timestamp: str
    flowId: str
    message: str
    level: str


class Counted(Found):
    """What a search with aggregations found."""

    aggregations: dict[str, Json]


class LogDetail(TypedDict):
    """One record in the form of an Elasticsearch document."""

    _index: str
    _type: str
    _id: str
    _version: int
    _source: LogHit


class SearchBody(BaseModel):
    """A search in Elasticsearch's form; what the query string says too goes before it."""

    aggs: dict[str, Any] = Field(default_factory=dict)
    aggregations: dict[str, Any] = Field(default_factory=dict)
    query: str | dict[str, Any] | None = None
    size: int | None = Field(default=None, ge=0)
    from_: int | None = Field(default=None, ge=0, alias="from")
    sort: str | list[str | dict[str, Any]] | dict[str, Any] | None = None
    search_after: list[str | int] = Field(default_factory=list)

    def parameters(self) -> dict[str, list[str]]:
        """Return what the body says as a query string would; `query` is not part of it."""
        counts = {"size": self.size, "from": self.from_}
        sorts = self.sort if isinstance(self.sort, list) else [self.sort or ""]
        return {
            **{name: [str(count)] for name, count in counts.items() if count is not None},
            "sort": [text for one in sorts if (text := _sort(one))],
            "search_after": [str(value) for value in self.search_after],
        }


async def list_logs(call: Call) -> Found | list[LogLine]:
    """Search the user's log records; also returns how many there are on each day."""
    search = _search(call, call.query)
    database = call.services.database
    await index_all(database)
    if call.services.config.dialect == "appmixer":
        return await database.read(search.run)
    return [_line(hit) for hit in await database.read(search.hits)]


async def search_logs(call: Call) -> Counted:
    """Search the user's log records and count them in aggregations."""
    body = await call.body(SearchBody)
    now = call.services.clock.now()
    asked = aggregations(body.aggs | body.aggregations, now)
    given = call.query.multi_items()
    named = {name.removesuffix("[]") for name, _ in given}
    added = [
        (name, value)
        for name, values in body.parameters().items()
        for value in values
        if name not in named
    ]
    search = _search(call, QueryParams([*given, *added]), _condition(call, body.query))
    database = call.services.database
    await index_all(database)
    return await database.read(
        lambda connection: {
            "aggregations": counted(connection, search.present(connection), asked),
            **search.run(connection),
        }
    )


async def show_log(call: Call) -> LogDetail:
    """Show one log record; which index it lies in says its id well enough."""
    log_id = call.path("logId")
    reach = _reach(call)
    record = await call.services.database.read(
        lambda connection: one_record(connection, reach, log_id)
    )
    return {
        "_index": record.get("_index", ""),
        "_type": "engine",
        "_id": record.get("_id", ""),
        "_version": 1,
        "_source": record,
    }


def _search(call: Call, query: QueryParams, condition: Condition = ALWAYS) -> LogSearch:
    now = call.services.clock.now()
    return log_search(query, _reach(call), now).narrowed(condition)


def _condition(call: Call, query: str | dict[str, Any] | None) -> Condition:
    now = call.services.clock.now()
    return condition_of(query, now) if isinstance(query, dict) else translate(query or "", now)


def _reach(call: Call) -> Reach:
    database = call.services.database
    shared = readable_flow_ids(database.connection, call.user)
    rows = database.rows(
        "SELECT flow_id, user_id FROM flow WHERE flow_id IN (SELECT value FROM json_each(?))",
        (json.dumps(shared),),
    )
    return Reach(call.user.user_id, {row["flow_id"]: row["user_id"] for row in rows})


def _sort(asked: str | dict[str, Any]) -> str:
    """Return `field:desc` for `{"field": "desc"}` and `{"field": {"order": "desc"}}`."""
    if isinstance(asked, str):
        return asked
    if len(asked) != 1:
        raise InputError("An object in sort must have one key, the field.")
    field, direction = next(iter(asked.items()))
    if isinstance(direction, dict):
        direction = cast("dict[str, Json]", direction).get("order", "asc")
    return f"{field}:{direction}"


def _line(hit: LogHit) -> LogLine:
    return {
        "timestamp": hit.get("gridTimestamp", ""),
        "flowId": hit.get("flowId", ""),
        "message": hit.get("err") or str(hit.get("msg", "")),
        "level": hit.get("severity", ""),
    }


_QUERY = (
    Parameter(name="flowId", repeated=True),
    Parameter(name="portType", repeated=True, options=("in", "out")),
    Parameter(name="query"),
    Parameter(name="sort", repeated=True),
    Parameter(name="size", kind="integer"),
    Parameter(name="from", kind="integer"),
    Parameter(name="excludes"),
    Parameter(name="includes"),
    Parameter(name="trace", kind="boolean"),
)
_AFTER = Parameter(name="searchAfter", repeated=True)
_AFTER_BY_POST = Parameter(name="search_after", repeated=True)

ENDPOINTS = (
    Endpoint(
        "GET", "/logs", list_logs, query=(*_QUERY, _AFTER, *PAGE), answer=Found,
        answer_openapi=list[LogLine],
    ),
    Endpoint(
        "POST", "/logs", search_logs, query=(*_QUERY, _AFTER_BY_POST), body=SearchBody,
        answer=Counted,
    ),
    Endpoint("GET", "/log/{logIndex}/{logId}", show_log, answer=LogDetail),
    Endpoint("GET", "/logs/{logIndex}/{logId}", show_log, answer=LogDetail),
)  # fmt: skip
