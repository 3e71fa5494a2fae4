"""Regular expressions that strangers wrote, ended when they run too long.

They are run by the package `regex`, which can be given a time-out; Python's own engine backtracks
without end on patterns such as `(a+)+$`, and cannot be interrupted.
"""

import time
from collections.abc import Callable
from functools import lru_cache

import regex

from appmixer_mcp.errors import InputError

_MOST_PATTERN = 1_000
_MOST_TEXT = 100_000
_LONGEST_S = 0.25
_LONGEST_LISTING_S = 0.5
_LISTED_TEXT = 2_000  # of a text in a list, this much is held against a regular expression

Match = regex.Match[str]


def search(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Return the first match, or None.

    Raises:
        InputError: The pattern is none, is too long, or takes too long on this text.
    """
    return next(iter(search_all(pattern, text, flags, most=1)), None)


def search_all(pattern: str, text: str, flags: int = 0, *, most: int | None = None) -> list[Match]:
    """Return the matches, left to right; empty when there is none.

    Args:
        pattern: At most 1,000 characters.
        text: At most 100,000 characters.
        flags: Of the package `regex`.
        most: Stop after this many.

    Raises:
        InputError: The pattern is none, is too long, or takes too long on this text.
    """
    if len(pattern) > _MOST_PATTERN or len(text) > _MOST_TEXT:
        raise InputError(
            f"Regular expressions may have {_MOST_PATTERN:,} characters and are held against at "
            f"most {_MOST_TEXT:,}; these have {len(pattern):,} and {len(text):,}."
        )
    found: list[Match] = []
    try:
        for match in _compiled(pattern, flags).finditer(text, timeout=_LONGEST_S):
            found.append(match)
            if len(found) == most:
                break
    except TimeoutError as error:
        raise InputError(
            f"The regular expression {pattern!r} takes too long on {len(text):,} characters. Use "
            "fewer open-ended quantifiers, or bounded ones such as {1,20}."
        ) from error
    return found


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for texts that contain the pattern, or match it, in either case.

    What is no regular expression is looked for as plain text only, and so is, from then on, one
    that has taken half a second in all. An empty pattern matches everything.

    Source: documented as substring or regular expression; what takes too long is ours.
    """
    plain = pattern.casefold()
    left_s = _LONGEST_LISTING_S
    try:
        expression = _compiled(pattern, regex.IGNORECASE) if len(pattern) <= _MOST_PATTERN else None
    except InputError:
        expression = None

    def matches(text: str) -> bool:
        nonlocal left_s
        if plain in text.casefold():
            return True
        if expression is None or left_s <= 0:
            return False
        began = time.monotonic()
        try:
            return expression.search(text[:_LISTED_TEXT], timeout=left_s) is not None
        except TimeoutError:
            return False
        finally:
            left_s -= time.monotonic() - began

    return matches


@lru_cache(maxsize=256)
def _compiled(pattern: str, flags: int) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, flags)
    except (regex.error, OverflowError, RecursionError) as error:
        raise InputError(f"{pattern!r} is no regular expression: {error}.") from error
