"""Modifiers of the categories Number, Math and Control."""

import math
from collections.abc import Callable
from functools import partial

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import (
    UNDEFINED,
    is_truthy,
    loosely_equal,
    parse_number,
    tidy,
    to_number,
    to_text,
)
from appmixer_mcp.sandbox.modifier import Argument, Modifier, bounded


def add(value: Json, second: Json) -> Json:
    """Return the sum of two numbers (or texts that spell numbers), else both strung together."""
    left, right = parse_number(value), parse_number(second)
    if left is not None and right is not None:
        return tidy(float(left) + float(right))
    bounded(len(to_text(value)) + len(to_text(second)))
    return to_text(value) + to_text(second)


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


def _operation(operate: Callable[[float, float], float], value: Json, second: Json) -> Json:
    return tidy(operate(float(to_number(value)), float(to_number(second))))


def over_all(pick: Callable[[list[int | float]], int | float], value: Json, *more: Json) -> Json:
    """Return the greatest, least or mean of numbers; NaN when one of them is no number."""
    numbers = [to_number(item) for item in (value, *more) if item is not UNDEFINED]
    # Python's max and min give NaN only where it stands first.
    if any(isinstance(number, float) and math.isnan(number) for number in numbers):
        return math.nan
    return pick(numbers)


def mean(numbers: list[int | float]) -> int | float:
    """Return the mean of at least one number."""
    return tidy(sum(numbers) / len(numbers))


def _rounded(rounding: Callable[[float], int], value: Json) -> Json:
    number = to_number(value)
    return rounding(number) if math.isfinite(number) else number


def _compared(sign: int, value: Json, second: Json, *, inclusive: Json = None) -> Json:
    left, right = parse_number(value), parse_number(second)
    if left is None or right is None:
        texts = to_text(value), to_text(second)
        difference = (texts[0] > texts[1]) - (texts[0] < texts[1])
    else:
        difference = (left > right) - (left < right)
    return difference == sign or (difference == 0 and is_truthy(inclusive))


def _not(value: Json) -> Json:
    return not is_truthy(value)


def _condition(value: Json, when_true: Json, when_false: Json) -> Json:
    return when_true if is_truthy(value) else when_false


MODIFIERS = (
    Modifier(
        id="g_condition", label="Condition", categories=("control",), returns="any",
        run=_condition, arguments=(Argument("true value"), Argument("false value")),
    ),
    Modifier(
        id="g_equals", label="Equals", categories=("control",), returns="boolean",
        run=loosely_equal, arguments=(Argument("second expression"),),
    ),
    Modifier(
        id="g_not", label="Not", categories=("control",), returns="boolean", run=_not,
    ),
    Modifier(
        id="g_lessThan", label="Less than", categories=("number", "text"), returns="boolean",
        run=partial(_compared, -1), arguments=(Argument("second"),),
        named=(Argument("inclusive", "boolean"),),
    ),
    Modifier(
        id="g_greaterThan", label="Greater than", categories=("number", "text"),
        returns="boolean", run=partial(_compared, 1), arguments=(Argument("second"),),
        named=(Argument("inclusive", "boolean"),),
    ),
    Modifier(
        id="g_add", label="Add", categories=("number", "text"), returns="any", run=add,
        arguments=(Argument("second"),),
    ),
    Modifier(
        id="g_sub", label="Sub", categories=("number",), returns="number",
        run=partial(_operation, float.__sub__), arguments=(Argument("second", "number"),),
    ),
    Modifier(
        id="g_mul", label="Mul", categories=("number",), returns="number",
        run=partial(_operation, float.__mul__), arguments=(Argument("second", "number"),),
    ),
    Modifier(
        id="g_div", label="Div", categories=("number",), returns="number",
        run=partial(_operation, _divide), arguments=(Argument("second", "number"),),
    ),
    Modifier(
        id="g_mod", label="Mod", categories=("number",), returns="number",
        run=partial(_operation, _remainder), arguments=(Argument("second", "number"),),
    ),
    Modifier(
        id="g_max", label="Max", categories=("number",), returns="number",
        run=partial(over_all, max), variadic=True,
    ),
    Modifier(
        id="g_min", label="Min", categories=("number",), returns="number",
        run=partial(over_all, min), variadic=True,
    ),
    Modifier(
        id="g_avg", label="Avg", categories=("number",), returns="number",
        run=partial(over_all, mean), variadic=True,
    ),
    Modifier(
        id="g_floor", label="Floor", categories=("number",), returns="number",
        run=partial(_rounded, math.floor),
    ),
    Modifier(
        id="g_ceil", label="Ceil", categories=("number",), returns="number",
        run=partial(_rounded, math.ceil),
    ),
)  # fmt: skip
