"""Charts: what somebody wants to see about their flows."""

import json
import secrets
import sqlite3
from typing import Any, Literal

from pydantic import BaseModel

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


class _Chart(BaseModel):
    name: str | None = None
    index: int | None = None
    type: Literal["bar", "line", "scatter", "area", "pie"] | None = None
    query: dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    traces: dict[str, Any] | None = None


async def list_charts(call: Call) -> Json:
    """List the user's charts, the latest change first."""
    asked = listing(call.query, default_sort="mtime:-1")
    rows = call.services.database.rows(
        "SELECT * FROM chart WHERE user_id = ?", (call.user.user_id,)
    )
    return asked.page(asked.select(map(_shown, rows), pattern_in=("name",)))


async def create_chart(call: Call) -> Json:
    """Store a chart."""
    body = await call.body(_Chart)
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


async def show_chart(call: Call) -> Json:
    """Show one chart."""
    return _shown(_row(call))


async def change_chart(call: Call) -> Json:
    """Replace the parts of a chart that are sent, and show it."""
    body = await call.body(_Chart)
    with call.services.database.transaction() as connection:
        row = _row(call)
        changed = json.loads(row["body_json"]) | body.model_dump(exclude_none=True)
        connection.execute(
            "UPDATE chart SET body_json = ?, mtime_ms = ? WHERE chart_id = ?",
            (dumps(changed), to_ms(call.services.clock.now()), row["chart_id"]),
        )
        return _shown(_row(call))


async def delete_chart(call: Call) -> Json:
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


def _shown(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "chartId": row["chart_id"],
        "id": row["chart_id"],
        "userId": row["user_id"],
        **json.loads(row["body_json"]),
        "mtime": iso(row["mtime_ms"]),
    }


ENDPOINTS = (
    Endpoint("GET", "/charts", list_charts),
    Endpoint("GET", "/insights", list_charts),
    Endpoint("POST", "/charts", create_chart),
    Endpoint("GET", "/charts/{chartId}", show_chart),
    Endpoint("PUT", "/charts/{chartId}", change_chart),
    Endpoint("DELETE", "/charts/{chartId}", delete_chart),
)
