"""How values are compared by Condition, Switch and the filters."""

from datetime import UTC, datetime

import pytest

from appmixer_mcp.sandbox.comparison import contains, is_empty, order, to_instant
from appmixer_mcp.sandbox.context import Json


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (2, 10, -1),
        ("2", "10", -1),
        (" 2 ", 2.0, 0),
        ("0x10", 15, 1),
        ("", 0, 0),
        (None, 1, -1),
        (True, 0, 1),
        ("2026-01-31", "2026-02-01", -1),
        ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z", 0),
        ("2026/02/01", "01/31/2026", 1),
        ("Sat, 31 Jan 2026 08:00:00 GMT", "2026-01-31T08:00Z", 0),
        ("2026-01-31", 0, 1),
        ("apple", "pear", None),
        ("apple", 1, None),
        ({}, 1, None),
        ("2026-01-31", "soon", None),
    ],
)
def test_values_are_ordered_as_numbers_else_as_dates(
    left: Json, right: Json, expected: int | None
) -> None:
    assert order(left, right) == expected


@pytest.mark.parametrize(
    "value",
    ["soon", "", None, True, [], {}, 1e30, "2026-13-01", "9999-12-31T23:00:00-02:00"],
)
def test_what_is_no_date_names_no_instant(value: Json) -> None:
    assert to_instant(value) is None


def test_a_date_without_an_offset_is_utc() -> None:
    assert to_instant("2026-01-31 08:00") == datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("Green tea", "TEA", True),
        ("Green tea", "coffee", False),
        (["Tea", "milk"], "tea", True),
        ({"drink": "tea"}, '"drink":"tea"', True),
        (1234, 23, True),
        ("anything", "", True),
    ],
)
def test_a_value_contains_another_whatever_the_case(
    source: Json, value: Json, *, expected: bool
) -> None:
    assert contains(source, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), ("", True), ([], True), ({}, True), (0, False), (False, False), (" ", False)],
)
def test_numbers_and_booleans_are_never_empty(value: Json, *, expected: bool) -> None:
    assert is_empty(value) is expected
