"""Searches in the log: what is asked for, turned into one query and a histogram by day."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import QueryParams

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.clock import from_ms, iso
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import both, flag, number
from appmixer_mcp.sandbox.lucene import COLUMNS, INSTANTS, Condition, instant_span, translate

_DAY_MS = 86_400_000
_DEFAULT_SIZE = 50
_MAX_SIZE = 1_000
_DIRECTIONS = {"": "ASC", "asc": "ASC", "desc": "DESC", "1": "ASC", "-1": "DESC"}


@dataclass(frozen=True, kw_only=True)
class LogSearch:
    """One search; `run` it through `Database.read`."""

    conditions: tuple[Condition, ...]
    after: Condition | None
    """Where a page begins; the histogram is over everything."""
    order: str
    size: int
    offset: int
    includes: frozenset[str]
    """Fields to return; empty means all."""
    excludes: frozenset[str]

    def run(self, connection: sqlite3.Connection) -> dict[str, Json]:
        """Return `{buckets, hits}`: records in the asked-for order, and how many on which day."""
        where = " AND ".join(condition.sql for condition in self.conditions)
        values = [value for condition in self.conditions for value in condition.values]
        # Text from outside is in `values` only; the rest is made of names and signs of ours.
        days = connection.execute(
            f"SELECT at_ms / {_DAY_MS} AS day, count(*) AS found FROM log WHERE {where}"  # noqa: S608
            " GROUP BY day ORDER BY day",
            values,
        ).fetchall()
        if self.after is not None:
            where, values = f"{where} AND {self.after.sql}", [*values, *self.after.values]
        rows = connection.execute(
            f"SELECT * FROM log WHERE {where} ORDER BY {self.order} LIMIT ? OFFSET ?",  # noqa: S608
            (*values, self.size, self.offset),
        )
        return {"buckets": [_bucket(day) for day in days], "hits": [self._hit(row) for row in rows]}

    def _hit(self, row: sqlite3.Row) -> dict[str, Json]:
        return {
            field: value
            for field, value in shown(row).items()
            if field not in self.excludes and (not self.includes or field in self.includes)
        }


def log_search(query: QueryParams, user_id: str, now: datetime) -> LogSearch:
    """Read a search's query parameters.

    Args:
        query: flowId, portType, sort, searchAfter (or search_after) may be repeated.
        user_id: Whose records are searched; nobody else's are ever found.
        now: What `now` in the query means.

    Raises:
        InputError: One of them makes no sense.

    Source: documented; newest first when no order is named, and at most 1000 records, are ours.
    """
    size = number(query, "size", number(query, "limit", _DEFAULT_SIZE))
    if size > _MAX_SIZE:
        raise InputError(f"size must be at most {_MAX_SIZE}; get the rest with from.")
    sort = [_sort_key(text) for text in both(query, "sort") if text] or [("gridTimestamp", "DESC")]
    return LogSearch(
        conditions=tuple(_conditions(query, user_id, now)),
        after=_after(query, sort, now),
        order=", ".join(
            [*(f"{COLUMNS[field]} {direction}" for field, direction in sort), f"seq {sort[-1][1]}"]
        ),
        size=size,
        offset=number(query, "from", number(query, "offset", 0)),
        includes=_names(query, "includes"),
        excludes=_names(query, "excludes"),
    )


def one_record(connection: sqlite3.Connection, user_id: str, log_id: str) -> dict[str, Json]:
    """Return one record of a user, with `msg` as JSON where it is some.

    Raises:
        NotFoundError: This user has no such record.
    """
    row = connection.execute(
        "SELECT * FROM log WHERE log_id = ? AND user_id = ?", (log_id, user_id)
    ).fetchone()
    if row is None:
        raise NotFoundError("Log record not found.")
    record = shown(row)
    return record | {"msg": _parsed(row["msg"])}


def shown(row: sqlite3.Row) -> dict[str, Json]:
    """Return a row of the table `log` as the API does; what is empty is left out."""
    at = iso(row["at_ms"])
    record: dict[str, Json] = {
        "_id": row["log_id"],
        "_index": f"appmixer-{from_ms(row['at_ms']):%Y%m}",
        "severity": row["severity"],
        "@timestamp": at,
        "gridTimestamp": at,
        "flowId": row["flow_id"],
        "componentId": row["component_id"],
        "componentType": row["component_type"],
        "portType": row["port_type"],
        "port": row["port"],
        "senderId": row["sender_id"],
        "senderType": row["sender_type"],
        "senderPort": row["sender_port"],
        "correlationId": row["correlation_id"],
        "msg": row["msg"],
        "err": row["err"],
        "inputMessages": _parsed(row["input_messages"]),
    }
    return {field: value for field, value in record.items() if value != ""}


def _conditions(query: QueryParams, user_id: str, now: datetime) -> list[Condition]:
    conditions = [Condition("user_id = ?", (user_id,))]
    for parameter, column in (("flowId", "flow_id"), ("portType", "port_type")):
        wanted = [value for value in both(query, parameter) if value]
        if wanted:
            marks = ", ".join("?" * len(wanted))
            conditions.append(Condition(f"{column} IN ({marks})", tuple(wanted)))
    if not flag(query, "trace"):
        conditions.append(Condition("severity <> 'trace'"))
    conditions.append(translate(query.get("query", ""), now))
    return conditions


def _sort_key(text: str) -> tuple[str, str]:
    field, _, direction = text.partition(":")
    if field not in COLUMNS or direction.lower() not in _DIRECTIONS:
        raise InputError(f"sort must be field:asc or field:desc, by one of {', '.join(COLUMNS)}.")
    return field, _DIRECTIONS[direction.lower()]


def _after(query: QueryParams, sort: list[tuple[str, str]], now: datetime) -> Condition | None:
    """Return what comes after the record with these sort values, or None when none are given."""
    given = both(query, "searchAfter") or both(query, "search_after")
    if not given:
        return None
    if len(given) != len(sort):
        raise InputError(f"searchAfter must have {len(sort)} value(s), one for each sort key.")
    values = [
        instant_span(text, now)[0] if field in INSTANTS else text
        for text, (field, _) in zip(given, sort, strict=True)
    ]
    alternatives: list[str] = []
    used: list[str | int] = []
    for last, (field, direction) in enumerate(sort):
        equal = [f"{COLUMNS[earlier]} = ?" for earlier, _ in sort[:last]]
        beyond = f"{COLUMNS[field]} {'>' if direction == 'ASC' else '<'} ?"
        alternatives.append(f"({' AND '.join([*equal, beyond])})")
        used += values[: last + 1]
    return Condition(f"({' OR '.join(alternatives)})", tuple(used))


def _names(query: QueryParams, parameter: str) -> frozenset[str]:
    names = (name.strip() for text in both(query, parameter) for name in text.split(","))
    return frozenset(name for name in names if name)


def _bucket(day: sqlite3.Row) -> dict[str, Json]:
    start_ms: int = day["day"] * _DAY_MS
    return {"key_as_string": iso(start_ms), "key": start_ms, "doc_count": day["found"]}


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text
