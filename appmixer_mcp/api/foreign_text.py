"""Making another party's text safe to stand inside one of our sentences."""

import unicodedata

_LONGEST = 500
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Shown as nothing or as a blank although Unicode counts them as letters, marks or symbols.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def _is_visible(character: str) -> bool:
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES or character in _INVISIBLE:
        return False
    # Variation selectors are marks that can carry hidden bytes.
    return not ("\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef")


def cleaned(text: str) -> str:
    """Return at most 500 visible characters of a text on one line, without double quotes.

    Control, zero-width, direction and other invisible characters go, because a model reads what a
    person does not see; double quotes become single ones, so that it cannot end its own quotation.
    """
    one_line = " ".join(text[: 4 * _LONGEST].split())
    visible = "".join(character for character in one_line if _is_visible(character))
    return visible.replace('"', "'")[:_LONGEST]
