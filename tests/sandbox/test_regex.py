"""Regular expressions from strangers: what runs, and what is refused before it runs."""

import re

import pytest

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.regex import search, search_all


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"\d+", "order 17", "17"),
        (r"^(\w+)-(\w+)$", "ab-cd", "ab-cd"),
        (r"^\s*(.*?)\s*$", "  padded  ", "  padded  "),
        (r"(?:foo|bar)?x", "barx", "barx"),
        (r"(ab){1,3}c", "ababc", "ababc"),
        (r"[^\]]{2,}", "]ab]", "ab"),
        (r"\(a+\)", "f(aa)", "(aa)"),
        (r"a{}", "a{}", "a{}"),
        (r"(?<year>\d{4})-\d\d", "2024-01", "2024-01"),
        (r"[\w.]+@[\w.]+", "ada@example.org", "ada@example.org"),
    ],
)
def test_everyday_patterns_run(pattern: str, text: str, found: str) -> None:
    match = search(pattern, text)

    assert match is not None
    assert match.group() == found


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a*)*", "(a|a)+$", "(?:a?b*)+", "((a+)b)+", r"(a)\1", "(?=a)", "(?<!a)b",
     "(a+){2,}", "([ab]+)*c", "(", "*", "a" * 2_000, "a{9999999999999999999}"],
)  # fmt: skip
def test_patterns_that_may_never_end_are_refused(pattern: str) -> None:
    with pytest.raises(InputError):
        search(pattern, "a" * 50)


def test_the_longer_the_text_the_simpler_the_pattern_must_be() -> None:
    assert search(r"a*b", "a" * 9_000) is None
    assert search(r"a*a*b", "a" * 500) is None
    with pytest.raises(InputError, match="open-ended"):
        search(r"a*a*b", "a" * 9_000)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="10,000"):
        search("a", "b" * 10_001)


def test_all_matches_are_found_with_flags() -> None:
    assert [m.group() for m in search_all("^a", "a\nA", re.MULTILINE | re.IGNORECASE)] == ["a", "A"]
