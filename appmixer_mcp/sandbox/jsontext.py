"""JSON as text: what JavaScript's `JSON.stringify` would write, and what any database can store."""

import json
import math
from collections.abc import Mapping
from typing import cast

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json

_CERTAINLY_FLAT = 500  # brackets; so many levels can be written anywhere
_ROOM = 100  # for levels around a value and for calls above the one that writes it


def dumps(value: Json) -> str:
    """Return the JSON text of a value; NaN and infinities become null, as in JavaScript.

    Raises:
        InputError: It is no JSON value, or nested too deeply.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = _dumps_odd(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot hold
            return json.dumps(_finite(value), separators=(",", ":"))
    return text


def nestable(value: Json) -> str:
    """Return the JSON text of a value that the engine will write again, within other values.

    Raises:
        InputError: It is no JSON value, or nested too deeply for that.
    """
    text = dumps(value)
    if text.count("[") + text.count("{") < _CERTAINLY_FLAT:
        return text
    wrapped = value
    for _ in range(_ROOM):
        wrapped = [wrapped]
    return dumps(wrapped)[_ROOM:-_ROOM]


def _dumps_odd(value: Json) -> str:
    try:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"A value cannot be written as JSON: {error}.") from error


def _finite(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Json]", value).items()
        return {str(key): _finite(item) for key, item in entries}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("list[Json]", value)]
    return value
