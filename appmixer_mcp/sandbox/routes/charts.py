"""Charts: what somebody wants to see about their flows. `POST /logs` counts what they show."""

import json
import secrets
import sqlite3
from typing import Any, Literal, NotRequired, cast

from pydantic import BaseModel
from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.routes.endpoint import LISTING, Call, Endpoint

_Type = Literal["bar", "line", "scatter", "area", "pie"]


class ChartWrite(BaseModel):
    """What can be said of a chart; when one is made, everything has a default."""

    name: str | None = None
    index: int | None = None
    type: _Type | None = None
    query: dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    traces: dict[str, Any] | None = None


class Chart(TypedDict):
    """A chart; `id` is what the other dialect calls `chartId`."""

    chartId: str
    id: NotRequired[str]
    userId: NotRequired[str]
    name: NotRequired[str]
    index: NotRequired[int]
    type: NotRequired[_Type]
    query: NotRequired[dict[str, Json]]
    options: NotRequired[dict[str, Json]]
    traces: NotRequired[dict[str, Json]]
    mtime: NotRequired[str]


class ChartId(TypedDict):
    """Which chart it is."""

    chartId: str


async def list_charts(call: Call) -> Json:
    """List the user's charts, the latest change first."""
    asked = listing(call.query, identity="chartId", default_sort="mtime:-1")
    rows = call.services.database.rows(
        "SELECT * FROM chart WHERE user_id = ?", (call.user.user_id,)
    )
    return asked.page(asked.select(map(_shown, rows), pattern_in=("name",)))


async def create_chart(call: Call) -> ChartId:
    """Store a chart."""
    body = await call.body(ChartWrite)
    chart_id = secrets.token_hex(12)
    defaults: dict[str, Json] = {
        "name": "Chart", "index": 0, "type": "bar", "query": {}, "options": {}, "traces": {}
    }  # fmt: skip
    with call.services.database.transaction() as connection:
        connection.execute(
            "INSERT INTO chart VALUES (?, ?, ?, ?)",
            (
                chart_id,
                call.user.user_id,
                dumps(defaults | body.model_dump(exclude_none=True)),
                to_ms(call.services.clock.now()),
            ),
        )
    return {"chartId": chart_id}


async def show_chart(call: Call) -> Chart:
    """Show one chart."""
    return _shown(_row(call))


async def change_chart(call: Call) -> Chart:
    """Replace the parts of a chart that are sent, and show it."""
    body = await call.body(ChartWrite)
    with call.services.database.transaction() as connection:
        row = _row(call)
        changed = json.loads(row["body_json"]) | body.model_dump(exclude_none=True)
        connection.execute(
            "UPDATE chart SET body_json = ?, mtime_ms = ? WHERE chart_id = ?",
            (dumps(changed), to_ms(call.services.clock.now()), row["chart_id"]),
        )
        return _shown(_row(call))


async def delete_chart(call: Call) -> ChartId:
    """Delete a chart."""
    with call.services.database.transaction() as connection:
        chart_id: str = _row(call)["chart_id"]
        connection.execute("DELETE FROM chart WHERE chart_id = ?", (chart_id,))
    return {"chartId": chart_id}


def _row(call: Call) -> sqlite3.Row:
    row = call.services.database.row(
        "SELECT * FROM chart WHERE chart_id = ? AND user_id = ?",
        (call.path("chartId"), call.user.user_id),
    )
    if row is None:
        raise NotFoundError("Chart not found.")
    return row


def _shown(row: sqlite3.Row) -> Chart:
    body: dict[str, Json] = json.loads(row["body_json"])
    ids = {"chartId": row["chart_id"], "id": row["chart_id"], "userId": row["user_id"]}
    return cast("Chart", {**ids, **body, "mtime": iso(row["mtime_ms"])})


ENDPOINTS = (
    Endpoint("GET", "/charts", list_charts, query=LISTING, answer=list[Chart]),
    Endpoint("GET", "/insights", list_charts, query=LISTING, answer=list[Chart]),
    Endpoint("POST", "/charts", create_chart, body=ChartWrite, answer=ChartId),
    Endpoint("GET", "/charts/{chartId}", show_chart, answer=Chart),
    Endpoint("PUT", "/charts/{chartId}", change_chart, body=ChartWrite, answer=Chart),
    Endpoint("DELETE", "/charts/{chartId}", delete_chart, answer=ChartId),
)
