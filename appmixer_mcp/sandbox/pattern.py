"""The `pattern` of list calls: a part of the text, or a regular expression that cannot run away."""

import re
import warnings
from collections.abc import Callable

_MAX_PATTERN = 200
_MAX_TEXT = 2_000  # of a text, this much is held against a regular expression
_ATOM = re.compile(r"\\.|\[\^?\]?[^\]]*\]")


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for texts that contain the pattern, or match it, in either case.

    What is no regular expression, or one whose worst case is worse than quadratic, is looked for
    as plain text only. An empty pattern matches everything.

    Source: documented as substring or regular expression; what is dangerous is ours.
    """
    plain = pattern.casefold()
    expression = _compile(pattern)
    if expression is None:
        return lambda text: plain in text.casefold()
    search = expression.search
    return lambda text: plain in text.casefold() or search(text[:_MAX_TEXT]) is not None


def _compile(pattern: str) -> re.Pattern[str] | None:
    if len(pattern) > _MAX_PATTERN or not _is_tame(pattern):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return re.compile(pattern, re.IGNORECASE)
        except (re.error, FutureWarning, OverflowError):
            return None


def _is_tame(pattern: str) -> bool:
    """Say whether it has at most one quantifier, none on a group, and nothing that looks back."""
    if re.search(r"\(\?|\\[1-9]|\)[*+?{]", pattern):
        return False
    return len(re.findall(r"[*+?{]", _ATOM.sub("x", pattern))) <= 1
