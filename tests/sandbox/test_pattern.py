"""Regular expressions from strangers, in flows and as the pattern of list calls."""

import re

import pytest

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.pattern import matcher, search, search_all

RUNS_AWAY = ("(a+)+$", "(a|aa)*$", r"(a+)\1+$", "(?:a?){40}a{40}$")


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
    [("x", "An order"), ("^order", "An order"), ("[", "a"), (r"\d", "abc"), ("(a)(?=b)", "ac")],
)
def test_a_pattern_leaves_out_the_rest(pattern: str, text: str) -> None:
    assert not matcher(pattern)(text)


@pytest.mark.parametrize("pattern", RUNS_AWAY)
def test_a_pattern_that_runs_away_in_a_list_is_taken_as_plain_text(pattern: str) -> None:
    matches = matcher(pattern)

    assert not matches("a" * 1_000 + "b")
    assert not matches("aaaa")
    assert matches(f"before {pattern} after")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\d+", "order 17", "17"),
        (r"^(\w+)-(\w+)$", "ab-cd", "ab-cd"),
        (r"(?:\d{1,3}\.){3}\d{1,3}", "from 10.0.0.1", "10.0.0.1"),
        (r"(?<=€)\d+(?=,)", "€12,50", "12"),
        (r"(\w)\1", "hello", "ll"),
        (r"(?<year>\d{4})-\d\d", "2024-01", "2024-01"),
        (r"[\w.]+@[\w.]+", "ada@example.org", "ada@example.org"),
        (r".*order.*", "x" * 5_000 + "order", "x" * 5_000 + "order"),
    ],
)
def test_everyday_patterns_run(pattern: str, text: str, found: str) -> None:
    match = search(pattern, text)

    assert match is not None
    assert match.group() == found


@pytest.mark.parametrize("pattern", [*RUNS_AWAY, "(a+){,}$"])
def test_a_pattern_that_runs_away_in_a_flow_is_ended(pattern: str) -> None:
    with pytest.raises(InputError, match="too long"):
        search(pattern, "a" * 1_000 + "b")


@pytest.mark.parametrize("pattern", ["(", "*", "a" * 2_000, "(?<!x"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InputError):
        search(pattern, "a")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="100,000"):
        search("a", "b" * 100_001)


def test_all_matches_are_found_with_flags() -> None:
    assert [m.group() for m in search_all("^a", "a\nA", re.MULTILINE | re.IGNORECASE)] == ["a", "A"]
