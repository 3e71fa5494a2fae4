# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# luqum has no types.
"""Lucene queries over log records, read into conditions.

The subset: terms, quoted phrases, `field:value`, wildcards, ranges, groups and fields of groups,
`_exists_`, AND OR NOT (also `&& || !`), + and -. As in Elasticsearch, clauses without an operator
are alternatives, until one of them is marked with +: then only those count. Fuzzy terms, distances
between words and regular expressions are refused.
"""

import re
from collections.abc import Sequence
from datetime import datetime

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
from appmixer_mcp.sandbox import log_conditions as conditions
from appmixer_mcp.sandbox.log_conditions import ALWAYS, And, Condition, Or
from appmixer_mcp.sandbox.log_fields import (
    INSTANTS,
    beyond,
    equals,
    exists,
    fits,
    known,
    literal,
)

_MOST_CHARACTERS = 5_000
_MOST_LEVELS = 30
_MOST_CLAUSES = 100
# Signs for operators, which luqum takes for words; not within quotation marks, nor escaped.
_SIGN = re.compile(
    r"""(?P<kept> \\. | "(?:\\.|[^"\\])*" ) | (?P<and>&&) | (?P<or>\|\|)
    | (?P<not> (?<![^\s(+-]) !\s* (?=[^\s=]) )""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = {"and": " AND ", "or": " OR ", "not": " NOT "}


def translate(query: str, now: datetime) -> Condition:
    """Return the condition that a query stands for; an empty query lets everything through.

    Args:
        query: The Lucene text, at most 5000 characters, 100 clauses, 30 levels.
        now: What `now` in a range means.

    Raises:
        InputError: The query cannot be read, or asks for something outside of the subset.
    """
    if not query.strip():
        return ALWAYS
    if len(query) > _MOST_CHARACTERS:
        raise InputError(f"The query has more than {_MOST_CHARACTERS} characters.")
    try:
        tree: Item = parser.parse(_SIGN.sub(_spelt_out, query))
    except ParseError as error:
        raise InputError(f"The query is no valid Lucene query: {error}") from error
    return _Reading(now).condition(tree, "", _MOST_LEVELS)


def _spelt_out(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    return found[0] if kind == "kept" else _OPERATORS[kind]


class _Reading:
    """Walks through one query's tree."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._clauses = 0

    def condition(self, node: Item, field: str, depth: int) -> Condition:
        """Return a node's condition; `field` is empty outside of any field."""
        if depth == 0:
            raise InputError(f"The query is nested more than {_MOST_LEVELS} levels deep.")
        match node:
            case SearchField():
                return self._in_field(node, field, depth)
            case BaseGroup() | Plus() | Boost():
                return self.condition(node.children[0], field, depth - 1)
            case Not() | Prohibit():
                return conditions.Not(self.condition(node.children[0], field, depth - 1))
            case AndOperation() | OrOperation():
                parts = self._each(node.children, field, depth)
                return And(parts) if isinstance(node, AndOperation) else Or(parts)
            case UnknownOperation():
                return self._alternatives(node.children, field, depth)
            case _:
                return self._clause(node, field)

    def _in_field(self, node: SearchField, field: str, depth: int) -> Condition:
        name: str = node.name
        if field:
            raise InputError(
                f"The query names the field {name!r} inside of {field!r}. Put values that hold a "
                "colon in quotation marks."
            )
        if name == "_exists_":
            return exists(known(str(node.expr).strip()))
        if name == "*":
            return self.condition(node.expr, "", depth - 1)
        return self.condition(node.expr, known(name), depth - 1)

    def _each(self, nodes: Sequence[Item], field: str, depth: int) -> tuple[Condition, ...]:
        return tuple(self.condition(node, field, depth - 1) for node in nodes)

    def _alternatives(self, nodes: Sequence[Item], field: str, depth: int) -> Condition:
        required = [node for node in nodes if isinstance(node, Plus)]
        excluded = [node for node in nodes if isinstance(node, Not | Prohibit)]
        optional = [node for node in nodes if not isinstance(node, Plus | Not | Prohibit)]
        parts = self._each(required + excluded, field, depth)
        if optional and not required:
            parts = (Or(self._each(optional, field, depth)), *parts)
        return And(parts)

    def _clause(self, node: Item, field: str) -> Condition:
        self._clauses += 1
        if self._clauses > _MOST_CLAUSES:
            raise InputError(f"The query has more than {_MOST_CLAUSES} clauses.")
        if isinstance(node, Range | From | To):
            return self._range(node, field)
        if not isinstance(node, Word | Phrase):
            kind = type(node).__name__.lower()
            raise InputError(f"The sandbox does not know this part of Lucene ({kind}): {node}")
        return self._term(node, field)

    def _term(self, node: Term, field: str) -> Condition:
        text = str(node.value)
        if isinstance(node, Phrase):
            return equals(field, literal(text[1:-1]), self._now)
        if text == "*":
            return exists(field) if field else ALWAYS
        if re.search(r"(?<!\\)(?:\\\\)*[*?]", text):
            return fits(field, text, self._now)
        return equals(field, literal(text), self._now)

    def _range(self, node: Range | From | To, field: str) -> Condition:
        low, high = _bounds(node)
        if not field:
            raise InputError(f"A range needs a field, such as {next(iter(INSTANTS))}:[… TO …].")
        if low == high == "*":
            return exists(field)
        parts: list[Condition] = []
        if low != "*":
            inclusive = bool(node.include_low if isinstance(node, Range) else node.include)
            parts.append(beyond(field, ">=" if inclusive else ">", low, self._now))
        if high != "*":
            inclusive = bool(node.include_high if isinstance(node, Range) else node.include)
            parts.append(beyond(field, "<=" if inclusive else "<", high, self._now))
        return And(tuple(parts))


def _bounds(node: Range | From | To) -> tuple[str, str]:
    if isinstance(node, Range):
        return _bound(node.low), _bound(node.high)
    only = _bound(node.children[0])
    return (only, "*") if isinstance(node, From) else ("*", only)


def _bound(node: Item) -> str:
    return literal(str(node).strip().strip('"'))
