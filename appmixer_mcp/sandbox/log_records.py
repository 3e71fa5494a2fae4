"""Log records as the API shows them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NotRequired, cast

from typing_extensions import TypedDict

from appmixer_mcp.sandbox.clock import from_ms, iso
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.log_ids import log_id

LogHit = TypedDict(
    "LogHit",
    {
        "_id": NotRequired[str],
        "_index": NotRequired[str],
        "severity": NotRequired[str],
        "@timestamp": NotRequired[str],
        "gridTimestamp": NotRequired[str],
        "flowId": NotRequired[str],
        "componentId": NotRequired[str],
        "componentType": NotRequired[str],
        "portType": NotRequired[str],
        "port": NotRequired[str],
        "senderId": NotRequired[str],
        "senderType": NotRequired[str],
        "senderPort": NotRequired[str],
        "correlationId": NotRequired[str],
        "type": NotRequired[str],
        "msg": NotRequired[Json],
        "err": NotRequired[str],
        "inputMessages": NotRequired[Json],
    },
)
"""A record; what is empty is left out, and what was not asked for."""


def hit_of(row: sqlite3.Row) -> LogHit:
    """Return a row of the table `log` as the API does."""
    at = iso(row["at_ms"])
    record: dict[str, Json] = {
        "_id": log_id(row["seq"]),
        "_index": f"appmixer-{from_ms(row['at_ms']):%Y%m}",
        "severity": row["severity"],
        "@timestamp": at,
        "gridTimestamp": at,
        "flowId": row["flow_id"],
        "componentId": row["component_id"],
        "componentType": row["component_type"],
        "portType": row["port_type"],
        "port": row["port"],
        "senderId": row["sender_id"],
        "senderType": row["sender_type"],
        "senderPort": row["sender_port"],
        "correlationId": row["correlation_id"],
        # The metrics page of Appmixer's command-line tool counts these alone.
        "type": "data" if row["port_type"] and row["msg"] else "",
        "msg": row["msg"],
        "err": row["err"],
        "inputMessages": parsed(row["input_messages"]),
    }
    return cast("LogHit", {field: value for field, value in record.items() if value != ""})


def rows_of(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[sqlite3.Row]:
    """Return the rows with these numbers, in their order."""
    marks = ", ".join("?" * len(seqs))
    rows = connection.execute(f"SELECT * FROM log WHERE seq IN ({marks})", seqs)  # noqa: S608 - question marks only
    found: dict[int, sqlite3.Row] = {row["seq"]: row for row in rows}
    return [found[seq] for seq in seqs if seq in found]  # one may have been removed meanwhile


def parsed(text: str) -> Json:
    """Return the value of a JSON text, or the text when it is none."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
