"""Content that a browser saves and never shows: names, ranges, and what goes with them."""

import re
from urllib.parse import quote

from starlette.requests import Request

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^ !#$&+\-.0-9A-Za-z^_`|~()\[\]@,;=]")


class UnsatisfiableRangeError(Exception):
    """A range begins behind the last byte (416)."""


def headers(filename: str) -> dict[str, str]:
    """Return headers that have a browser save what follows, whatever it holds.

    Args:
        filename: Any text; what has no place in a header is replaced, and given beside in UTF-8.
    """
    plain = _NOT_PLAIN.sub("_", filename)
    disposition = f'attachment; filename="{plain}"'
    if plain != filename:
        disposition += f"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
    return {
        "Content-Disposition": disposition,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


def wanted_range(request: Request, length: int, etag: str) -> tuple[int, int] | None:
    """Return the asked-for bytes as (first, behind the last), or None for all of them.

    Several ranges, and what is no range, are answered with everything, as RFC 9110 allows; so is
    an `If-Range` that names another content.

    Raises:
        UnsatisfiableRangeError: There is no such byte.
    """
    sent = request.headers
    found = _RANGE.fullmatch(sent.get("range", ""))
    if found is None or found[1] == found[2] == "" or sent.get("if-range", etag) != etag:
        return None
    if not found[1]:  # the last so many
        start, end = max(0, length - int(found[2])), length
    else:
        start, end = int(found[1]), length if not found[2] else min(int(found[2]) + 1, length)
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise UnsatisfiableRangeError
    return start, end
