"""Searches in the log: what is asked for, and its answer of records and of counts by day."""

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from starlette.datastructures import QueryParams
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.listing import every_value, flag, number
from appmixer_mcp.sandbox.log_conditions import (
    Condition,
    Equal,
    Not,
    Reach,
    any_of,
    joined,
)
from appmixer_mcp.sandbox.log_ids import seq_of
from appmixer_mcp.sandbox.log_index import DAY_MS
from appmixer_mcp.sandbox.log_paging import Paging, paging
from appmixer_mcp.sandbox.log_records import LogHit, hit_of, parsed, rows_of
from appmixer_mcp.sandbox.log_selection import Selection
from appmixer_mcp.sandbox.lucene import translate

_DEFAULT_SIZE = 50
_MOST_RECORDS = 1_000
_MOST_VALUES = 1_000
_PORT_TYPES = ("in", "out")


class Bucket(TypedDict):
    """How many records a day has."""

    key_as_string: str
    key: int
    doc_count: int


class Found(TypedDict):
    """What a search found."""

    buckets: list[Bucket]
    hits: list[LogHit]


@dataclass(frozen=True, kw_only=True)
class LogSearch:
    """One search; what its methods return is got through `Database.read`."""

    selection: Selection
    """What is counted; a page shows a part of it."""
    paging: Paging
    size: int
    offset: int
    includes: frozenset[str]
    """Fields to return; empty means all."""
    excludes: frozenset[str]

    def narrowed(self, condition: Condition) -> "LogSearch":
        """Return the same search for what fulfils one more condition."""
        return replace(self, selection=self.selection.narrowed(condition))

    def run(self, connection: sqlite3.Connection) -> Found:
        """Return records in the asked-for order, and how many there are on which day."""
        return {"buckets": self.days(connection), "hits": self.hits(connection)}

    def days(self, connection: sqlite3.Connection) -> list[Bucket]:
        """Return how many records there are on each day (UTC) that has any, the oldest first."""
        counted = self.present(connection).counted(frozenset(("at_ms",)), by_day=True)
        days = connection.execute(
            f"SELECT at_ms / {DAY_MS} * {DAY_MS} AS day, sum(n) AS found FROM ({counted.text})"  # noqa: S608 - strangers' text is in the values
            " GROUP BY day ORDER BY day",
            counted.values,
        )
        return [
            {"key_as_string": iso(row["day"]), "key": row["day"], "doc_count": row["found"]}
            for row in days
        ]

    def hits(self, connection: sqlite3.Connection) -> list[LogHit]:
        """Return the asked-for page of records."""
        records = self.present(connection).records()
        where = joined(" AND ", [records.where, self.paging.beginning(records.seq)], "1")
        # Numbers alone are sorted: the texts behind them may be large, and all but a page are not
        # wanted.
        found = connection.execute(
            f"SELECT {records.seq} FROM {records.tables} WHERE {where.text}"  # noqa: S608 - strangers' text is in the values
            f" ORDER BY {self.paging.order(records.seq)} LIMIT ? OFFSET ?",
            (*where.values, self.size, self.offset),
        )
        rows = rows_of(connection, [row[0] for row in found])
        return [self._selected(hit_of(row)) for row in rows]

    def present(self, connection: sqlite3.Connection) -> Selection:
        """Return what is searched, without the flows whose records are being removed."""
        gone = [row["flow_id"] for row in connection.execute("SELECT flow_id FROM log_gone")]
        return self.selection.narrowed(Not(any_of("flow_id", gone))) if gone else self.selection

    def _selected(self, hit: LogHit) -> LogHit:
        wanted = {
            field: value
            for field, value in hit.items()
            if field not in self.excludes and (not self.includes or field in self.includes)
        }
        return cast("LogHit", wanted)


def log_search(query: QueryParams, reach: Reach, now: datetime) -> LogSearch:
    """Read a search's query parameters.

    Args:
        query: flowId, portType, sort, searchAfter (or search_after) may be repeated.
        reach: Whose records are searched; nobody else's are ever found.
        now: What `now` in the query means.

    Raises:
        InputError: One of them makes no sense.

    Source: documented; newest first when no order is named, and at most 1000 records, are ours.
    """
    size = number(query, "size", number(query, "limit", _DEFAULT_SIZE))
    after = every_value(query, "searchAfter") or every_value(query, "search_after")
    return LogSearch(
        selection=Selection(reach=reach).narrowed(*_conditions(query, now)),
        paging=paging(every_value(query, "sort"), after, now),
        size=page_size(size),
        offset=number(query, "from", number(query, "offset", 0)),
        includes=_names(query, "includes"),
        excludes=_names(query, "excludes"),
    )


def page_size(size: int) -> int:
    """Return how many records a page has.

    Raises:
        InputError: More than a page can have.
    """
    if not 0 <= size <= _MOST_RECORDS:
        raise InputError(f"size must be at most {_MOST_RECORDS}; get the rest with from.")
    return size


def one_record(connection: sqlite3.Connection, reach: Reach, log_id: str) -> LogHit:
    """Return one record that a user may see, with `msg` as JSON where it is some.

    Raises:
        NotFoundError: There is no such record.
    """
    wanted = Equal("seq", seq_of(log_id) or -1)
    may_see = Selection(reach=reach).narrowed(wanted).records()
    row = connection.execute(
        f"SELECT * FROM log WHERE {may_see.where.text}",  # noqa: S608 - strangers' text is in the values
        may_see.where.values,
    ).fetchone()
    if row is None:
        raise NotFoundError("Log record not found.")
    return {**hit_of(row), "msg": parsed(row["msg"])}


def _conditions(query: QueryParams, now: datetime) -> list[Condition]:
    conditions: list[Condition] = []
    for parameter, column in (("flowId", "flow_id"), ("portType", "port_type")):
        wanted = [value for value in every_value(query, parameter) if value]
        if len(wanted) > _MOST_VALUES:
            raise InputError(f"{parameter} is repeated more than {_MOST_VALUES} times.")
        if parameter == "portType" and not set(wanted) <= set(_PORT_TYPES):
            raise InputError("portType must be in or out.")
        if wanted:
            conditions.append(any_of(column, wanted))
    if not flag(query, "trace"):
        conditions.append(Not(Equal("severity", "trace")))
    return [*conditions, translate(query.get("query", ""), now)]


def _names(query: QueryParams, parameter: str) -> frozenset[str]:
    names = (name.strip() for text in every_value(query, parameter) for name in text.split(","))
    return frozenset(name for name in names if name)
