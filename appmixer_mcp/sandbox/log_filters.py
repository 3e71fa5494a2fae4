"""Filters in Elasticsearch's form, `{"term": {"severity": "error"}}`, read into conditions."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.log_conditions import ALWAYS, And, Condition, Not, Or
from appmixer_mcp.sandbox.log_fields import (
    INSTANTS,
    KEYWORDS,
    Side,
    beyond,
    equals,
    exists,
    fits,
    known,
    one_of,
)
from appmixer_mcp.sandbox.lucene import translate

Object = Mapping[str, Json]

_MOST_LEVELS = 20
_MOST_CLAUSES = 100
_MOST_VALUES = 1_000
_MOST_WORDS = 100
_SIDES: dict[str, Side] = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def condition_of(query: Json, now: datetime) -> Condition:
    """Return what a filter asks for.

    Args:
        query: A query_string, match_all, term, terms, match, match_phrase, wildcard, range, exists
            or bool, at most 20 levels, 100 clauses.
        now: What `now` in a range means.

    Raises:
        InputError: It is something else.

    Source: documented by Elasticsearch; terms, match, match_phrase and wildcard of a text look for
    words as Lucene queries do (ours).
    """
    return _Reading(now).condition(query, _MOST_LEVELS)


class _Reading:
    def __init__(self, now: datetime) -> None:
        self._now = now
        self._clauses = 0
        self._kinds: dict[str, Callable[[Object], Condition]] = {
            "query_string": self._query_string,
            "match_all": lambda _: ALWAYS,
            "term": self._value,
            "terms": self._values,
            "match": self._match,
            "match_phrase": self._value,
            "wildcard": self._wildcard,
            "range": self._range,
            "exists": lambda asked: exists(known(_text(asked.get("field"), "field"))),
        }

    def condition(self, query: Json, depth: int) -> Condition:
        if depth == 0:
            raise InputError(f"The filter is nested more than {_MOST_LEVELS} levels deep.")
        self._clauses += 1
        if self._clauses > _MOST_CLAUSES:
            raise InputError(f"The filter has more than {_MOST_CLAUSES} clauses.")
        kind, asked = only_entry(query, "A filter")
        if kind == "bool":
            return self._bool(object_of(asked, kind), depth)
        if kind not in self._kinds:
            names = ", ".join((*self._kinds, "bool"))
            raise InputError(f"The sandbox has no filter {kind!r}. Use one of {names}.")
        return self._kinds[kind](object_of(asked, kind))

    def _bool(self, asked: Object, depth: int) -> Condition:
        unknown = set(asked) - {"must", "filter", "should", "must_not", "minimum_should_match"}
        if unknown:
            raise InputError(f"bool has no {sorted(unknown)[0]!r}.")
        parts = {
            name: [self.condition(one, depth - 1) for one in _listed(asked.get(name))]
            for name in ("must", "filter", "should", "must_not")
        }
        required = [*parts["must"], *parts["filter"], *map(Not, parts["must_not"])]
        least = asked.get("minimum_should_match")
        if least not in (None, 0, 1, "0", "1"):
            raise InputError("minimum_should_match must be 0 or 1.")
        optional = int(least) == 0 if least is not None else bool(parts["must"] + parts["filter"])
        if parts["should"] and not optional:
            required.append(Or(tuple(parts["should"])))
        return And(tuple(required))

    def _query_string(self, asked: Object) -> Condition:
        return translate(_text(asked.get("query"), "query_string.query"), self._now)

    def _value(self, asked: Object) -> Condition:
        field, value = self._of_field(asked, ("value", "query"))
        return equals(field, _text(value, field), self._now)

    def _values(self, asked: Object) -> Condition:
        name, values = only_entry(asked, "terms")
        listed = _listed(values)
        if not isinstance(values, list) or len(listed) > _MOST_VALUES:
            raise InputError(f"terms needs a list of at most {_MOST_VALUES} values.")
        return one_of(known(name), [_text(value, name) for value in listed], self._now)

    def _match(self, asked: Object) -> Condition:
        field, text = self._of_field(asked, ("query",))
        if field in KEYWORDS or field in INSTANTS:
            return equals(field, _text(text, field), self._now)
        words = _text(text, field).split()
        if len(words) > _MOST_WORDS:
            raise InputError(f"match takes at most {_MOST_WORDS} words.")
        found = tuple(equals(field, word, self._now) for word in words)
        options = next(iter(asked.values()))
        operator = cast("Object", options).get("operator") if isinstance(options, Mapping) else ""
        return And(found) if found and str(operator).lower() == "and" else Or(found)

    def _wildcard(self, asked: Object) -> Condition:
        field, value = self._of_field(asked, ("value", "wildcard"))
        return fits(field, _text(value, field), self._now)

    def _range(self, asked: Object) -> Condition:
        name, sides = only_entry(asked, "range")
        field = known(name)
        parts: list[Condition] = []
        for side, value in object_of(sides, "range").items():
            if side in ("format", "time_zone", "boost", "relation"):
                continue
            if side not in _SIDES:
                raise InputError(f"range has no {side!r}. Use gte, gt, lte and lt.")
            if value is not None:
                parts.append(beyond(field, _SIDES[side], _text(value, name), self._now))
        return And(tuple(parts)) if parts else exists(field)

    def _of_field(self, asked: Object, inside: tuple[str, ...]) -> tuple[str, Json]:
        """Return a known field and its value, which may stand in an object of its own."""
        name, value = only_entry(asked, "A filter of a field")
        if isinstance(value, Mapping):
            options = cast("Object", value)
            value = next((options[key] for key in inside if key in options), None)
        return known(name), value


def only_entry(value: Json, what: str) -> tuple[str, Json]:
    """Return key and value of an object with a single one.

    Raises:
        InputError: It is no such object.
    """
    if not isinstance(value, Mapping) or len(cast("Object", value)) != 1:
        raise InputError(f"{what} must be an object with one key.")
    return next(iter(cast("Object", value).items()))


def object_of(value: Json, what: str) -> Object:
    """Return a value that must be an object.

    Raises:
        InputError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{what} must be an object.")
    return cast("Object", value)


def _listed(value: Json) -> Sequence[Json]:
    if value is None:
        return []
    return cast("Sequence[Json]", value) if isinstance(value, list) else [value]


def _text(value: Json, what: str) -> str:
    """Return a value as records hold it; numbers are epoch milliseconds."""
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not is_finite:
        raise InputError(f"{what} must be a text or a number.")
    return value if isinstance(value, str) else f"{int(value):09d}"
