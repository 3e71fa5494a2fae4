"""Regular expressions that strangers wrote, run only where their worst case is known to be short.

Python's engine backtracks and cannot be interrupted, so the work is estimated before the run: the
number of ways in which the quantifiers can share out the text. What could take long is refused
with a hint, never begun.
"""

import math
import re
import warnings
from functools import lru_cache

from appmixer_mcp.errors import InputError

_MAX_PATTERN = 1_000
_MAX_TEXT = 10_000
_MAX_WORK = 200_000_000  # about a second
_TOKEN = re.compile(
    r"""(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<escape>\\.)
    | (?P<look>\(\?(?:[=!]|<[=!]|\())
    | (?P<open>\((?:\?(?::|P?<\w+>|[a-zA-Z]+\)))?)
    | (?P<close>\))
    | (?P<or>\|)
    | (?P<repeat>[*+?]|\{\d*,?\d*\})[?+]?
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def search_all(pattern: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> list[re.Match[str]]:
    """Return every match, left to right; empty when there is none.

    Raises:
        InputError: The pattern is none, or could take too long on this text.
    """
    return list(_compiled_for(pattern, text, flags).finditer(text))


def search(pattern: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Match[str] | None:
    """Return the first match, or None.

    Raises:
        InputError: The pattern is none, or could take too long on this text.
    """
    return _compiled_for(pattern, text, flags).search(text)


def _compiled_for(pattern: str, text: str, flags: re.RegexFlag) -> re.Pattern[str]:
    if len(pattern) > _MAX_PATTERN or len(text) > _MAX_TEXT:
        raise InputError(
            f"Regular expressions may have {_MAX_PATTERN:,} characters and are held against at "
            f"most {_MAX_TEXT:,}; these have {len(pattern):,} and {len(text):,}."
        )
    compiled, choices = _compile(pattern, flags)
    length = len(text) + 1
    starts = 1 if pattern.startswith("^") and not flags & re.MULTILINE else length
    if starts * math.prod(min(most, length) for most in choices) > _MAX_WORK:
        raise InputError(
            f"The regular expression {pattern!r} could take too long on {len(text):,} characters. "
            "Use fewer open-ended quantifiers, or bounded ones such as {1,20}."
        )
    return compiled


@lru_cache(maxsize=256)
def _compile(pattern: str, flags: re.RegexFlag) -> tuple[re.Pattern[str], tuple[float, ...]]:
    """Return the compiled pattern and, for each place that can choose, among how many."""
    choices = tuple(_choices(pattern))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # `[[` may mean a set one day
        try:
            return re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", pattern), flags), choices
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(f"{pattern!r} is no regular expression: {error}.") from error


def _choices(pattern: str) -> list[float]:
    found: list[float] = []
    begun: list[int] = []  # how many choices there were when each open group began
    inside: int | None = None  # likewise for the group that was closed just now
    for token in _TOKEN.finditer(pattern):
        kind, source = token.lastgroup, token.group()
        if kind == "look" or (kind == "escape" and source[1] in "123456789"):
            raise InputError(
                f"The regular expression {pattern!r} uses look-around or back-references, which "
                "may take too long."
            )
        if kind == "repeat":
            most = _most(token["repeat"])
            if inside is not None and most > 1 and len(found) > inside:
                raise InputError(
                    f"The regular expression {pattern!r} repeats a group that itself repeats or "
                    "chooses, which may take too long. Repeat single characters only."
                )
            found.append(most + 1)
        inside = None
        if kind == "open":
            begun.append(len(found))
        elif kind == "close" and begun:
            inside = begun.pop()
        elif kind == "or":
            found.append(2)
    return found


def _most(repeat: str) -> float:
    if repeat in ("*", "+"):
        return math.inf
    if repeat == "?":
        return 1
    numbers = repeat[1:-1].split(",")
    if not any(numbers):
        return 1  # `{}` and `{,}` are plain text
    return float(numbers[-1]) if numbers[-1] else math.inf
