"""What a search asks of a record: conditions, as SQL and as a query to the index of words.

Text from outside is only ever a value; the SQL around it is made of names and signs of ours.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from appmixer_mcp.sandbox.log_ids import first_seq, last_seq
from appmixer_mcp.sandbox.log_words import SCOPES, WORDS, flow_word, scope_word

Value = str | int

_MOST_PARTS = 2_000  # of a query to the index of words: 50 ms
_DEEPEST = 25  # brackets in it: each takes up to three of the hundred places on its parser's stack


@dataclass(frozen=True)
class Equal:
    """A column has this value."""

    column: str
    value: Value


@dataclass(frozen=True)
class Compare:
    """A column lies on one side of a value."""

    column: str
    sign: Literal["<", "<=", ">", ">="]
    value: Value


@dataclass(frozen=True)
class Like:
    """One of the columns fits a pattern of SQL's LIKE, whose escape sign is the backslash."""

    columns: tuple[str, ...]
    pattern: str


@dataclass(frozen=True)
class Words:
    """One of the columns, out of `WORDS`, holds these words one after the other."""

    columns: tuple[str, ...]
    phrase: str
    """As `log_words.quoted` returns it."""
    is_prefix: bool = False
    """Whether the last word may go on."""


@dataclass(frozen=True)
class Within:
    """A record was written within these milliseconds, both included; None is an open end."""

    first_ms: int | None = None
    last_ms: int | None = None

    def and_within(self, other: "Within") -> "Within":
        """Return what both have in common."""
        firsts = [one for one in (self.first_ms, other.first_ms) if one is not None]
        lasts = [one for one in (self.last_ms, other.last_ms) if one is not None]
        return Within(max(firsts, default=None), min(lasts, default=None))


@dataclass(frozen=True)
class And:
    """All of these hold; always, when there is none."""

    parts: "tuple[Condition, ...]" = ()


@dataclass(frozen=True)
class Or:
    """One of these holds; never, when there is none."""

    parts: "tuple[Condition, ...]" = ()


@dataclass(frozen=True)
class Not:
    """This does not hold."""

    part: "Condition"


Condition = Equal | Compare | Like | Words | Within | And | Or | Not
ALWAYS = And()
NEVER = Or()


@dataclass(frozen=True)
class Sql:
    """A piece of SQL, and the values of its question marks."""

    text: str
    values: tuple[Value, ...] = ()


def any_of(column: str, values: Sequence[str]) -> Condition:
    """Return the condition that a column has one of these values."""
    return Or(tuple(Equal(column, value) for value in values))


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """Return the conditions that must all hold for this one to hold."""
    if isinstance(condition, And):
        for part in condition.parts:
            yield from conjuncts(part)
    else:
        yield condition


def leaves(condition: Condition) -> Iterator[Equal | Compare | Like | Words | Within]:
    """Return the conditions that a tree is made of."""
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from leaves(part)
    elif isinstance(condition, Not):
        yield from leaves(condition.part)
    else:
        yield condition


def columns_of(condition: Condition) -> set[str]:
    """Return the columns that a condition looks at; `at_ms` for instants."""
    found: set[str] = set()
    for leaf in leaves(condition):
        if isinstance(leaf, Equal | Compare):
            found.add(leaf.column)
        elif isinstance(leaf, Within):
            found.add("at_ms")
        else:
            found.update(leaf.columns)
    return found


def has_words(condition: Condition) -> bool:
    """Say whether a condition needs the index of words."""
    return any(isinstance(leaf, Words) for leaf in leaves(condition))


def as_sql(condition: Condition, holding: Callable[[Words], Sql], seq: str = "seq") -> Sql:
    """Return a condition over the columns of `log`.

    Args:
        condition: Any.
        holding: Returns the condition that a record's words are among those in the index.
        seq: How the query calls the records' numbers.
    """
    match condition:
        case Words():
            return holding(condition)
        case Within(first_ms, last_ms):
            return _seq_sql(seq, first_ms, last_ms)
        case Not(part):
            inner = as_sql(part, holding, seq)
            return Sql(f"NOT {inner.text}", inner.values)
        case And(parts):
            return joined(" AND ", [as_sql(part, holding, seq) for part in parts], "1")
        case Or(parts):
            pieces = [as_sql(part, holding, seq) for part in parts]
            return _among(parts) or joined(" OR ", pieces, "0")
        case _:
            return _column_sql(condition)


