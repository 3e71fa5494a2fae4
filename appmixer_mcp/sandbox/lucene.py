# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# luqum has no types.
"""Lucene queries over log records, translated into SQL conditions with parameters.

The subset: terms, quoted phrases, `field:value`, wildcards, ranges of time, AND, OR, NOT, + and -,
parentheses. As in Elasticsearch, clauses without an operator are alternatives, until one of them
is marked with +: then only those count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from luqum.exceptions import ParseError
from luqum.parser import parser
from luqum.tree import (
    AndOperation,
    BaseGroup,
    Boost,
    From,
    Item,
    Not,
    OrOperation,
    Phrase,
    Plus,
    Prohibit,
    Range,
    SearchField,
    Term,
    To,
    UnknownOperation,
    Word,
)

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import to_ms

KEYWORDS = {
    "_id": "log_id",
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
"""Fields that a term must occur in; a term without a field is looked for in all of them."""
INSTANTS = {"gridTimestamp": "at_ms", "@timestamp": "at_ms"}
"""Fields that are instants."""
COLUMNS = KEYWORDS | TEXTS | INSTANTS

_MAX_LENGTH = 5_000
_MAX_DEPTH = 30
_MAX_CLAUSES = 100
_NOW = re.compile(r"now(?:([+-]\d{1,6})([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY_MS = 86_400_000
_ALWAYS = "1"
_LIKE = r"LIKE ? ESCAPE '\'"


@dataclass(frozen=True)
class Condition:
    """A SQL expression over the columns of `log`, and the values of its question marks."""

    sql: str
    values: tuple[str | int, ...] = ()


def translate(query: str, now: datetime) -> Condition:
    """Return the condition that a query stands for; an empty query lets everything through.

    Args:
        query: The Lucene text, at most 5000 characters, 100 clauses, 30 levels.
        now: What `now` in a range means.

    Raises:
        InputError: The query cannot be read, or asks for something outside of the subset.
    """
    if not query.strip():
        return Condition(_ALWAYS)
    if len(query) > _MAX_LENGTH:
        raise InputError(f"The query has more than {_MAX_LENGTH} characters.")
    try:
        tree: Item = parser.parse(query)
    except ParseError as error:
        raise InputError(f"The query is no valid Lucene query: {error}") from error
    translation = _Translation(now)
    sql = translation.sql(tree, "", _MAX_DEPTH)
    return Condition(sql, tuple(translation.values))


def instant_span(text: str, now: datetime) -> tuple[int, int]:
    """Return the first and the last millisecond that a date or an instant stands for.

    Args:
        text: `2026-01-31`, `2026-01-31T08:00:00Z`, epoch milliseconds, `now` or `now-15m`.
        now: What `now` means.

    Raises:
        InputError: It is none of these.
    """
    relative = _NOW.fullmatch(text)
    try:
        if relative is not None:
            amount, unit = relative.groups()
            shift = timedelta(**{_UNITS[unit]: int(amount)}) if unit else timedelta()
            at_ms = to_ms(now + shift)
            return at_ms, at_ms
        if re.fullmatch(r"[0-9]{9,14}", text):
            return int(text), int(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            at_ms = to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))
            return at_ms, at_ms + _DAY_MS - 1
        instant = datetime.fromisoformat(text)
        at_ms = to_ms(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{text!r} is no instant. Write 2026-01-31, 2026-01-31T08:00:00Z, epoch milliseconds "
            "or now-15m."
        ) from error
    return at_ms, at_ms if "." in text else at_ms + 999


class _Translation:
    """Walks through one query's tree and collects the values on its way."""

    def __init__(self, now: datetime) -> None:
        self.values: list[str | int] = []
        self._now = now
        self._clauses = 0

    def sql(self, node: Item, field: str, depth: int) -> str:
        """Return a node's condition; `field` is empty outside of any field."""
        if depth == 0:
            raise InputError(f"The query is nested more than {_MAX_DEPTH} levels deep.")
        match node:
            case SearchField():
                return self._in_field(node, field, depth)
            case BaseGroup() | Plus() | Boost():
                return self.sql(node.children[0], field, depth - 1)
            case Not() | Prohibit():
                return f"NOT ({self.sql(node.children[0], field, depth - 1)})"
            case AndOperation() | OrOperation():
                operator = " AND " if isinstance(node, AndOperation) else " OR "
                return self._joined(node.children, operator, field, depth)
            case UnknownOperation():
                return self._alternatives(node.children, field, depth)
            case _:
                return self._clause(node, field)

    def _in_field(self, node: SearchField, field: str, depth: int) -> str:
        name: str = node.name
        if field:
            raise InputError(
                f"The query names the field {name!r} inside of {field!r}. Put values that hold a "
                "colon in quotation marks."
            )
        if name == "_exists_":
            return f"{_column(str(node.expr))} <> ''"
        if name == "*":
            return self.sql(node.expr, "", depth - 1)
        _column(name)
        return self.sql(node.expr, name, depth - 1)

    def _joined(self, nodes: Sequence[Item], operator: str, field: str, depth: int) -> str:
        return f"({operator.join(self.sql(node, field, depth - 1) for node in nodes)})"

    def _alternatives(self, nodes: Sequence[Item], field: str, depth: int) -> str:
        required = [node for node in nodes if isinstance(node, Plus)]
        excluded = [node for node in nodes if isinstance(node, Not | Prohibit)]
        optional = [node for node in nodes if not isinstance(node, Plus | Not | Prohibit)]
        # Collected in the order of the text of the condition, as its values have to be.
        parts: list[str] = []
        if required:
            parts.append(self._joined(required, " AND ", field, depth))
        elif optional:
            parts.append(self._joined(optional, " OR ", field, depth))
        if excluded:
            parts.append(self._joined(excluded, " AND ", field, depth))
        return f"({' AND '.join(parts)})"

    def _clause(self, node: Item, field: str) -> str:
        self._clauses += 1
        if self._clauses > _MAX_CLAUSES:
            raise InputError(f"The query has more than {_MAX_CLAUSES} clauses.")
        if isinstance(node, Range | From | To):
            return self._range(node, field)
        if isinstance(node, Word) and str(node.value) in ("&&", "||"):
            raise InputError("Write AND, OR and NOT for &&, || and !.")
        if not isinstance(node, Word | Phrase):
            kind = type(node).__name__.lower()
            raise InputError(f"The sandbox does not know this part of Lucene ({kind}): {node}")
        return self._term(node, field)

    def _term(self, node: Term, field: str) -> str:
        quoted = isinstance(node, Phrase)
        text = str(node.value)[1:-1] if quoted else str(node.value)
        if text == "*" and not quoted:
            return f"{COLUMNS[field]} <> ''" if field else _ALWAYS
        if field in INSTANTS:
            first, last = instant_span(_literal(text), self._now)
            self.values += (first, last)
            return f"{COLUMNS[field]} BETWEEN ? AND ?"
        like = _like(text, wildcards=not quoted)
        if field in KEYWORDS:
            if like is None:
                self.values.append(_literal(text))
                return f"{COLUMNS[field]} = ?"
            self.values.append(like)
            return f"{COLUMNS[field]} {_LIKE}"
        columns = [TEXTS[field]] if field else list(TEXTS.values())
        part = like if like is not None else _escaped(_literal(text))
        self.values += [f"%{part}%"] * len(columns)
        return f"({' OR '.join(f'{column} {_LIKE}' for column in columns)})"

    def _range(self, node: Range | From | To, field: str) -> str:
        low, high = _bounds(node)
        if (low, high) == ("*", "*"):
            return f"{COLUMNS[field]} <> ''" if field else _ALWAYS
        if field not in INSTANTS:
            raise InputError(f"A range needs one of the fields {', '.join(INSTANTS)}.")
        parts: list[str] = []
        if low != "*":
            first, last = instant_span(low, self._now)
            inclusive = isinstance(node, Range) and node.include_low
            inclusive = inclusive or (isinstance(node, From) and node.include)
            parts.append(f"{COLUMNS[field]} >= ?" if inclusive else f"{COLUMNS[field]} > ?")
            self.values.append(first if inclusive else last)
        if high != "*":
            first, last = instant_span(high, self._now)
            inclusive = isinstance(node, Range) and node.include_high
            inclusive = inclusive or (isinstance(node, To) and node.include)
            parts.append(f"{COLUMNS[field]} <= ?" if inclusive else f"{COLUMNS[field]} < ?")
            self.values.append(last if inclusive else first)
        return f"({' AND '.join(parts)})"


def _column(field: str) -> str:
    if field not in COLUMNS:
        raise InputError(
            f"Logs have no field {field!r}. Use one of {', '.join(COLUMNS)}, or put the text in "
            "quotation marks."
        )
    return COLUMNS[field]


def _bounds(node: Range | From | To) -> tuple[str, str]:
    if isinstance(node, Range):
        return _bound(node.low), _bound(node.high)
    only = _bound(node.children[0])
    return (only, "*") if isinstance(node, From) else ("*", only)


def _bound(node: Item) -> str:
    return _literal(str(node).strip().strip('"'))


def _literal(text: str) -> str:
    """Return a term without its backslashes."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _like(text: str, *, wildcards: bool) -> str | None:
    """Return the LIKE pattern of a term that has wildcards, or None when it has none."""
    parts: list[str] = re.findall(r"\\.|.", text, re.DOTALL)
    if not wildcards or not any(part in ("*", "?") for part in parts):
        return None
    signs = {"*": "%", "?": "_"}
    return "".join(signs.get(part) or _escaped(_literal(part)) for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", text)
