"""Modifiers of the category Object."""

import copy
import json
import re

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import (
    UNDEFINED,
    get_path,
    is_list,
    is_object,
    parse_number,
    to_text,
)
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.modifier import Argument, Modifier, bounded

_MOST_INDENT = 10  # as JSON.stringify
_LARGEST_INDEX = 10_000


def _stringify(value: Json, space: Json = UNDEFINED) -> Json:
    if value is UNDEFINED:
        return UNDEFINED
    width = int(max(0, min(parse_number(space) or 0, _MOST_INDENT)))
    text = dumps(value)
    if not width:
        return text
    chunks: list[str] = []
    size = 0
    for chunk in json.JSONEncoder(ensure_ascii=False, indent=width).iterencode(json.loads(text)):
        size = bounded(size + len(chunk))  # indents can be much longer than what they indent
        chunks.append(chunk)
    return "".join(chunks)


def _json_path(value: Json, path: Json) -> Json:
    from appmixer_mcp.sandbox.modifiers.paths import Walk, hits  # noqa: PLC0415 - takes 0.1 s

    found = list(hits(value, to_text(path), Walk()))
    if not found:
        return UNDEFINED
    return found[0] if len(found) == 1 else found


def _set(value: Json, path: Json, new: Json) -> Json:
    # Appmixer changes the object in place, so that other fields see it or not by chance: here what
    # lies on the path is copied.
    if not (is_list(value) or is_object(value)):
        return value
    changed = copy.copy(value)
    target: Json = changed
    *parents, last = re.findall(r"[^.\[\]]+", to_text(path))
    for name in parents:
        inner = get_path(target, (name,))
        _put(target, name, copy.copy(inner) if is_list(inner) or is_object(inner) else {})
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
        if index > _LARGEST_INDEX:
            raise InputError(f"The list index {index} is too large to be set.")
        target.extend([None] * (index + 1 - len(target)))
        target[index] = None if value is UNDEFINED else value
    elif value is UNDEFINED:
        target.pop(name, None)
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
    Modifier(
        id="g_stringify", label="Stringify", categories=("object", "list"), returns="string",
        run=_stringify, named=(Argument("space", "number"),), slow=True,
    ),
    Modifier(
        id="g_jsonPath", label="JSON path", categories=("object",), returns="any", run=_json_path,
        arguments=(Argument("path", "text"),), slow=True,
    ),
    Modifier(
        id="g_toPairs", label="To Pairs", categories=("object",), returns="list", run=_to_pairs,
    ),
    Modifier(
        id="g_keys", label="Keys", categories=("object",), returns="list", run=_keys,
    ),
    Modifier(
        id="g_values", label="Values", categories=("object",), returns="list", run=_values,
    ),
    Modifier(
        id="g_set", label="Set", categories=("object",), returns="any", run=_set,
        arguments=(Argument("path", "text"), Argument("object")),
    ),
)  # fmt: skip
