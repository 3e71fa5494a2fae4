"""Modifiers of the category List."""

import random
from collections.abc import Callable
from functools import partial, reduce
from itertools import takewhile

from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import (
    UNDEFINED,
    get_path,
    is_list,
    is_object,
    is_truthy,
    parse_number,
    to_number,
    to_text,
)
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import Modifier, bounded
from appmixer_mcp.sandbox.modifiers.arithmetic import add, mean
from appmixer_mcp.sandbox.modifiers.objects import first_hit

Each = Callable[[Json, int, Json], Json]
"""Evaluates a block for one item, given the item, its index and its key."""


def _length(value: Json) -> Json:
    return len(value) if is_list(value) or isinstance(value, str) else 0


def _items(value: Json) -> list[tuple[Json, Json]]:
    """Return (key, item) of a list or object; nothing of anything else."""
    if is_list(value):
        return list(enumerate(value))
    return list(value.items()) if is_object(value) else []


def _map(value: Json, each: Each) -> Json:
    return [each(item, index, key) for index, (key, item) in enumerate(_items(value))]


def _filter(value: Json, each: Each) -> Json:
    numbered = enumerate(_items(value))
    return [item for index, (key, item) in numbered if is_truthy(each(item, index, key))]


def _each(value: Json, each: Each) -> Json:
    texts = [to_text(each(item, index, key)) for index, (key, item) in enumerate(_items(value))]
    bounded(sum(map(len, texts)))
    return "".join(texts)


def _join(value: Json, separator: Json) -> Json:
    if not is_list(value):
        return value
    between = "," if separator in (UNDEFINED, None) else to_text(separator)
    texts = ["" if item in (None, UNDEFINED) else to_text(item) for item in value]
    bounded(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _item_at(position: int, value: Json) -> Json:
    if not is_list(value):
        return value
    return value[position] if value else UNDEFINED


def _nth(value: Json, index: Json) -> Json:
    wanted = parse_number(index)
    if not is_list(value) or wanted is None or not 0 <= wanted < len(value):
        return value
    return value[int(wanted)]


def _count(number: Json) -> int | None:
    wanted = parse_number(1 if number in (UNDEFINED, None, "") else number)
    return None if wanted is None else int(max(0, min(wanted, 2**31)))


def _initial(value: Json, number: Json) -> Json:
    return value[: _count(number)] if is_list(value) else value


def _tail(value: Json, skip: Json) -> Json:
    return value[_count(skip) :] if is_list(value) else value


def _reverse(value: Json) -> Json:
    return value[::-1] if is_list(value) else value


def _flatten(value: Json, deep: Json) -> Json:
    if not is_list(value):
        return value
    flat: list[Json] = []
    for item in value:
        if is_list(item):
            flat.extend(_flatten(item, deep) if is_truthy(deep) else item)
        else:
            flat.append(item)
    return flat


def _sum(value: Json) -> Json:
    if not is_list(value) or not value:
        return 0
    # `+` of JavaScript: from the first text on, everything is strung together.
    numbers = list(takewhile(_is_summand, value))
    total = [reduce(_plus, numbers)] if numbers else []
    summands = [*total, *value[len(numbers) :]]
    if len(summands) == 1:
        return summands[0]
    texts = [to_text(one) for one in summands]
    bounded(sum(map(len, texts)))
    return "".join(texts)


def _is_summand(value: Json) -> bool:
    return isinstance(value, int | float) or value is None


def _plus(left: Json, right: Json) -> Json:
    return add(left or 0, right or 0)


def _extreme(pick: Callable[[list[int | float]], int | float], value: Json) -> Json:
    return pick([to_number(item) for item in value]) if is_list(value) and value else UNDEFINED


def _shuffle(value: Json) -> Json:
    return random.sample(value, len(value)) if is_list(value) else value


def _deduplicate(value: Json, path: Json) -> Json:
    items: list[Json] = list(value) if isinstance(value, str) else value
    if not is_list(items):
        return value
    segments = [] if path in (UNDEFINED, None, "") else to_text(path).split(".")
    unique: dict[str, Json] = {}
    for item in items:
        property_ = get_path(item, segments)
        name = "undefined" if property_ is UNDEFINED else dumps(property_)
        unique.setdefault(name, item)
    return list(unique.values())


def _pick(value: Json, path: Json) -> Json:
    return [first_hit(item, path) for item in value] if is_list(value) else value


MODIFIERS = (
    Modifier(id="g_length", run=_length),
    Modifier(id="g_pick", run=_pick, arguments=("JSON Path",)),
    Modifier(id="g_map", run=_map, arguments=("predicate",), block=True),
    Modifier(id="g_filterList", run=_filter, arguments=("value",), block=True),
    Modifier(id="g_each", run=_each, arguments=("iteration",), block=True),
    Modifier(id="g_join", run=_join, arguments=("separator",)),
    Modifier(id="g_first", run=partial(_item_at, 0)),
    Modifier(id="g_last", run=partial(_item_at, -1)),
    Modifier(id="g_nthIndex", run=_nth, arguments=("index",)),
    Modifier(id="g_initial", run=_initial, arguments=("number",)),
    Modifier(id="g_tail", run=_tail, arguments=("skip",)),
    Modifier(id="g_reverse", run=_reverse),
    Modifier(id="g_flatten", run=_flatten, arguments=("deep",)),
    Modifier(id="g_sum", run=_sum),
    Modifier(id="g_maxList", run=partial(_extreme, max)),
    Modifier(id="g_minList", run=partial(_extreme, min)),
    Modifier(id="g_avgList", run=partial(_extreme, mean)),
    Modifier(id="g_shuffle", run=_shuffle),
    Modifier(id="g_deduplicate", run=_deduplicate, arguments=("property",)),
)
