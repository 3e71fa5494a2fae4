"""In which order log records are returned, and where a page of them begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.instants import instant_span
from appmixer_mcp.sandbox.log_conditions import Sql, Value, joined
from appmixer_mcp.sandbox.log_fields import COLUMNS, INSTANTS, known
from appmixer_mcp.sandbox.log_ids import first_seq, last_seq, seq_of

_DIRECTIONS = {"": False, "asc": False, "desc": True, "1": False, "-1": True}
_MOST_KEYS = 10


@dataclass(frozen=True)
class SortKey:
    """A field to sort by."""

    field: str
    descending: bool

    def column(self, seq: str) -> str:
        """Return what is sorted by; `seq` is how the query calls the records' numbers."""
        return seq if self.field in INSTANTS or self.field == "_id" else COLUMNS[self.field]

    def order(self, seq: str) -> str:
        """Return the key as a part of ORDER BY."""
        return f"{self.column(seq)} {'DESC' if self.descending else 'ASC'}"


NEWEST_FIRST = (SortKey("gridTimestamp", descending=True),)


@dataclass(frozen=True)
class _Position:
    """Where the record after which a page begins stands by one key: all from low to high equal."""

    key: SortKey
    low: Value
    high: Value

    def equal(self, seq: str) -> Sql:
        return Sql(f"{self.key.column(seq)} BETWEEN ? AND ?", (self.low, self.high))

    def beyond(self, seq: str) -> Sql:
        column = self.key.column(seq)
        if self.key.descending:
            return Sql(f"{column} < ?", (self.low,))
        return Sql(f"{column} > ?", (self.high,))

    def not_before(self, seq: str) -> Sql:
        column = self.key.column(seq)
        if self.key.descending:
            return Sql(f"{column} <= ?", (self.high,))
        return Sql(f"{column} >= ?", (self.low,))


@dataclass(frozen=True)
class Paging:
    """An order of records, and what lies behind."""

    keys: tuple[SortKey, ...]
    _positions: tuple[_Position, ...]

    def order(self, seq: str) -> str:
        """Return ORDER BY; records that are equal by all keys are in the order of time."""
        keys = (*self.keys, SortKey("_id", self.keys[-1].descending))
        # Behind a record's number nothing decides any more, and an index knows one order alone.
        unique = next(place for place, key in enumerate(keys) if key.column(seq) == seq)
        return ", ".join(key.order(seq) for key in keys[: unique + 1])

    def beginning(self, seq: str) -> Sql:
        """Return the condition that a record comes after the last one of the page before."""
        if not self._positions:
            return Sql("1")
        alternatives = [
            joined(
                " AND ",
                [*(one.equal(seq) for one in self._positions[:last]), here.beyond(seq)],
                "1",
            )
            for last, here in enumerate(self._positions)
        ]
        # The first key stands alone once more, so that an index can be entered there.
        first = self._positions[0].not_before(seq)
        return joined(" AND ", [first, joined(" OR ", alternatives, "0")], "1")


def paging(sorts: Sequence[str], after: Sequence[str], now: datetime) -> Paging:
    """Read the parameters sort and searchAfter.

    Args:
        sorts: `field`, `field:asc` or `field:desc`, the most significant first; none means the
            newest first (ours).
        after: The last record's value of each sort field; empty for the first page.
        now: What `now` means.

    Raises:
        InputError: One of them makes no sense.
    """
    keys = tuple(_sort_key(text) for text in sorts if text) or NEWEST_FIRST
    if len(keys) > _MOST_KEYS:
        raise InputError(f"sort names more than {_MOST_KEYS} fields.")
    if after and len(after) != len(keys):
        raise InputError(f"searchAfter must have {len(keys)} value(s), one for each sort key.")
    positions = tuple(_position(key, text, now) for key, text in zip(keys, after, strict=False))
    return Paging(keys, positions)


def _sort_key(text: str) -> SortKey:
    field, _, direction = text.partition(":")
    if direction.lower() not in _DIRECTIONS:
        raise InputError("sort must be field:asc or field:desc.")
    try:
        return SortKey(known(field), _DIRECTIONS[direction.lower()])
    except InputError as error:
        raise InputError(f"sort: {error}") from error


def _position(key: SortKey, text: str, now: datetime) -> _Position:
    if key.field == "_id":
        seq = seq_of(text)
        if seq is None:
            raise InputError("searchAfter: the value of _id must be a record's _id.")
        return _Position(key, seq, seq)
    if key.field in INSTANTS:
        at_ms = instant_span(text, now)[0]
        return _Position(key, first_seq(at_ms), last_seq(at_ms))
    return _Position(key, text, text)
