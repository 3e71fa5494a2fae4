"""Where the records of a search are read from, so that the answer is quick.

Three places hold what is needed: the table `log` with its indexes, the index of words, and the
numbers of each day. Each search takes the cheapest that can answer it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from appmixer_mcp.sandbox.log_conditions import (
    And,
    Condition,
    Equal,
    Not,
    Or,
    Reach,
    Sql,
    Within,
    Words,
    any_of,
    as_match,
    as_sql,
    columns_of,
    conjuncts,
    has_words,
    joined,
)
from appmixer_mcp.sandbox.log_index import DAY_MS, KINDS

_INSTANT = frozenset(("at_ms",))
_OF_A_DAY = _INSTANT.union(KINDS)


@dataclass(frozen=True)
class Records:
    """Tables and what holds of their rows; `seq` is how they call the records' numbers."""

    tables: str
    where: Sql
    seq: str


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Some of the log records that one user may see."""

    reach: Reach
    """Which records the user may see; part of every query, whatever else is asked for."""
    wanted: tuple[Condition, ...] = ()
    """All must hold."""
    within: Within = field(default_factory=Within)

    @property
    def visible(self) -> Condition:
        """The condition that the user may see a record: the one place that decides it."""
        own = Equal("user_id", self.reach.user_id)
        return Or((own, any_of("flow_id", [*self.reach.owners]))) if self.reach.owners else own

    def narrowed(self, *wanted: Condition) -> "Selection":
        """Return those records that fulfil further conditions."""
        within, others = self.within, list(self.wanted)
        for part in conjuncts(And(wanted)):
            if isinstance(part, Within):
                within = within.and_within(part)
            else:
                others.append(part)
        return replace(self, wanted=tuple(others), within=within)

    def records(self) -> Records:
        """Return where whole records come from."""
        return self._records(self.within)

    def counted(self, columns: frozenset[str], *, by_day: bool) -> Sql:
        """Return a query for some columns of the records, and `n`, how many a row stands for.

        Args:
            columns: Of `log`; `at_ms` is the instant.
            by_day: Whether of the instant only the day matters.
        """
        match, others = self._match()
        if match and columns <= _INSTANT and not others:
            return self._in_index(match)
        wanted = columns_of(And(self.wanted))
        if by_day and not match and columns <= _OF_A_DAY and wanted <= {*KINDS}:
            return self._by_day(columns)
        return self._each(columns)

    def _records(self, within: Within) -> Records:
        match, others = self._match()
        conditions = (self.visible, *others, within)
        if not match:
            return Records("log", self._sql(conditions, "seq"), "seq")
        seq = "log_words.rowid"
        matched = Sql("log_words MATCH ?", (match,))
        where = joined(" AND ", [matched, self._sql(conditions, seq)], "1")
        return Records(f"log_words JOIN log ON log.seq = {seq}", where, seq)

    def _each(self, columns: frozenset[str]) -> Sql:
        """Count one by one."""
        records = self.records()
        named = _named(columns, f"{records.seq} >> 20")
        where = records.where
        return Sql(f"SELECT {named} 1 AS n FROM {records.tables} WHERE {where.text}", where.values)  # noqa: S608 - strangers' text is in the values

    def _part_of_day(self, columns: frozenset[str], within: Within, day: int) -> Sql:
        """Count a part of one day."""
        records = self._records(within)
        named, others = _named(columns, str(day * DAY_MS)), ", ".join(sorted(columns - _INSTANT))
        grouped = f" GROUP BY {others}" if others else ""
        return Sql(
            f"SELECT * FROM (SELECT {named} count(*) AS n FROM {records.tables}"  # noqa: S608 - strangers' text is in the values
            f" WHERE {records.where.text}{grouped}) WHERE n > 0",
            records.where.values,
        )

    def _in_index(self, match: str) -> Sql:
        """Count without looking at the records."""
        within = self._sql((self.within,), "rowid")
        return Sql(
            "SELECT rowid >> 20 AS at_ms, 1 AS n FROM log_words"  # noqa: S608 - strangers' text is in the values
            f" WHERE log_words MATCH ? AND {within.text}",
            (match, *within.values),
        )

    def _by_day(self, columns: frozenset[str]) -> Sql:
        """Take whole days from their numbers, and what is left at both ends from the records."""
        first_ms, last_ms = self.within.first_ms, self.within.last_ms
        first_day = None if first_ms is None else -(-first_ms // DAY_MS)
        end_day = None if last_ms is None else (last_ms + 1) // DAY_MS
        if first_day is not None and end_day is not None and first_day > end_day:
            return self._part_of_day(columns, self.within, end_day)
        pieces = [self._sql((self.visible, *self.wanted), "seq")]
        if first_day is not None:
            pieces.append(Sql("day >= ?", (first_day,)))
        if end_day is not None:
            pieces.append(Sql("day < ?", (end_day,)))
        where = joined(" AND ", pieces, "1")
        named = _named(columns, f"day * {DAY_MS}")
        sources = [Sql(f"SELECT {named} count AS n FROM log_day WHERE {where.text}", where.values)]  # noqa: S608 - strangers' text is in the values
        if first_day is not None and first_ms != first_day * DAY_MS:
            before = Within(first_ms, first_day * DAY_MS - 1)
            sources.append(self._part_of_day(columns, before, first_day - 1))
        if end_day is not None and last_ms != end_day * DAY_MS - 1:
            behind = Within(end_day * DAY_MS, last_ms)
            sources.append(self._part_of_day(columns, behind, end_day))
        return Sql(
            " UNION ALL ".join(source.text for source in sources),
            tuple(value for source in sources for value in source.values),
        )

    def _match(self) -> tuple[str, tuple[Condition, ...]]:
        """Return a query to the index of words, and the conditions that it cannot say.

        The query is empty when the words are not what narrows the search.
        """
        said = [part for part in self.wanted if as_match(part, self.reach) is not None]
        others = tuple(part for part in self.wanted if part not in said)
        match = as_match(And(tuple(said)), self.reach) if any(map(has_words, said)) else None
        if match is None:
            return "", self.wanted
        if any(columns_of(part) == {"flow_id"} and not isinstance(part, Not) for part in said):
            return match, others  # the flows' words are their owners', too
        return f"{self.reach.everything()} AND {match}", others

    def _sql(self, conditions: Iterable[Condition], seq: str) -> Sql:
        pieces = [as_sql(one, partial(self._holding, seq), seq) for one in conditions]
        return joined(" AND ", pieces, "1")

    def _holding(self, seq: str, words: Words) -> Sql:
        """Return the condition that a record is among those of the index that hold some words."""
        scopes = [part for part in self.wanted if columns_of(part) == {"flow_id"}]
        matches = [as_match(part, self.reach) for part in (*scopes, words)]
        match = " AND ".join((self.reach.everything(), *filter(None, matches)))
        within = self._sql((self.within,), "rowid")
        return Sql(
            f"{seq} IN (SELECT rowid FROM log_words WHERE log_words MATCH ? AND {within.text})",  # noqa: S608 - strangers' text is in the values
            (match, *within.values),
        )


def _named(columns: frozenset[str], instant: str) -> str:
    """Return columns for a SELECT, each with a comma behind it."""
    return "".join(
        f"{instant} AS at_ms, " if one == "at_ms" else f"{one}, " for one in sorted(columns)
    )
