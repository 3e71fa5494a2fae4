"""What `POST /logs` can count: aggregations in Elasticsearch's form, read and checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.log_conditions import Condition
from appmixer_mcp.sandbox.log_fields import INSTANTS, KEYWORDS, known
from appmixer_mcp.sandbox.log_filters import Object, condition_of, object_of, only_entry
from appmixer_mcp.sandbox.log_intervals import Interval, formatter, interval_of

MOST_BUCKETS = 10_000
"""Most buckets of all aggregations of one call together (ours; Elasticsearch has 65,536)."""
_MOST_LEVELS = 5
_MOST_AGGREGATIONS = 50
_DEFAULT_SIZE = 10
_MOST_DOCUMENTS = 1_000_000_000
_UTC = ("UTC", "Z", "Etc/UTC", "GMT", "+00:00", "-00:00")
_NUMBERS = ("sum", "avg", "min", "max")
_COUNTS = ("value_count", "cardinality")


@dataclass(frozen=True)
class Metric:
    """One number."""

    kind: Literal["sum", "avg", "min", "max", "value_count", "cardinality"]
    column: str


@dataclass(frozen=True)
class Terms:
    """A bucket for each value of a field, the most frequent ones."""

    column: str
    size: int
    order: tuple[tuple[Literal["_count", "_key"], bool], ...]
    """What to sort by, and whether the largest comes first."""
    min_doc_count: int


@dataclass(frozen=True)
class Histogram:
    """A bucket for each interval."""

    interval: Interval
    min_doc_count: int
    written: Callable[[int], str]


@dataclass(frozen=True)
class Filter:
    """One bucket with what fulfils a condition."""

    condition: Condition


@dataclass(frozen=True)
class Aggregation:
    """One named aggregation with those inside of its buckets."""

    name: str
    what: Metric | Terms | Histogram | Filter
    inner: "tuple[Aggregation, ...]" = ()


def aggregations(asked: Object, now: datetime) -> tuple[Aggregation, ...]:
    """Read aggregations.

    Args:
        asked: Name -> `{kind: {…}, aggs: {…}}`; at most 5 levels, 50 in all.
        now: What `now` in a filter means.

    Raises:
        InputError: There is something that the sandbox does not know.
    """
    return _Reading(now).level(asked, _MOST_LEVELS)


class _Reading:
    def __init__(self, now: datetime) -> None:
        self._now = now
        self._count = 0

    def level(self, asked: Object, depth: int) -> tuple[Aggregation, ...]:
        if asked and depth == 0:
            raise InputError(f"Aggregations are nested more than {_MOST_LEVELS} levels deep.")
        return tuple(self._one(name, object_of(one, name), depth) for name, one in asked.items())

    def _one(self, name: str, asked: Object, depth: int) -> Aggregation:
        self._count += 1
        if self._count > _MOST_AGGREGATIONS:
            raise InputError(f"There are more than {_MOST_AGGREGATIONS} aggregations.")
        own = {
            key: value
            for key, value in asked.items()
            if key not in ("aggs", "aggregations", "meta")
        }
        kind, options = only_entry(own, f"Beside aggs, the aggregation {name!r}")
        what = self._what(kind, options)
        inner = object_of(asked.get("aggs") or asked.get("aggregations") or {}, "aggs")
        if inner and isinstance(what, Metric):
            raise InputError(f"{kind} is a number and cannot have aggs inside.")
        return Aggregation(name, what, self.level(inner, depth - 1))

    def _what(self, kind: str, options: Json) -> Metric | Terms | Histogram | Filter:
        if kind == "filter":
            return Filter(condition_of(options, self._now))
        asked = object_of(options, kind)
        if kind == "date_histogram":
            return _histogram(asked)
        if kind == "terms":
            return _terms(asked)
        if kind in _NUMBERS or kind in _COUNTS:
            return _metric(kind, asked)
        raise InputError(
            f"The sandbox has no aggregation {kind!r}. Use date_histogram, terms, filter, "
            f"{', '.join((*_NUMBERS, *_COUNTS))}."
        )


def _histogram(asked: Object) -> Histogram:
    _only(
        "date_histogram", asked,
        "field", "interval", "calendar_interval", "fixed_interval", "min_doc_count", "time_zone",
        "format",
    )  # fmt: skip
    if _column(asked, "date_histogram") != "at_ms":
        raise InputError(f"date_histogram needs one of the fields {', '.join(INSTANTS)}.")
    if asked.get("time_zone", "UTC") not in _UTC:
        raise InputError("time_zone must be UTC; the sandbox has no other days.")
    given = [
        asked[key] for key in ("interval", "calendar_interval", "fixed_interval") if key in asked
    ]
    if len(given) != 1:
        raise InputError("date_histogram needs one of calendar_interval, fixed_interval, interval.")
    return Histogram(
        interval_of(str(given[0])),
        _whole(asked, "min_doc_count", 0),
        formatter(str(asked.get("format", ""))),
    )


def _terms(asked: Object) -> Terms:
    _only("terms", asked, "field", "size", "order", "min_doc_count", "shard_size")
    size = _whole(asked, "size", _DEFAULT_SIZE)
    if not 0 < size <= MOST_BUCKETS:
        raise InputError(f"terms.size must be from 1 to {MOST_BUCKETS}.")
    wanted = asked.get("order", {"_count": "desc"})
    listed = cast("Sequence[Json]", wanted) if isinstance(wanted, list) else [wanted]
    return Terms(
        _column(asked, "terms"),
        size,
        tuple(_order(one) for one in listed),
        _whole(asked, "min_doc_count", 1),
    )


def _order(wanted: Json) -> tuple[Literal["_count", "_key"], bool]:
    by, direction = only_entry(wanted, "terms.order")
    if direction not in ("asc", "desc") or by not in ("_count", "_key", "_term"):
        raise InputError("terms.order must be {_count: asc|desc} or {_key: asc|desc}.")
    return ("_count" if by == "_count" else "_key"), direction == "desc"


def _metric(kind: str, asked: Object) -> Metric:
    _only(kind, asked, "field", "precision_threshold")
    column = _column(asked, kind)
    if kind in _NUMBERS and column != "at_ms":
        raise InputError(
            f"{kind} needs a number; records have only {', '.join(INSTANTS)}. Of other fields "
            f"there are {' and '.join(_COUNTS)}."
        )
    return Metric(cast("Literal['sum']", kind), column)  # one of the names in `Metric`


def _column(asked: Mapping[str, Json], kind: str) -> str:
    name = asked.get("field")
    if not isinstance(name, str):
        raise InputError(f"{kind}.field must be the name of a field.")
    field = known(name)
    if field in INSTANTS:
        return INSTANTS[field]
    if field == "_id" or field not in KEYWORDS:
        raise InputError(f"Records cannot be counted by {field}: it hardly ever repeats.")
    return KEYWORDS[field]


def _whole(asked: Object, name: str, default: int) -> int:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_DOCUMENTS:
        raise InputError(f"{name} must be a whole number, 0 or more.")
    return value


def _only(kind: str, asked: Object, *options: str) -> None:
    unknown = sorted(set(asked) - set(options))
    if unknown:
        raise InputError(
            f"The sandbox's {kind} has no {unknown[0]!r}; it has {', '.join(options)}."
        )
