"""Logging to stderr (stdout belongs to the protocol), with secrets taken out of every line."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from appmixer_mcp.redaction import Plain, redacted, redacted_value

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Form = Literal["text", "json"]

_UNREADABLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ONE_LINE = _UNREADABLE | {0x09: "\t", 0x0A: "\n  "}  # no stranger's text looks like a line of ours


class RedactingFormatter(logging.Formatter):
    """Writes lines for people."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line alone, before any traceback."""
        return super().formatMessage(record).translate(_ONE_LINE)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback, none of whose lines looks like one of ours."""
        return "  " + super().formatException(ei).translate(_ONE_LINE)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line and the traceback, redacted."""
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    """Writes one JSON object a line, with the record's extra fields."""

    _standard = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, redacted."""
        line: dict[str, Plain] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        for name, value in record.__dict__.items():
            if name not in self._standard and name not in line:
                line[name] = redacted_value(value, name)
        return json.dumps(line)


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say that a record was lost; logging itself would print its arguments as they are."""
        sys.stderr.write(f"WARNING {record.name}: a log record could not be written\n")


def set_up_logging(level: Level, *, form: Form = "text") -> None:
    """Send log records to stderr, redacted; libraries speak only from WARNING on.

    Uvicorn's own lines take the same way, and its access log is off: it would hold the queries.
    One line is logged for each tool call instead.

    Args:
        level: From which on our own loggers speak.
        form: `json` for one JSON object a line.
    """
    handler = _StderrHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else RedactingFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("appmixer_mcp").setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # it may have set them up already
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