def joined(sign: str, pieces: Sequence[Sql], nothing: str) -> Sql:
    """Return pieces of SQL with a sign between them, in brackets; `nothing` when there are none."""
    if not pieces:
        return Sql(nothing)
    text = sign.join(piece.text for piece in pieces)
    return Sql(f"({text})", tuple(value for piece in pieces for value in piece.values))


@dataclass(frozen=True)
class Reach:
    """Whose records a query to the index of words is about."""

    user_id: str
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    """Flows that others share with the user -> their owners."""

    def flow(self, flow_id: str) -> str:
        """Return the query for the records of one flow, of which the user may see all or none."""
        return f"scope : {flow_word(self.owners.get(flow_id, self.user_id), flow_id)}"

    def everything(self) -> str:
        """Return the query for all records that the user may see."""
        own = f"scope : {scope_word('user_id', self.user_id)}"
        return f"({' OR '.join((own, *map(self.flow, self.owners)))})"


def as_match(condition: Condition, reach: Reach) -> str | None:
    """Return a condition in the query language of the index, or None when it cannot say it."""
    match = _match(condition, reach)
    return None if match is None or _depth(match) > _DEEPEST else match


def _match(condition: Condition, reach: Reach) -> str | None:
    match condition:
        case Equal("flow_id", str(flow_id)):
            return reach.flow(flow_id)
        case Equal(column, str(value)) if column in SCOPES:
            return f"scope : {scope_word(column, value)}"
        case Words(columns, phrase, is_prefix):
            names = " ".join(WORDS[column] for column in columns)
            return f"{{{names}}} : {phrase}{' *' if is_prefix else ''}"
        case Not() | And() if condition != ALWAYS:
            return _match_all([*conjuncts(condition)], reach)
        case Or(parts) if 0 < len(parts) <= _MOST_PARTS:
            return _match_joined(" OR ", parts, reach)
        case _:
            return None


def _match_all(parts: Sequence[Condition], reach: Reach) -> str | None:
    excluded = [part.part for part in parts if isinstance(part, Not)]
    required = [part for part in parts if not isinstance(part, Not)]
    match = _match_joined(" AND ", required, reach) if required else reach.everything()
    if match is None or not excluded:
        return match
    others = _match_joined(" OR ", excluded, reach)
    return None if others is None else f"({match} NOT {others})"


def _match_joined(sign: str, parts: Sequence[Condition], reach: Reach) -> str | None:
    matches = [_match(part, reach) for part in parts]
    known = [match for match in matches if match is not None]
    return f"({sign.join(known)})" if len(known) == len(matches) else None


def _depth(match: str) -> int:
    depth = deepest = 0
    for sign in re.sub('"[^"]*"', "", match):
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    return deepest


def _column_sql(condition: Equal | Compare | Like) -> Sql:
    match condition:
        case Equal(column, value):
            return Sql(f"{column} = ?", (value,))
        case Compare(column, sign, value):
            return Sql(f"{column} {sign} ?", (value,))
        case Like(columns, pattern):
            fits = " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for column in columns)
            return Sql(f"({fits})", (pattern,) * len(columns))


def _among(parts: Sequence[Condition]) -> Sql | None:
    """Return `column IN (…)` for alternatives that are values of one column, or None."""
    equals = [part for part in parts if isinstance(part, Equal)]
    if not equals or len(equals) < len(parts) or len({one.column for one in equals}) > 1:
        return None
    marks = ", ".join("?" * len(equals))
    return Sql(f"{equals[0].column} IN ({marks})", tuple(one.value for one in equals))


def _seq_sql(seq: str, first_ms: int | None, last_ms: int | None) -> Sql:
    pieces: list[Sql] = []
    if first_ms is not None:
        pieces.append(Sql(f"{seq} >= ?", (first_seq(first_ms),)))
    if last_ms is not None:
        pieces.append(Sql(f"{seq} <= ?", (last_seq(last_ms),)))
    return joined(" AND ", pieces, "1")


def like_text(text: str) -> str:
    """Return a text as part of a LIKE pattern, where it stands for itself."""
    return re.sub(r"([%_\\])", r"\\\1", text)
