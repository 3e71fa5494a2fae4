"""Messages that could not be processed: seen, put back, thrown away."""

import json
import sqlite3

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint

_SELECT = (  # without message_json, which is only there to put the message back
    "SELECT message_id, flow_id, component_id, messages_json, error_json, created_ms"
    " FROM unprocessed"
)


async def list_messages(call: Call) -> Json:
    """List the user's unprocessed messages, newest first."""
    asked = listing(call.query, default_sort="created:-1")
    sql, values = f"{_SELECT} WHERE user_id = ?", [call.user.user_id]
    for parameter, column in (("flowId", "flow_id"), ("correlationId", "correlation_id")):
        if parameter in call.query:
            sql += f" AND {column} = ?"
            values.append(call.query[parameter])

    def all_read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        messages = [_shown(call, row) for row in connection.execute(sql, values).fetchall()]
        return asked.page(asked.select(messages, pattern_in=("err",)))

    def page_read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        direction = "DESC" if asked.sort[0][1] else "ASC"
        page = f"{sql} ORDER BY created_ms {direction}, rowid LIMIT ? OFFSET ?"
        rows = connection.execute(page, (*values, asked.limit, asked.offset))
        return [asked.project(_shown(call, row)) for row in rows]

    sorted_by = [field for field, _ in asked.sort]
    is_plain = sorted_by == ["created"] and not asked.filters and not asked.pattern
    return await call.services.database.read(page_read if is_plain else all_read)


async def show_message(call: Call) -> Json:
    """Show one message."""
    return _shown(call, _row(call))


async def retry_message(call: Call) -> Json:
    """Give a message back to its flow."""
    call.services.engine.retry_unprocessed(_row(call)["message_id"])
    return {}


async def delete_message(call: Call) -> Json:
    """Throw a message away."""
    with call.services.database.transaction() as connection:
        message_id: str = _row(call)["message_id"]
        connection.execute("DELETE FROM unprocessed WHERE message_id = ?", (message_id,))
    return {}


def _row(call: Call) -> sqlite3.Row:
    row = call.services.database.row(
        f"{_SELECT} WHERE message_id = ? AND user_id = ?",
        (call.path("messageId"), call.user.user_id),
    )
    if row is None:
        raise NotFoundError("Message not found.")
    return row


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    messages = json.loads(row["messages_json"])
    created = iso(row["created_ms"])
    shown: dict[str, Json] = {
        "messageId": row["message_id"],
        "flowId": row["flow_id"],
        "componentId": row["component_id"],
        "messages": messages,
        "created": created,
        "err": row["error_json"],
    }
    if call.services.config.dialect == "openapi":
        shown |= {"data": messages, "createdAt": created}
    return shown


ENDPOINTS = (
    Endpoint("GET", "/unprocessed-messages", list_messages),
    Endpoint("GET", "/unprocessed-messages/{messageId}", show_message),
    Endpoint("POST", "/unprocessed-messages/{messageId}", retry_message),
    Endpoint("POST", "/unprocessed-messages/{messageId}/retry", retry_message),
    Endpoint("DELETE", "/unprocessed-messages/{messageId}", delete_message),
)
