"""Secrets are cut out of whatever leaves the process: log lines, tracebacks, traces."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import cast

Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None

CUT_OUT = "[secret]"
"""Stands where a secret was."""

_CUT_OUT = re.escape(CUT_OUT)
_DEEPEST = 5

_NAMES = r"password|passwd|passphrase|secret|token|api_?key|encryption_?key|code_verifier"
_NAME = rf"(?i:(?<![\w-])[\w-]{{0,40}}?(?:{_NAMES}))"
_COLON = r"""(?:\\{0,8}["']\s{0,4}:\s{0,4})"""
_HEADERS = r"(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|mcp-session-id)"
_BETWEEN = r"""\\{0,8}["']?\s{0,2}[:=,]\s{0,2}b?\\{0,8}["']?"""
_PLACEHOLDER = r"[A-Z_]{1,24}(?![\w~+/=-]|\.\w)"
_WORD = r"[A-Za-z]?[a-z]{0,24}(?![\w~+/=-]|\.\w)"
_CHALLENGE = r"""[a-z_]{1,20}=\\{0,8}["']"""

# What is kept, and the secret behind it.
# A line may hold a stranger's text of any length, so that no pattern may look at a character more
# often than a fixed number of times: a run begins at a boundary, is bounded, or is taken whole.
_PATTERNS = (
    # A JSON web token, within a longer word too, such as after the n of an escaped line break.
    (r"(?<![\w-])(?>[\w-]*?(?=eyJ))", r"[\w-]{11,}+(?:\.[\w-]++){1,4}+"),
    # What this server hands out.
    (r"amx_(?:at|rt|ac|cs)_", r"[\w-]{8,}+"),
    # A header as it goes over the wire, and in a list of headers.
    (
        rf"(?i:(?<![\w-])authorization{_BETWEEN}(?:bearer|basic)\s{{1,2}})(?!{_PLACEHOLDER})",
        r"""[^\s"',\\]++""",
    ),
    (
        rf"""(?i:["']{_HEADERS}\\{{0,8}}["']\s{{0,2}}[:,]\s{{0,2}}b?\\{{0,8}}["'](?!(?:bearer|basic)\b))""",
        r"""[^"'\\\n]++""",
    ),
    (r"(?i:(?<![\w-])(?:set-)?cookie:\s{0,2})(?=[\w.-]{1,80}=)", r"""[^\n"']++"""),
    (r"(?i:(?<![\w-])(?:x-api-key|mcp-session-id):\s{0,2})", r"[\w.~+/=-]++"),
    # Its value alone, which is no plain word ("bearer token") and no challenge.
    (
        rf"(?i:(?<![\w-])(?:bearer|basic)\s{{1,2}})(?!{_WORD}|{_PLACEHOLDER}|{_CHALLENGE})",
        r"[\w.~+/-]{3,}+=*+",
    ),
    # User and password in a URL; a password may hold a slash by mistake, a port is none.
    (
        r"://",
        r"""(?:[^/\s:@"'<>\[]*+:(?!\d{1,5}/)[^\s@"'<>]{1,200}+|[^/?#\s:@"'<>]++)(?=@)""",
    ),
    # Parameters that are secrets in a query or a form alone.
    (rf"[?&](?:code|session_id|sessionId)=(?!{_CUT_OUT})", r"""[^&\s"'<>]++"""),
    # Whatever is named like a secret: quoted, then bare in a query or a form, then as a number.
    (
        rf"""{_NAME}(?:\s?=\s?|{_COLON})b?(?P<quote>\\{{0,8}}["'])(?!{_CUT_OUT})""",
        r"(?:(?!(?P=quote))(?:\\.|[^\n]))++",
    ),
    (
        rf"{_NAME}(?:=|%3[Dd])(?!{_CUT_OUT}|SecretStr\(|(?:None|null)\b)",
        r"""[^\s&"'<>,;)\]}\\]++""",
    ),
    (rf"{_NAME}{_COLON}", r"-?\d[\w.]*+"),
)
_SECRET_NAME = rf"(?i:{_NAMES}|authorization|cookie|session_id)$"


def redacted(text: str) -> str:
    """Return the text with everything cut out that looks like a secret."""
    for pattern in _compiled():
        text = pattern.sub(rf"\g<kept>{CUT_OUT}", text)
    return text


@cache
def _compiled() -> tuple[re.Pattern[str], ...]:
    # Only now, because no start waits for it.
    return tuple(re.compile(f"(?P<kept>{kept}){secret}") for kept, secret in _PATTERNS)


def redacted_value(value: object, name: str = "", *, depth: int = 0) -> Plain:
    """Return a value as JSON can hold it, redacted.

    Args:
        value: Anything.
        name: Under which it stands; what stands under the name of a secret is cut out whole.
        depth: How deep it lies; what lies too deep becomes text.
    """
    if value is None or isinstance(value, bool):
        return value
    if re.search(_SECRET_NAME, name):
        return CUT_OUT
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        named = cast("Mapping[object, object]", value)
        return {
            redacted(str(key)): redacted_value(item, str(key), depth=depth + 1)
            for key, item in named.items()
        }
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        items = cast("Iterable[object]", value)
        return [redacted_value(item, depth=depth + 1) for item in items]
    return redacted(str(value))
