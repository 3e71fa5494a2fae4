"""Writes log records: messages in and out of components, errors, what a flow went through."""

import re
from dataclasses import dataclass
from operator import attrgetter

from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.log_ids import first_seq, last_seq

LONGEST_TEXT = 100_000
"""Characters of a content that a log record keeps (ours)."""

# A header that signs a request, in JSON text or in JSON text that is a text in it.
_SIGNING = re.compile(
    r"""(?P<name>"(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key)"\s*:\s*")(?:\\.|[^"\\])*"
    | (?P<inner>\\"(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key)\\"\s*:\s*\\")
      (?:\\\\\\.|\\\\[^"\\]|[^"\\])*\\" """,
    re.IGNORECASE | re.VERBOSE,
)
_COLUMNS = (
    "user_id", "flow_id", "component_id", "component_type", "severity", "port", "port_type",
    "correlation_id", "sender_id", "sender_type", "sender_port", "msg", "err", "input_messages",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO log (seq, {', '.join(_COLUMNS)}) "  # noqa: S608 - constants only
    "VALUES (max(?, 1 + coalesce((SELECT max(seq) FROM log WHERE seq <= ?), 0))"
    f"{', ?' * len(_COLUMNS)})"
)
_values = attrgetter(*_COLUMNS)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRecord:
    """One row of the table `log`, whose comments say what the columns hold (schema/002)."""

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
    """Store a record, in the caller's transaction; its words are indexed later."""
    span = (first_seq(record.at_ms), last_seq(record.at_ms))
    database.connection.execute(_INSERT, (*span, *_values(record)))


def shown(json_text: str) -> str:
    """Return JSON text as logs show it: headers that sign a request masked, and not too long.

    What is too long is kept as the beginning, in a JSON text.
    """
    masked = _SIGNING.sub(_masked, json_text)
    if len(masked) <= LONGEST_TEXT:
        return masked
    return dumps(f"{masked[:LONGEST_TEXT]}… (cut: {len(masked):,} characters in all)")


def _masked(found: re.Match[str]) -> str:
    return f'{found["name"]}***"' if found["name"] else f'{found["inner"]}***\\"'
