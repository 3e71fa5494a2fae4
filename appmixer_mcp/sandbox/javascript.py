"""Values as JavaScript sees them, which is how the expressions of a flow treat them."""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Final, TypeGuard

from appmixer_mcp.sandbox.context import Json

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_RADIX = re.compile(r"0([xXoObB])([0-9a-fA-F]+)")
_RADIX_OF = {"x": 16, "o": 8, "b": 2}
_SAFE_INTEGER = 2**53
_PLAIN_BELOW = 1e21
_PLAIN_FROM = 1e-6


class Undefined(Enum):
    """The type of `UNDEFINED`."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""What a variable that leads nowhere has; no JSON value, so never part of a result."""


def is_object(value: Json) -> TypeGuard[Mapping[str, Json]]:
    """Say whether a value is an object, not a list."""
    return isinstance(value, Mapping)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Say whether a value is a list."""
    return isinstance(value, list)


def is_truthy(value: Json) -> bool:
    """Return `Boolean(value)`: empty lists and objects are true."""
    if is_list(value) or is_object(value):
        return True
    return bool(value) and value is not UNDEFINED and value == value  # noqa: PLR0124 - NaN


def to_text(value: Json) -> str:
    """Return `String(value)`: `null`, `undefined`, `1,2`, `[object Object]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return _number_text(value)
    if is_list(value):
        return ",".join("" if item in (None, UNDEFINED) else to_text(item) for item in value)
    return "undefined" if value is UNDEFINED else "[object Object]"


def to_number(value: Json) -> int | float:
    """Return `Number(value)`; NaN for what is no number, 0 for null and empty text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return _as_float_at_most(value)
    if isinstance(value, float):
        return value
    if value is None:
        return 0
    if is_list(value):
        return to_number(to_text(value))
    return _spelled(value.strip()) if isinstance(value, str) else math.nan


def _as_float_at_most(number: int) -> int | float:
    """Return a whole number, or infinity in place of one that no float can hold."""
    if abs(number) <= sys.float_info.max:
        return number
    return math.inf if number > 0 else -math.inf


def _spelled(text: str) -> int | float:
    if radix := _RADIX.fullmatch(text):
        try:
            return _as_float_at_most(int(radix[2], _RADIX_OF[radix[1].lower()]))
        except ValueError:
            return math.nan
    if text in ("Infinity", "+Infinity", "-Infinity"):
        return -math.inf if text[0] == "-" else math.inf
    if not text:
        return 0
    return tidy(float(text)) if _NUMBER.fullmatch(text) else math.nan


def parse_number(value: Json) -> int | float | None:
    """Return a number, or the number that a text spells; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not value.strip():
        return None
    number = to_number(value)
    return None if math.isnan(number) else number


def tidy(number: float) -> int | float:
    """Return a whole number as int, so that its JSON text has no `.0`."""
    if isinstance(number, float) and number.is_integer() and abs(number) < _SAFE_INTEGER:
        return int(number)
    return number


def loosely_equal(left: Json, right: Json) -> bool:
    """Return `left == right`, but objects and lists are equal when what they hold is."""
    left, right = (None if side is UNDEFINED else side for side in (left, right))
    left_nested, right_nested = (is_list(side) or is_object(side) for side in (left, right))
    if left_nested and right_nested:
        return _deeply_equal(left, right)
    if left is None or right is None:
        return left is right
    if left_nested or right_nested:
        left, right = (
            to_text(side) if is_list(side) or is_object(side) else side for side in (left, right)
        )
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return to_number(left) == to_number(right)


def get_path(value: Json, segments: Sequence[str]) -> Json:
    """Follow a path into a value; UNDEFINED when it leads nowhere.

    List items are found by number, and `length` is what it is in JavaScript.
    """
    for segment in segments:
        if is_object(value):
            value = value.get(segment, UNDEFINED)
        elif is_list(value) and segment.isdecimal():
            index = int(segment) if len(segment) < len(str(_SAFE_INTEGER)) else len(value)
            value = value[index] if index < len(value) else UNDEFINED
        elif segment == "length" and (is_list(value) or isinstance(value, str)):
            value = len(value)
        else:
            return UNDEFINED
    return value


def _number_text(number: float) -> str:
    if isinstance(number, int):
        if abs(number) < _PLAIN_BELOW:
            return str(number)
        number = float(_as_float_at_most(number))
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    if number == 0:
        return "0"
    if _PLAIN_FROM <= abs(number) < _PLAIN_BELOW:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    mantissa, exponent = repr(number).split("e")
    sign = "+" if exponent[0] != "-" else "-"
    return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').lstrip('0')}"


def _deeply_equal(left: Json, right: Json) -> bool:
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(map(_deeply_equal, left, right))
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(
            _deeply_equal(item, right[key]) for key, item in left.items()
        )
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
