"""The expressions of Condition and Switch: `{"AND": [{"OR": [{input, operator, value}]}]}`."""

import math
from collections.abc import Callable, Mapping

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.comparison import contains, is_empty, order
from appmixer_mcp.sandbox.components._inputs import entries, is_on
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import loosely_equal, to_number, to_text
from appmixer_mcp.sandbox.pattern import search

EXPRESSION = (
    '{"AND": [{"OR": [{"input": "…", "operator": "=", "value": "…"}]}]}; operators: = != > >= < <= '
    "% (divisor) empty notEmpty contains range (rangeMin, rangeMax) regex (regex)."
)
"""What the designer says of such a field."""

_Item = Mapping[str, Json]


def satisfied(field: str, expression: Json) -> bool:
    """Return whether each AND group has an OR item that holds; no expression never holds.

    Raises:
        ComponentFailedError: The expression is malformed, or an operator cannot work on its input
            (retry=False).
        InputError: A regular expression is none, or could take too long.
    """
    if not expression:
        return False
    return all(
        any(_holds(item) for item in entries(field, group, "OR"))
        for group in entries(field, expression, "AND")
    )


def _holds(item: _Item) -> bool:
    operator = item.get("operator")
    test = _OPERATORS.get(operator) if isinstance(operator, str) else None
    if test is None:
        known = " ".join(_OPERATORS)
        raise ComponentFailedError(
            f"There is no operator {operator!r}. There are: {known}.", retry=False
        )
    return test(item)


def _equal(item: _Item) -> bool:
    value, expected = item.get("input"), item.get("value")
    if isinstance(value, bool):
        return to_text(value) == to_text(expected)
    return loosely_equal(value, expected)


def _order(item: _Item) -> int | None:
    return order(item.get("input"), item.get("value"))


def _divisible(item: _Item) -> bool:
    number, divisor = to_number(item.get("input")), to_number(item.get("divisor"))
    return math.isfinite(number) and divisor != 0 and math.fmod(number, divisor) == 0


def _contains(item: _Item) -> bool:
    if item.get("input") is None:
        raise ComponentFailedError("The operator contains needs an input.", retry=False)
    return contains(item["input"], item.get("value"))


def in_range(fields: Mapping[str, Json], value: Json) -> bool:
    """Return whether a value lies from rangeMin to rangeMax, both included unless exclusive."""
    above, below = (order(value, fields.get(key)) for key in ("rangeMin", "rangeMax"))
    return (above == 1 or (above == 0 and not is_on(fields.get("exclusiveMin")))) and (
        below == -1 or (below == 0 and not is_on(fields.get("exclusiveMax")))
    )


def _matches(item: _Item) -> bool:
    return search(to_text(item.get("regex")), to_text(item.get("input"))) is not None


_OPERATORS: dict[str, Callable[[_Item], bool]] = {
    "=": _equal,
    "!=": lambda item: not _equal(item),
    ">": lambda item: _order(item) == 1,
    ">=": lambda item: _order(item) in {0, 1},
    "<": lambda item: _order(item) == -1,
    "<=": lambda item: _order(item) in {-1, 0},
    "%": _divisible,
    "empty": lambda item: is_empty(item.get("input")),
    "notEmpty": lambda item: not is_empty(item.get("input")),
    "contains": _contains,
    "range": lambda item: in_range(item, item.get("input")),
    "regex": _matches,
}
