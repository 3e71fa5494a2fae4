"""Searches everything that is logged in a test run for secrets.

A secret that a test makes up is watched when it begins with `watched-`, or is one of those below;
tokens are known by their form.
"""

import logging
import os
import re
from typing import TextIO

from appmixer_mcp.log import JsonFormatter, RedactingFormatter

SECRET = re.compile(
    r"watched-[\w-]+|s3cret|hunter2|the-password-of-\w+|a-long-demo-password"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]+|amx_(?:at|rt|ac|cs)_[\w-]{20,}"
)
OURS = "appmixer_mcp"


class SecretsWatch(logging.Handler):
    """Reads every record as it would be written, and what processes wrote to stderr."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._found: list[str] = []

    def attach(self) -> None:
        """Hear our own loggers from DEBUG on, others as loudly as they are; may be called again."""
        ours = logging.getLogger(OURS)
        ours.setLevel(logging.DEBUG)
        for logger in (ours, logging.getLogger()):  # the program's own set-up empties the latter
            if self not in logger.handlers:
                logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Search both forms in which the record may be written."""
        for formatter in (RedactingFormatter(), JsonFormatter()):
            self.look(record.name, formatter.format(record))

    def look(self, source: str, text: str) -> None:
        """Search a text, and note the lines with a secret in them, the secret cut out."""
        self._found += [
            f"{source}: {SECRET.sub('[a watched secret]', line)}"
            for line in text.splitlines()
            if SECRET.search(line)
        ]

    def look_into(self, source: str, file: TextIO) -> None:
        """Search a file that a process wrote to."""
        content = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        self.look(source, content.decode(errors="replace"))

    def take(self) -> list[str]:
        """Return what was found since this was asked last."""
        found, self._found = self._found, []
        return found


WATCH = SecretsWatch()
"""The one of this test run."""
