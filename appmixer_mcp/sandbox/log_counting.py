"""Runs aggregations over log records, one query for each; the answers have Elasticsearch's form."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.log_aggregations import (
    MOST_BUCKETS,
    Aggregation,
    Filter,
    Histogram,
    Metric,
    Terms,
)
from appmixer_mcp.sandbox.log_conditions import Sql, any_of
from appmixer_mcp.sandbox.log_selection import Selection

Key = str | int
Keys = tuple[Key, ...]
"""The keys of the buckets that something lies in, the outermost first."""
Results = dict[Keys, dict[str, Json]]
"""Aggregations by name, in each bucket that holds any record."""


@dataclass(frozen=True)
class _Level:
    """A kind of buckets: what their key is made of."""

    key_sql: str
    column: str
    by_day: bool
    """Whether of an instant only its day matters."""


_Levels = tuple[_Level, ...]


def counted(
    connection: sqlite3.Connection, selection: Selection, asked: Sequence[Aggregation]
) -> dict[str, Json]:
    """Return the result of each aggregation under its name.

    Raises:
        InputError: There are more than `MOST_BUCKETS` buckets.
    """
    return _Counting(connection).inside(asked, selection, ())[()]


class _Counting:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._buckets = 0

    def inside(
        self, asked: Sequence[Aggregation], selection: Selection, levels: _Levels
    ) -> Results:
        """Return what the aggregations find in each bucket of the levels around them."""
        results: Results = {} if levels else {(): {}}
        for one in asked:
            for keys, result in self._one(one, selection, levels).items():
                results.setdefault(keys, {})[one.name] = result
        nothing = _nothing_in(asked)
        return {keys: {**nothing, **found} for keys, found in results.items()}

    def _one(self, one: Aggregation, selection: Selection, levels: _Levels) -> dict[Keys, Json]:
        match one.what:
            case Metric():
                return self._metric(one.what, selection, levels)
            case Filter(condition):
                return self._filter(one, selection.narrowed(condition), levels)
            case Terms():
                return self._terms(one, one.what, selection, levels)
            case Histogram():
                return self._histogram(one, one.what, selection, levels)

    def _metric(self, metric: Metric, selection: Selection, levels: _Levels) -> dict[Keys, Json]:
        column = metric.column
        present = "1" if column == "at_ms" else f"{column} <> ''"
        counts = {
            "value_count": f"coalesce(sum(CASE WHEN {present} THEN n END), 0)",
            "cardinality": f"count(DISTINCT CASE WHEN {present} THEN {column} END)",
            "sum": f"total({column})",  # sum would overflow
        }
        number = counts.get(metric.kind, f"{metric.kind}({column})")
        by_day = column != "at_ms" or metric.kind == "value_count"
        grouped = _grouped(number, selection, levels, _Level("", column, by_day))
        return {keys: _shown(metric, found) for keys, found in self._groups(grouped, levels)}

    def _filter(self, one: Aggregation, selection: Selection, levels: _Levels) -> dict[Keys, Json]:
        inner = self.inside(one.inner, selection, levels)
        nothing = _nothing_in(one.inner)
        grouped = _grouped("coalesce(sum(n), 0)", selection, levels)
        return {
            keys: {"doc_count": found, **inner.get(keys, nothing)}
            for keys, found in self._groups(grouped, levels)
        }

    def _terms(
        self, one: Aggregation, terms: Terms, selection: Selection, levels: _Levels
    ) -> dict[Keys, Json]:
        here = (*levels, _Level(terms.column, terms.column, by_day=terms.column != "at_ms"))
        found: dict[Keys, list[tuple[Key, int]]] = {}
        others: dict[Keys, int] = {}
        for keys, (count, total) in self._groups(_most(terms, selection, here), here):
            around = keys[:-1]
            found.setdefault(around, []).append((keys[-1], count))
            others[around] = others.get(around, total) - count
        kept = {key for buckets in found.values() for key, _ in buckets if isinstance(key, str)}
        if kept:  # of the other buckets nothing is shown
            selection = selection.narrowed(any_of(terms.column, sorted(kept)))
        inner = self.inside(one.inner, selection, here) if one.inner else {}
        return {
            keys: {
                "doc_count_error_upper_bound": 0,
                "sum_other_doc_count": others[keys],
                "buckets": [self._bucket(one, (*keys, key), count, inner) for key, count in counts],
            }
            for keys, counts in found.items()
        }

    def _histogram(
        self, one: Aggregation, asked: Histogram, selection: Selection, levels: _Levels
    ) -> dict[Keys, Json]:
        interval = asked.interval
        here = (*levels, _Level(interval.key_sql, "at_ms", by_day=interval.is_of_days))
        found: dict[Keys, dict[int, int]] = {}
        for keys, count in self._groups(_grouped("sum(n)", selection, here), here):
            found.setdefault(keys[:-1], {})[int(keys[-1])] = count
        inner = self.inside(one.inner, selection, here) if one.inner else {}
        return {
            keys: {
                "buckets": [
                    {"key_as_string": asked.written(key)}
                    | self._bucket(one, (*keys, key), count, inner)
                    for key, count in _intervals(asked, counts)
                ]
            }
            for keys, counts in found.items()
        }

    def _bucket(self, one: Aggregation, keys: Keys, count: int, inner: Results) -> dict[str, Json]:
        self._buckets += 1
        if self._buckets > MOST_BUCKETS:
            raise _too_many()
        inside = inner.get(keys) or _nothing_in(one.inner)
        return {"key": keys[-1], "doc_count": count, **inside}

    def _groups(self, grouped: Sql, levels: _Levels) -> Iterator[tuple[Keys, Any]]:
        """Return the keys of each group, and what was counted of it: a number, or several."""
        rows = self._connection.execute(grouped.text, grouped.values).fetchmany(MOST_BUCKETS + 1)
        if len(rows) > MOST_BUCKETS:
            raise _too_many()
        depth = len(levels)
        for row in rows:
            numbers = tuple(row)[depth:]
            yield tuple(row)[:depth], numbers[0] if len(numbers) == 1 else numbers


def _grouped(
    number: str, selection: Selection, levels: _Levels, looked_at: _Level | None = None
) -> Sql:
    """Return a query for the keys `k0`, `k1` … of each group and its number, `found`."""
    needed = levels if looked_at is None else (*levels, looked_at)
    source = selection.counted(
        frozenset(level.column for level in needed), by_day=all(level.by_day for level in needed)
    )
    keys = [f"{level.key_sql} AS k{place}" for place, level in enumerate(levels)]
    groups = ", ".join(f"k{place}" for place in range(len(levels)))
    return Sql(
        f"SELECT {', '.join([*keys, f'{number} AS found'])} FROM ({source.text})"  # noqa: S608 - strangers' text is in the values
        + (f" GROUP BY {groups} ORDER BY {groups}" if groups else ""),
        source.values,
    )


def _most(terms: Terms, selection: Selection, levels: _Levels) -> Sql:
    """Return a query for the keys of the first buckets of each group, their number, and all's."""
    grouped = _grouped("sum(n)", selection, levels)
    names = [f"k{place}" for place in range(len(levels))]
    *around, key = names
    window = f"PARTITION BY {', '.join(around)}" if around else ""
    by = {"_count": "found", "_key": key}
    order = [f"{by[name]} {'DESC' if largest else 'ASC'}" for name, largest in terms.order]
    return Sql(
        f"SELECT {', '.join(names)}, found, total FROM (SELECT *,"  # noqa: S608 - strangers' text is in the values
        f" sum(found) OVER ({window}) AS total,"
        f" row_number() OVER ({window} ORDER BY {', '.join([*order, key])}) AS place"
        f" FROM ({grouped.text}) WHERE {key} <> '' AND found >= ?) WHERE place <= ? ORDER BY place",
        (*grouped.values, terms.min_doc_count, terms.size),
    )


