"""The fields of log records, and the conditions that can be put on each."""

import re
from datetime import datetime
from typing import Literal

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.instants import instant_span
from appmixer_mcp.sandbox.log_conditions import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Equal,
    Like,
    Not,
    Or,
    Within,
    Words,
    like_text,
)
from appmixer_mcp.sandbox.log_ids import LOG_ID_SQL, seq_of
from appmixer_mcp.sandbox.log_words import quoted

KEYWORDS = {
    "_id": LOG_ID_SQL,
    "flowId": "flow_id",
    "componentId": "component_id",
    "componentType": "component_type",
    "severity": "severity",
    "port": "port",
    "portType": "port_type",
    "correlationId": "correlation_id",
    "senderId": "sender_id",
    "senderType": "sender_type",
    "senderPort": "sender_port",
}
"""Fields that a term must equal as a whole, and their columns."""
TEXTS = {"msg": "msg", "err": "err", "inputMessages": "input_messages"}
"""Fields whose words are searched; a term without a field is looked for in all of them."""
INSTANTS = {"gridTimestamp": "at_ms", "@timestamp": "at_ms"}
"""Fields that are instants."""
COLUMNS = KEYWORDS | TEXTS | INSTANTS

_LONGEST_PATTERN = 500  # it is tried at every place of a text, with nothing in between
_PREFIX = re.compile(r"([^\W_]\w*)\*")


def known(name: str) -> str:
    """Return the name of a field; Elasticsearch's `.keyword` behind it is left out.

    Raises:
        InputError: There is no such field.
    """
    field = name.removesuffix(".keyword")
    if field not in COLUMNS:
        raise InputError(
            f"Logs have no field {name!r}. Use one of {', '.join(COLUMNS)}, or put the text in "
            "quotation marks."
        )
    return field


def equals(field: str, text: str, now: datetime) -> Condition:
    """Return the condition that a field has a value, or that a text holds these words.

    Args:
        field: A known field, or empty for all texts.
        text: The value. Where it holds no word at all, its signs are looked for as they are.
        now: What `now` means.

    Raises:
        InputError: The field is an instant, and the value is none.
    """
    if field == "_id":
        seq = seq_of(text)
        return NEVER if seq is None else Equal("seq", seq)
    if field in INSTANTS:
        return Within(*instant_span(text, now))
    if field in KEYWORDS:
        return Equal(KEYWORDS[field], text)
    phrase = quoted(text)
    if phrase is None:
        return _part(field, like_text(text)) if text else NEVER
    return Words(_texts(field), phrase)


def fits(field: str, pattern: str, now: datetime) -> Condition:
    r"""Return the condition that a field fits a pattern with `*` and `?`; a backslash escapes.

    In texts `word*` finds words that begin so, and any other pattern a part of the text, across
    words (ours).

    Raises:
        InputError: The field is an instant.
    """
    if field in INSTANTS:
        return Within(*instant_span(pattern, now))  # which says what an instant looks like
    beginning = _PREFIX.fullmatch(pattern)
    if field not in KEYWORDS and beginning and (phrase := quoted(beginning[1])):
        return Words(_texts(field), phrase, is_prefix=True)
    signs = {"*": "%", "?": "_"}
    parts: list[str] = re.findall(r"\\.|.", pattern, re.DOTALL)
    like = "".join(signs.get(part) or like_text(literal(part)) for part in parts)
    return Like((KEYWORDS[field],), like) if field in KEYWORDS else _part(field, like)


def exists(field: str) -> Condition:
    """Return the condition that a record has a field."""
    if field in INSTANTS or field == "_id":
        return ALWAYS
    return Not(Equal(COLUMNS[field], ""))


Side = Literal["<", "<=", ">", ">="]


def beyond(field: str, sign: Side, text: str, now: datetime) -> Condition:
    """Return the condition that a field lies on one side of a value.

    Keywords and texts are compared as a whole, by their code points (ours); what is empty lies
    nowhere.

    Raises:
        InputError: The field is an instant, and the value is none.
    """
    if field not in INSTANTS:
        return And((Compare(COLUMNS[field], sign, text), exists(field)))
    first_ms, last_ms = instant_span(text, now)
    match sign:
        case ">=":
            return Within(first_ms=first_ms)
        case ">":
            return Within(first_ms=last_ms + 1)
        case "<=":
            return Within(last_ms=last_ms)
        case "<":
            return Within(last_ms=first_ms - 1)


def one_of(field: str, texts: list[str], now: datetime) -> Condition:
    """Return the condition that a field has one of these values."""
    return Or(tuple(equals(field, text, now) for text in texts))


def literal(text: str) -> str:
    """Return a term without its backslashes."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _part(field: str, like: str) -> Like:
    if len(like) > _LONGEST_PATTERN:
        raise InputError(f"A pattern for texts may have {_LONGEST_PATTERN} characters at most.")
    return Like(_texts(field), f"%{like}%")


def _texts(field: str) -> tuple[str, ...]:
    return (TEXTS[field],) if field else tuple(TEXTS.values())
