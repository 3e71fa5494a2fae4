"""Finding what an argument can be, by a part of its name or id that somebody has typed."""

import re
from collections.abc import Iterable

from appmixer_mcp.toolset import Choice

MOST_CHOICES = 101
"""A client is shown 100; one more tells that there are more."""

_LETTERS = re.compile(r"[\w -]+")
_LONGEST = 100


def fitting(choices: Iterable[Choice], text: str) -> list[Choice]:
    """Return those with a text in their name or id, in either case; all of them if it is empty."""
    part = text.casefold()
    return [one for one in choices if part in one.name.casefold() or part in one.value.casefold()]


def plain_part(text: str) -> str | None:
    """Return the longest part of a text that can be nothing but letters to whoever searches.

    Some tenants read a pattern as a regular expression. None when there is no such part.
    """
    return max(_LETTERS.findall(text), key=len, default="")[:_LONGEST].strip() or None
