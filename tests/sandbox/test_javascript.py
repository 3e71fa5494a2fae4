"""Values as JavaScript sees them."""

import math

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED, loosely_equal, to_number, to_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (1.0, "1"), (-0.0, "0"), (0.1, "0.1"), (1e21, "1e+21"), (1e-7, "1e-7"),
        (0.00001, "0.00001"), (123456789012345680000.0, "123456789012345680000"),
        (1.5e300, "1.5e+300"),
        (10**400, "Infinity"), (-(10**400), "-Infinity"), (math.nan, "NaN"), (math.inf, "Infinity"),
        (True, "true"), (None, "null"), (UNDEFINED, "undefined"), ([1, None, [2]], "1,,2"),
        ({}, "[object Object]"), ("x", "x"),
    ],
)  # fmt: skip
def test_a_value_becomes_the_text_that_javascript_makes_of_it(value: Json, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [("", 0), (" 7 ", 7), ("0x1f", 31), ("1e3", 1000), (None, 0), (True, 1), ([], 0), ([5], 5),
     ("-Infinity", -math.inf), (".5", 0.5)],
)  # fmt: skip
def test_a_value_becomes_the_number_that_javascript_makes_of_it(value: Json, number: float) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize(
    "value", ["1_000", "x", "0b2", "nan", {}, [1, 2], UNDEFINED, "1 2", "\u0661"]
)
def test_what_spells_no_number_is_not_a_number(value: Json) -> None:
    assert math.isnan(to_number(value))


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [(1, "1", True), ("", 0, True), (None, UNDEFINED, True), (None, 0, False), ([1], "1", True),
     (True, 1, True), ("a", "A", False), ({"a": True}, {"a": 1}, False), ([1, 2], [1, 2], True),
     (math.nan, math.nan, False), ({}, "[object Object]", True), ([1], [1, 2], False)],
)  # fmt: skip
def test_values_are_loosely_equal_in_either_order(left: Json, right: Json, *, equal: bool) -> None:
    assert loosely_equal(left, right) is equal
    assert loosely_equal(right, left) is equal
