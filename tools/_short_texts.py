"""Texts of strangers, cut to what they may cost of a model's context, whatever they are made of."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from pydantic import JsonValue

from appmixer_mcp.cleaning import cleaned
from appmixer_mcp.redaction import redacted

from ._json_values import json_of

_FREQUENT = frozenset("abcdefghilmnoprstuy")  # which tokens of several characters are made of
_OF_A_KEY, _OF_A_NUMBER = 6, 4
_KNOWN = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), 18),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), 35),
)
"""Texts of one shape, and the most that one takes."""
_READ = 4_000  # characters that are looked at: more never fit, and all are searched for secrets


def short(text: str, most_tokens: int) -> str:
    """Return the beginning of a text: one line, no secrets, nothing invisible, at most so costly.

    Args:
        text: Anything.
        most_tokens: Of any common tokenizer; plain English gets about 1.5 characters for each.
    """
    line = " ".join(cleaned(redacted(text[:_READ])).split())
    left = most_tokens - 1.0  # for the sign that it was cut
    for place, cost in enumerate(_costs(line)):
        left -= cost
        if left < 0:
            return f"{line[:place]}…"
    return line


def most_tokens(value: JsonValue, ours: AbstractSet[str] = frozenset()) -> float:
    """Return at least as many tokens as a value takes as compact JSON.

    Args:
        value: Its keys are ours.
        ours: Keys of texts that are ours too: plain English.
    """
    if isinstance(value, dict):
        return 2 + sum(
            _OF_A_KEY + (len(json_of(one)) / 3 if key in ours else most_tokens(one, ours))
            for key, one in value.items()
        )
    if isinstance(value, list):
        return 2 + sum(1 + most_tokens(one, ours) for one in value)
    if not isinstance(value, str):
        return _OF_A_NUMBER
    known = next((tokens for shape, tokens in _KNOWN if shape.fullmatch(value)), None)
    return known or 1 + sum(_costs(value))


def _costs(text: str) -> Iterator[float]:
    """Yield the most that each character takes in the worst company; words take a third of it."""
    in_word = False
    for character in text:
        if not character.isascii():
            yield len(character.encode(errors="replace"))  # no token is shorter than a byte
        elif character in '"\\':
            yield 1.3  # with the backslash before it
        else:
            yield 0.66 if in_word and character in _FREQUENT else 1.0
        in_word = character in _FREQUENT