def _intervals(asked: Histogram, counts: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Return each interval to be shown with its count; empty ones in between when asked for."""
    if asked.min_doc_count:
        yield from ((key, n) for key, n in sorted(counts.items()) if n >= asked.min_doc_count)
        return
    key, last = min(counts), max(counts)
    while key <= last:
        yield key, counts.get(key, 0)
        key = asked.interval.next(key)


def _shown(metric: Metric, value: float | None) -> Json:
    shown: dict[str, Json] = {"value": value}
    if metric.column == "at_ms" and metric.kind in ("min", "max", "avg") and value is not None:
        shown["value_as_string"] = iso(round(value))
    return shown


def _nothing_in(asked: Sequence[Aggregation]) -> dict[str, Json]:
    """Return what aggregations find where there is no record."""
    return {one.name: _nothing(one) for one in asked}


def _nothing(one: Aggregation) -> Json:
    match one.what:
        case Metric(kind):
            return {"value": None if kind in ("min", "max", "avg") else 0}
        case Filter():
            return {"doc_count": 0, **_nothing_in(one.inner)}
        case Terms():
            return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": []}
        case Histogram():
            return {"buckets": []}


def _too_many() -> InputError:
    return InputError(
        f"The aggregations have more than {MOST_BUCKETS:,} buckets. Take a longer interval, a "
        "smaller size, or a narrower query."
    )
