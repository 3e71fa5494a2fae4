"""What a chart shows: its time range and its traces, read as questions to the logs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError
from appmixer_mcp.ids import FlowId

from ._json_values import table
from ._log_filters import phrase, written
from ._shared import aware

if TYPE_CHECKING:
    from appmixer_mcp.api.models.charts import Chart

MOST_TRACES = 20
USUAL_DAYS = 7

_SPANS = {
    "second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1),
    "day": timedelta(days=1), "week": timedelta(weeks=1),
}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month",
          "Q": "quarter", "y": "year"}  # fmt: skip
_KINDS = ("date_histogram", "terms")
_BY_DAY = {"date_histogram": {"interval": "1d", "field": "@timestamp"}}


@dataclass(frozen=True)
class Trace:
    """One line, or the bars of one colour."""

    name: str
    aggregation: Mapping[str, Any]
    """In Elasticsearch's form."""
    flow_ids: tuple[FlowId, ...]
    """None means all flows."""
    query: str
    """Which records count."""

    @property
    def is_by_time(self) -> bool:
        """Whether its points follow one another in time."""
        return "date_histogram" in self.aggregation


@dataclass(frozen=True)
class Drawn:
    """What has to be counted for a chart."""

    first: datetime
    last: datetime
    traces: tuple[Trace, ...]


def drawn(chart: "Chart", now: datetime) -> Drawn:
    """Read the definition of a chart.

    Args:
        chart: With its definition.
        now: What its time range counts from, aware; days begin in UTC.

    Raises:
        InputError: The definition is of a form that is not known.

    Source: the form of a range and of a trace is documented by an example alone; its words are
    those of the library moment, by which the order `subtract`, `startOf`, `endOf` is taken.
    """
    span = table(table(chart.query).get("range"))
    usual = {"subtract": [USUAL_DAYS, "day"]}
    first = _instant(span.get("from") or usual, now)
    last = _instant(span.get("to"), now)
    time = f"@timestamp:[{written(first)} TO {written(last)}]"
    shown = [one for one in table(chart.traces).items() if not table(one[1]).get("hidden")]
    return Drawn(first, last, tuple(_trace(key, table(one), time) for key, one in shown))


def points(found: object) -> Iterator[tuple[str, int]]:
    """Yield what a trace shows: a time or a value, and how many records; none that has none."""
    buckets = table(found).get("buckets")
    for bucket in map(table, cast("list[object]", buckets) if isinstance(buckets, list) else []):
        count = bucket.get("doc_count")
        if isinstance(count, int) and count > 0:
            yield str(bucket.get("key_as_string", bucket.get("key", ""))), count


def _trace(key: str, trace: Mapping[str, Any], time: str) -> Trace:
    name = str(trace.get("name") or key)
    aggregation = table(trace.get("agg")) or _BY_DAY
    kinds = [kind for kind in aggregation if kind in _KINDS]
    if len(kinds) != 1 or len(aggregation) != 1:
        raise InputError(
            f"The trace {quoted(name)} counts in another way than by {' or '.join(_KINDS)}, which "
            "get_chart_data cannot. update_chart can change its agg."
        )
    options = table(aggregation[kinds[0]])
    targets = table(table(trace.get("source")).get("targets"))
    places = [_place(flow_id, chosen) for flow_id, chosen in targets.items()]
    return Trace(
        name=name,
        # Some were stored with numbers as text.
        aggregation={kinds[0]: {name: _number(value) for name, value in options.items()}},
        flow_ids=tuple(FlowId(one) for one in targets),
        query=" AND ".join([time, f"({' OR '.join(places)})"] if places else [time]),
    )


def _place(flow_id: str, component_ids: object) -> str:
    flow = f"flowId:{phrase(flow_id)}"
    if not isinstance(component_ids, list) or not component_ids:
        return flow
    named = " OR ".join(phrase(str(one)) for one in cast("list[object]", component_ids))
    return f"({flow} AND componentId:({named}))"


def _instant(spec: object, now: datetime) -> datetime:
    if isinstance(spec, str):
        return _parsed(spec)
    spec = table(spec)
    at = now.astimezone(UTC)
    try:
        if spec.get("subtract"):
            count, unit = cast("list[Any]", spec["subtract"])
            at = _earlier(at, int(count), _unit(unit))
        for word, change in (("startOf", _start), ("endOf", _end)):
            if spec.get(word):
                at = cast("Callable[[datetime, str], datetime]", change)(at, _unit(spec[word]))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(
            "The chart's time range is of a form that is not known; update_chart with days sets "
            "another."
        ) from error
    return at


def _parsed(text: str) -> datetime:
    try:
        return aware(text)
    except ValueError as error:
        raise InputError(
            f"The chart's time range has {quoted(text)}, which is no time; update_chart with days "
            "sets another."
        ) from error


def _unit(word: object) -> str:
    text = str(word)
    unit = _SHORT.get(text) or text.lower().removesuffix("s")
    if unit not in _SPANS and unit not in _MONTHS:
        raise KeyError(unit)
    return unit


def _earlier(at: datetime, count: int, unit: str) -> datetime:
    if unit in _SPANS:
        return at - count * _SPANS[unit]
    month = at.year * 12 + at.month - 1 - count * _MONTHS[unit]
    first = at.replace(year=month // 12, month=month % 12 + 1, day=1)
    length = (_later_month(first, 1) - first).days
    return first.replace(day=min(at.day, length))


def _start(at: datetime, unit: str) -> datetime:
    if unit == "second":
        return at.replace(microsecond=0)
    at = at.replace(second=0, microsecond=0)
    if unit == "minute":
        return at
    at = at.replace(minute=0)
    if unit == "hour":
        return at
    at = at.replace(hour=0)
    if unit == "week":
        return at - timedelta(days=(at.weekday() + 1) % 7)  # moment's begin on Sunday
    if unit in _MONTHS:
        months = _MONTHS[unit]
        return at.replace(day=1, month=(at.month - 1) // months * months + 1)
    return at


def _end(at: datetime, unit: str) -> datetime:
    start = _start(at, unit)
    after = start + _SPANS[unit] if unit in _SPANS else _later_month(start, _MONTHS[unit])
    return after - timedelta(milliseconds=1)


def _later_month(first: datetime, months: int) -> datetime:
    month = first.year * 12 + first.month - 1 + months
    return first.replace(year=month // 12, month=month % 12 + 1)


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value
