"""Writes log records: messages in and out of components, errors, what a flow went through."""

from dataclasses import dataclass
from operator import attrgetter
from uuid import uuid4

from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps

LONGEST_TEXT = 100_000
"""Characters of a content that a log record keeps (ours)."""

_COLUMNS = (
    "user_id", "flow_id", "component_id", "component_type", "severity", "port", "port_type",
    "correlation_id", "sender_id", "sender_type", "sender_port", "at_ms", "msg", "err",
    "input_messages",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO log (log_id, {', '.join(_COLUMNS)}) "  # noqa: S608 - constants only
    f"VALUES (?{', ?' * len(_COLUMNS)})"
)
_values = attrgetter(*_COLUMNS)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRecord:
    """One row of the table `log`, whose comments say what the columns hold."""

    user_id: str
    flow_id: str
    at_ms: int
    component_id: str = ""
    component_type: str = ""
    severity: str = "info"
    port: str = ""
    port_type: str = ""
    correlation_id: str = ""
    sender_id: str = ""
    sender_type: str = ""
    sender_port: str = ""
    msg: str = ""
    err: str = ""
    input_messages: str = ""


def write(database: Database, record: LogRecord) -> None:
    """Store a record, in the caller's transaction."""
    database.connection.execute(_INSERT, (uuid4().hex, *_values(record)))


def shortened(json_text: str) -> str:
    """Return JSON text that is not too long for a record: as it is, or its beginning as a text."""
    if len(json_text) <= LONGEST_TEXT:
        return json_text
    return dumps(f"{json_text[:LONGEST_TEXT]}… (cut: {len(json_text):,} characters in all)")
