"""Modifiers of the category List."""

import random
from collections.abc import Callable
from functools import partial, reduce
from itertools import takewhile

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import (
    UNDEFINED,
    get_path,
    is_list,
    is_object,
    is_truthy,
    parse_number,
    to_text,
)
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import Argument, Modifier, bounded
from appmixer_mcp.sandbox.modifiers.arithmetic import add, mean, over_all

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
    results = (each(item, index, key) for index, (key, item) in enumerate(_items(value)))
    return [None if one is UNDEFINED else one for one in results]


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


def _over_items(pick: Callable[[list[int | float]], int | float], value: Json) -> Json:
    return over_all(pick, *value) if is_list(value) and value else UNDEFINED


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
    from appmixer_mcp.sandbox.modifiers.paths import Walk, hits  # noqa: PLC0415 - takes 0.1 s

    if not is_list(value):
        return value
    walk = Walk()
    # Appmixer keeps undefined for an item without a hit, which is null in JSON.
    return [next(hits(item, to_text(path), walk), None) for item in value]


MODIFIERS = (
    Modifier(
        id="g_length", label="Length", categories=("list", "text"), returns="number", run=_length,
    ),
    Modifier(
        id="g_pick", label="Pick", categories=("list",), returns="list", run=_pick,
        arguments=(Argument("JSON Path", "text"),), slow=True,
    ),
    Modifier(
        id="g_map", label="Map", categories=("list", "object"), returns="list", run=_map,
        arguments=(Argument("predicate"),), block=True, slow=True,
    ),
    Modifier(
        id="g_filterList", label="Filter", categories=("list",), returns="list", run=_filter,
        arguments=(Argument("value"),), block=True, slow=True,
    ),
    Modifier(
        id="g_each", label="Each", categories=("list", "object"), returns="string", run=_each,
        arguments=(Argument("iteration"),), block=True, slow=True,
    ),
    Modifier(
        id="g_join", label="Join", categories=("list",), returns="string", run=_join,
        arguments=(Argument("separator", "text"),),
    ),
    Modifier(
        id="g_first", label="First Item", categories=("list",), returns="any",
        run=partial(_item_at, 0),
    ),
    Modifier(
        id="g_last", label="Last Item", categories=("list",), returns="any",
        run=partial(_item_at, -1),
    ),
    Modifier(
        id="g_nthIndex", label="Nth Index", categories=("list",), returns="any", run=_nth,
        arguments=(Argument("index", "number"),),
    ),
    Modifier(
        id="g_initial", label="Initial", categories=("list",), returns="list", run=_initial,
        arguments=(Argument("number", "number"),),
    ),
    Modifier(
        id="g_tail", label="Tail", categories=("list",), returns="list", run=_tail,
        arguments=(Argument("skip", "number"),),
    ),
    Modifier(
        id="g_reverse", label="Reverse", categories=("list",), returns="list", run=_reverse,
    ),
    Modifier(
        id="g_flatten", label="Flatten", categories=("list",), returns="list", run=_flatten,
        arguments=(Argument("deep", "boolean"),),
    ),
    Modifier(
        id="g_sum", label="Sum", categories=("list",), returns="any", run=_sum,
    ),
    Modifier(
        id="g_maxList", label="Max", categories=("list",), returns="any",
        run=partial(_over_items, max),
    ),
    Modifier(
        id="g_minList", label="Min", categories=("list",), returns="any",
        run=partial(_over_items, min),
    ),
    Modifier(
        id="g_avgList", label="Mean", categories=("list",), returns="any",
        run=partial(_over_items, mean),
    ),
    Modifier(
        id="g_shuffle", label="Shuffle", categories=("list",), returns="list", run=_shuffle,
    ),
    Modifier(
        id="g_deduplicate", label="Deduplicate", categories=("list",), returns="list",
        run=_deduplicate, arguments=(Argument("property", "text"),),
    ),
)  # fmt: skip
