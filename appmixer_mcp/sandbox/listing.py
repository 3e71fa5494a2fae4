"""The rules that every list of the API shares: limit, offset, sort, filter, pattern, projection."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar, cast

from starlette.datastructures import QueryParams

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.pattern import matcher

Item = Mapping[str, Json]
T = TypeVar("T", bound=Item)

MAX_NUMBER = 999_999_999
"""The largest limit and offset."""
_NUMBER = re.compile(r"[0-9]{1,9}")
_DIRECTIONS = {"1": False, "asc": False, "": False, "-1": True, "desc": True}
_MOST_FILTERS = 50
_MOST_SORTS = 10
_TRUE = frozenset(("true", "1", "yes"))
_FALSE = frozenset(("false", "0", "no", ""))


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a list call asked for."""

    limit: int
    offset: int
    sort: tuple[tuple[str, bool], ...]
    """(field, whether descending), the most significant first."""
    filters: tuple[tuple[str, str], ...]
    """(field, condition); all must hold."""
    pattern: str
    keep: frozenset[str]
    """Fields to return; empty means all."""
    drop: frozenset[str]
    identity: str = ""
    """The field that stays whatever a projection says: the documented schemas demand it (ours)."""

    def judges(self, field: str) -> bool:
        """Say whether items are sorted or filtered by a field, or by something in it."""
        return any(path.split(".")[0] == field for path, _ in (*self.sort, *self.filters))

    def returns(self, field: str) -> bool:
        """Say whether the projection lets a field through."""
        return field == self.identity or (
            field not in self.drop and (not self.keep or field in self.keep)
        )

    @property
    def is_plain(self) -> bool:
        """Whether every item is wanted, in the order in which they are kept."""
        return not (self.sort or self.filters or self.pattern)

    def listed(
        self, items: Iterable[T], *, pattern_in: Sequence[str] = ()
    ) -> list[dict[str, Json]]:
        """Return the asked-for page of what filters and pattern let through. For `Database.read`.

        Args:
            items: Rows as the API shows them.
            pattern_in: The fields of which one must match the pattern; none leaves it out.
        """
        return self.page(self.select(items, pattern_in=pattern_in))

    def select(self, items: Iterable[T], *, pattern_in: Sequence[str] = ()) -> list[T]:
        """Return the items that filters and pattern let through, in their order.

        Args:
            items: Rows as the API shows them.
            pattern_in: The fields of which one must match the pattern; none leaves it out.
        """
        conditions = [partial(_holds, field, _condition(text)) for field, text in self.filters]
        if self.pattern and pattern_in:
            conditions.append(partial(_matches, pattern_in, matcher(self.pattern)))
        return [item for item in items if all(condition(item) for condition in conditions)]

    def page(self, items: list[T]) -> list[dict[str, Json]]:
        """Return the asked-for page, sorted, with the asked-for fields only."""
        for field, descending in reversed(self.sort):
            items = sorted(items, key=partial(_order, field), reverse=descending)
        wanted = islice(items, self.offset, self.offset + self.limit)
        return [self.project(item) for item in wanted]

    def project(self, item: Item) -> dict[str, Json]:
        """Return an item with the asked-for fields only."""
        return {key: value for key, value in item.items() if self.returns(key)}


def listing(
    query: QueryParams, *, identity: str = "", default_sort: str = "", default_limit: int = 100
) -> Listing:
    """Read a list call's query parameters.

    Args:
        query: `filter` may be repeated and be spelt `filter[]`, so may `sort`.
        identity: The field that no projection takes away.
        default_sort: Used when the call names no `sort`; `field:-1`.
        default_limit: Used when the call names no `limit`; 100 is documented.

    Raises:
        InputError: One of them makes no sense.

    Source: documented; `asc` and `desc` beside 1 and -1 are ours.
    """
    fields = [name for name in query.get("projection", "").split(",") if name.strip()]
    filters, sorts = every_value(query, "filter"), every_value(query, "sort") or [default_sort]
    # Each costs a look at every item.
    if len(filters) > _MOST_FILTERS or len(sorts) > _MOST_SORTS:
        raise InputError(f"At most {_MOST_FILTERS} filters and {_MOST_SORTS} sorts are taken.")
    return Listing(
        limit=number(query, "limit", default_limit),
        offset=number(query, "offset", 0),
        sort=tuple(_sort(text) for text in sorts if text),
        filters=tuple(_filter(text) for text in filters if text),
        pattern=query.get("pattern", ""),
        keep=frozenset(name.strip() for name in fields if not name.strip().startswith("-")),
        drop=frozenset(name.strip()[1:] for name in fields if name.strip().startswith("-")),
        identity=identity,
    )


def every_value(query: QueryParams, name: str) -> list[str]:
    """Return every value of a repeatable parameter, in either spelling: `name` and `name[]`."""
    return [*query.getlist(name), *query.getlist(f"{name}[]")]


def number(query: QueryParams, name: str, default: int) -> int:
    """Return a parameter that counts something.

    Raises:
        InputError: It is no whole number from 0 to `MAX_NUMBER`.
    """
    text = query.get(name, "")
    if not text:
        return default
    if not _NUMBER.fullmatch(text):
        raise InputError(f"{name} must be a whole number, 0 or more.")
    return int(text)


def flag(query: QueryParams, name: str, *, default: bool = False) -> bool:
    """Return a parameter that is yes or no, in any of the spellings that clients use.

    Raises:
        InputError: It is neither.
    """
    text = query.get(name)
    if text is None:
        return default
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise InputError(f"{name} must be true or false.")


def _sort(text: str) -> tuple[str, bool]:
    field, _, direction = text.partition(":")
    if not field or direction not in _DIRECTIONS:
        raise InputError("sort must be field:1 (ascending) or field:-1 (descending).")
    return field, _DIRECTIONS[direction]


def _filter(text: str) -> tuple[str, str]:
    # The value may hold colons, as in `service:!appmixer:aws`.
    field, colon, condition = text.partition(":")
    if not (field and colon):
        raise InputError("filter must be field:value, field:!value or field:~part.")
    return field, condition


def _condition(text: str) -> Callable[[Json], bool]:
    negated = text.startswith("!")
    wanted = text[1:] if negated else text
    if wanted.startswith("~"):
        part = wanted[1:].casefold()
        return lambda value: (part in _text(value).casefold()) is not negated
    return lambda value: (_text(value) == wanted) is not negated


def _holds(field: str, condition: Callable[[Json], bool], item: Item) -> bool:
    return condition(_at(item, field))


def _matches(fields: Sequence[str], matches: Callable[[str], bool], item: Item) -> bool:
    return any(matches(_text(_at(item, field))) for field in fields)


def _at(item: Item, path: str) -> Json:
    """Return what lies at a dotted path, or None."""
    value: Json = item
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, Json]", value).get(name)
    return value


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)


def _order(field: str, item: Item) -> tuple[int, float, str]:
    """Return a key by which values of any kind can be sorted: nothing, numbers, text, the rest."""
    value = _at(item, field)
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, value, ""
    return (2, 0.0, value) if isinstance(value, str) else (3, 0.0, dumps(value))
