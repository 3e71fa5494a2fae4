"""The pattern of list calls."""

import pytest

from appmixer_mcp.sandbox.pattern import matcher


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "anything"),
        ("ORDER", "An order"),
        ("straße", "STRASSE"),
        ("^an", "An order"),
        ("order$", "An order"),
        ("a|b", "b"),
        (r"^C-\d+$", "c-1001"),
        ("[abc]d", "bd"),
        ("or.*er", "order"),
        ("Order (copy)", "My order (copy)"),
        ("(", "f(x)"),
        ("*", "a * b"),
        ("[", "a[1]"),
        ("C++", "c++ code"),
        ("(a+)+$", "the text (a+)+$ itself"),
    ],
)
def test_a_pattern_matches_what_people_mean_by_it(pattern: str, text: str) -> None:
    assert matcher(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("x", "An order"), ("^order", "An order"), ("[", "a"), (r"\d", "abc"), ("(a)(?=b)", "ab")],
)
def test_a_pattern_leaves_out_the_rest(pattern: str, text: str) -> None:
    assert not matcher(pattern)(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(a|aa)*$", "a*a*a*a*a*a*a*a*b", "(?:a?){30}a{30}", r"(a)\1+$", "a?" * 60,
        "(((((a{1,9}){1,9}){1,9}){1,9}){1,9})b", "x" * 201, "a.*b.*c",
    ],
)  # fmt: skip
def test_a_pattern_that_could_run_away_is_taken_as_plain_text(pattern: str) -> None:
    matches = matcher(pattern)

    assert not matches("a" * 100_000)
    assert matches(f"before {pattern} after")
