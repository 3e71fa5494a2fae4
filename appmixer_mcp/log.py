"""Logging to stderr (stdout belongs to the protocol), with secrets taken out of every line."""

import logging
import re
import sys
from typing import Literal

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|(?<=[Bb]earer )[^\s\"',]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=[?&]secret=)[^&\s\"']+"
)


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _SECRETS.sub("[secret]", super().format(record))


def set_up_logging(level: Level) -> None:
    """Send log records to stderr, redacted; libraries speak only from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("appmixer_mcp").setLevel(level)
