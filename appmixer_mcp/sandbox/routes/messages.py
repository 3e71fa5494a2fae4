"""Messages that could not be processed: seen, put back, thrown away."""

import json
import sqlite3

from typing_extensions import TypedDict

from appmixer_mcp.errors import ForbiddenError, NotFoundError
from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.routes.endpoint import LISTING, Call, Empty, Endpoint, Parameter
from appmixer_mcp.sandbox.sharing import readable_flow_ids

_SELECT = (  # without message_json, which is only there to put the message back
    "SELECT message_id, user_id, flow_id, component_id, messages_json, error_json, created_ms"
    " FROM unprocessed"
)
_VISIBLE = "(user_id = ? OR flow_id IN (SELECT value FROM json_each(?)))"


class UnprocessedMessage(TypedDict, total=False):
    """A message that failed for good; a projection leaves fields out."""

    messageId: str
    flowId: str
    componentId: str
    messages: dict[str, list[dict[str, Json]]]
    """In port -> what should have arrived there."""
    created: str
    err: str
    """The error as JSON text."""


class UnprocessedMessageOpenapi(UnprocessedMessage, total=False):
    """The same with the other document's names beside."""

    data: dict[str, list[dict[str, Json]]]
    createdAt: str


async def list_unprocessed_messages(call: Call) -> Json:
    """List the messages of the user's flows, and of those shared for reading, newest first."""
    asked = listing(call.query, identity="messageId", default_sort="created:-1")
    sql, values = f"{_SELECT} WHERE {_VISIBLE}", _visible_to(call)
    for parameter, column in (("flowId", "flow_id"), ("correlationId", "correlation_id")):
        if parameter in call.query:
            sql += f" AND {column} = ?"
            values.append(call.query[parameter])

    def all_read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        messages = [_shown(call, row) for row in connection.execute(sql, values).fetchall()]
        return asked.listed(messages, pattern_in=("err",))

    def page_read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        direction = "DESC" if asked.sort[0][1] else "ASC"
        page = f"{sql} ORDER BY created_ms {direction}, rowid LIMIT ? OFFSET ?"
        rows = connection.execute(page, (*values, asked.limit, asked.offset))
        return [asked.project(_shown(call, row)) for row in rows]

    sorted_by = [field for field, _ in asked.sort]
    is_plain = sorted_by == ["created"] and not asked.filters and not asked.pattern
    return await call.services.database.read(page_read if is_plain else all_read)


async def get_unprocessed_message(call: Call) -> UnprocessedMessage:
    """Show one message."""
    return _shown(call, _visible_row(call))


async def reprocess_message(call: Call) -> Empty:
    """Give a message back to its flow."""
    call.services.engine.retry_unprocessed(_own_row(call)["message_id"])
    return {}


async def delete_unprocessed_message(call: Call) -> Empty:
    """Throw a message away."""
    with call.services.database.transaction() as connection:
        message_id: str = _own_row(call)["message_id"]
        connection.execute("DELETE FROM unprocessed WHERE message_id = ?", (message_id,))
    return {}


def _visible_to(call: Call) -> list[str]:
    readable = readable_flow_ids(call.services.database.connection, call.user)
    return [call.user.user_id, json.dumps(readable)]


def _visible_row(call: Call) -> sqlite3.Row:
    row = call.services.database.row(
        f"{_SELECT} WHERE message_id = ? AND {_VISIBLE}",
        (call.path("messageId"), *_visible_to(call)),
    )
    if row is None:
        raise NotFoundError("Message not found.")
    return row


def _own_row(call: Call) -> sqlite3.Row:
    row = _visible_row(call)
    if row["user_id"] != call.user.user_id:
        raise ForbiddenError("The flow is shared with you; only its owner can do this.")
    return row


def _shown(call: Call, row: sqlite3.Row) -> UnprocessedMessage:
    messages = json.loads(row["messages_json"])
    created = iso(row["created_ms"])
    shown: UnprocessedMessage = {
        "messageId": row["message_id"],
        "flowId": row["flow_id"],
        "componentId": row["component_id"],
        "messages": messages,
        "created": created,
        "err": row["error_json"],
    }
    if call.services.config.dialect == "openapi":
        return UnprocessedMessageOpenapi(**shown, data=messages, createdAt=created)
    return shown


_LISTED = (*LISTING, Parameter(name="flowId"), Parameter(name="correlationId"))
ENDPOINTS = (
    Endpoint(
        "GET",
        "/unprocessed-messages",
        list_unprocessed_messages,
        query=_LISTED,
        answer=list[UnprocessedMessage],
        answer_openapi=list[UnprocessedMessageOpenapi],
    ),
    Endpoint(
        "GET",
        "/unprocessed-messages/{messageId}",
        get_unprocessed_message,
        answer=UnprocessedMessage,
        answer_openapi=UnprocessedMessageOpenapi,
    ),
    Endpoint(
        "POST",
        "/unprocessed-messages/{messageId}",
        reprocess_message,
        answer=Empty,
        statuses=(403, 409),
    ),
    Endpoint(
        "POST",
        "/unprocessed-messages/{messageId}/retry",
        reprocess_message,
        answer=Empty,
        statuses=(403, 409),
    ),
    Endpoint(
        "DELETE",
        "/unprocessed-messages/{messageId}",
        delete_unprocessed_message,
        answer=Empty,
        statuses=(403,),
    ),
)
