"""Modifiers of the category Object."""

import copy
import json
import re
from collections.abc import Iterator
from itertools import islice

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import (
    UNDEFINED,
    get_path,
    is_list,
    is_object,
    parse_number,
    to_text,
)
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import Modifier

_MAX_INDENT = 10  # as JSON.stringify
_MAX_HITS = 100_000
_MAX_INDEX = 10_000
_STEP = re.compile(
    r"""(?P<deep>\.\.)?\.?
    (?: (?P<name>[^.\[\]*]+) | (?P<every>\*) | \[\s*(?:
        (?P<quoted>'[^']*'|"[^"]*") | (?P<all>\*) | (?P<slice>-?\d*:-?\d*) | (?P<index>-?\d+)
    )\s*\] )""",
    re.VERBOSE,
)


def _stringify(value: Json, space: Json = UNDEFINED) -> Json:
    if value is UNDEFINED:
        return UNDEFINED
    width = int(max(0, min(parse_number(space) or 0, _MAX_INDENT)))
    text = dumps(value)
    if not width:
        return text
    return json.dumps(json.loads(text), ensure_ascii=False, indent=width)


def _json_path(value: Json, path: Json) -> Json:
    hits = list(_hits(value, to_text(path)))
    if not hits:
        return UNDEFINED
    return hits[0] if len(hits) == 1 else hits


def first_hit(value: Json, path: Json) -> Json:
    """Return the first thing that a JSON path finds, or UNDEFINED."""
    return next(_hits(value, to_text(path)), UNDEFINED)


def _hits(value: Json, path: str) -> Iterator[Json]:
    """Yield what a JSON path finds: names, `*`, `..`, indexes and slices; no filter expressions."""
    if not (is_list(value) or is_object(value)):
        return
    found: list[Json] = [value]
    position = 1 if path.startswith("$") else 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise InputError(
                f"The JSON path {path!r} is not supported. Use names, *, .., [0], [0:2], ['name']."
            )
        if step["deep"]:
            found = _few(path, (inner for outer in found for inner in _descendants(outer)))
        found = _few(path, (inner for outer in found for inner in _taken(outer, step)))
        position = step.end()
    yield from found


def _few(path: str, hits: Iterator[Json]) -> list[Json]:
    found = list(islice(hits, _MAX_HITS + 1))
    if len(found) > _MAX_HITS:
        raise InputError(f"The JSON path {path!r} finds more than {_MAX_HITS:,} values.")
    return found


def _taken(value: Json, step: re.Match[str]) -> Iterator[Json]:
    if step["every"] or step["all"]:
        yield from _children(value)
    elif step["slice"]:
        if is_list(value):
            first, last = (int(part) if part else None for part in step["slice"].split(":"))
            yield from value[first:last]
    elif step["index"] and is_list(value):
        index = int(step["index"][:12])
        if -len(value) <= index < len(value):
            yield value[index]
    else:
        name: str = step["name"] or step["index"] or step["quoted"][1:-1]
        found = get_path(value, (name,))
        if found is not UNDEFINED:
            yield found


def _children(value: Json) -> Iterator[Json]:
    if is_list(value):
        yield from value
    elif is_object(value):
        yield from value.values()


def _descendants(value: Json) -> Iterator[Json]:
    yield value
    for child in _children(value):
        yield from _descendants(child)


def _set(value: Json, path: Json, new: Json) -> Json:
    # Appmixer changes the object in place, so that other fields see it or not by chance: we copy.
    if not (is_list(value) or is_object(value)):
        return value
    changed: Json = copy.deepcopy(value)
    target: Json = changed
    *parents, last = re.findall(r"[^.\[\]]+", to_text(path))
    for name in parents:
        if not (is_list(get_path(target, (name,))) or is_object(get_path(target, (name,)))):
            _put(target, name, {})
        target = get_path(target, (name,))
    _put(target, last, _parsed(new) if isinstance(new, str) else new)
    return changed


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(target: Json, name: str, value: Json) -> None:
    if is_list(target):
        index = int(name)
        if index > _MAX_INDEX:
            raise InputError(f"The list index {index} is too large to be set.")
        target.extend([None] * (index + 1 - len(target)))
        target[index] = value
    else:
        target[name] = value


def _to_pairs(value: Json) -> Json:
    return [[key, item] for key, item in _entries(value)]


def _keys(value: Json) -> Json:
    return [key for key, _ in _entries(value)]


def _values(value: Json) -> Json:
    return [item for _, item in _entries(value)]


def _entries(value: Json) -> list[tuple[str, Json]]:
    if is_object(value):
        return list(value.items())
    items = value if is_list(value) or isinstance(value, str) else ()
    return [(str(index), item) for index, item in enumerate(items)]


MODIFIERS = (
    Modifier(id="g_stringify", run=_stringify, named=("space",)),
    Modifier(id="g_jsonPath", run=_json_path, arguments=("path",)),
    Modifier(id="g_toPairs", run=_to_pairs),
    Modifier(id="g_keys", run=_keys),
    Modifier(id="g_values", run=_values),
    Modifier(id="g_set", run=_set, arguments=("path", "object")),
)
