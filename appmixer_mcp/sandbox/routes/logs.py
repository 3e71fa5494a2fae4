"""Log records: searched, and looked at one by one."""

from typing import Any

from pydantic import BaseModel

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.log_query import log_search, one_record
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


class _Search(BaseModel):
    aggs: dict[str, Any] | None = None
    aggregations: dict[str, Any] | None = None


async def list_logs(call: Call) -> Json:
    """Search the user's records; the other dialect has a plain list of four fields each."""
    found = await _search(call)
    if call.services.config.dialect == "appmixer":
        return found
    return [
        {
            "timestamp": hit.get("gridTimestamp"),
            "flowId": hit.get("flowId"),
            "message": hit.get("err") or hit.get("msg", ""),
            "level": hit.get("severity"),
        }
        for hit in found["hits"]
    ]


async def search_logs(call: Call) -> Json:
    """Search with a body, which is there for aggregations."""
    body = await call.body(_Search)
    if body.aggs or body.aggregations:
        raise InputError("This version of the sandbox has no aggregations yet. Leave out aggs.")
    return {"aggregations": {}, **await _search(call)}


async def show_log(call: Call) -> Json:
    """Show one record; which index it lies in says its id well enough."""
    user_id, log_id = call.user.user_id, call.path("logId")
    record = await call.services.database.read(
        lambda connection: one_record(connection, user_id, log_id)
    )
    return {
        "_index": record["_index"],
        "_type": "engine",
        "_id": record["_id"],
        "_version": 1,
        "_source": record,
    }


async def _search(call: Call) -> dict[str, Json]:
    search = log_search(call.query, call.user.user_id, call.services.clock.now())
    return await call.services.database.read(search.run)


ENDPOINTS = (
    Endpoint("GET", "/logs", list_logs),
    Endpoint("POST", "/logs", search_logs),
    Endpoint("GET", "/log/{logIndex}/{logId}", show_log),
    Endpoint("GET", "/logs/{logIndex}/{logId}", show_log),
)
