"""Takes out of a text what a model reads and a person does not see.

Names, logs, records and tasks hold text from strangers, and whoever looks at it should see all of
it. What only shapes the letters beside it stays: joiners within Persian, Indian and other such
scripts and within emoji, and the selector that makes a sign an emoji. Each of these is kept once
only and beside what it shapes, so that a run of them hides nothing.
"""

import re
from typing import Any, cast

_LONGEST_QUOTATION = 200
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})

_NEVER_SEEN = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but tab, line feed and return
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # soft hyphen, marks, fillers
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, line ends, direction
    r"\ufe00-\ufe0d\U000e0000-\U000e0fff"  # tags and selectors, which can spell whole sentences
    r"\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format
    r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # no characters at all
)
_SHAPED = (  # letters that change their shape beside a joiner, without the fillers among them
    r"\u0620-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1cff"
    r"\ua800-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
)
_EMOJI = r"\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff"
_SIGNS = rf"{_EMOJI}\u00a9\u00ae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299"
_MONGOLIAN = r"\u1820-\u18aa"
_JOINERS, _PICTURE, _SELECTORS = r"\u200c\u200d", r"\ufe0f", r"\u180b-\u180f"
_SHAPING = "|".join(
    (
        rf"(?<=[{_SHAPED}][{_JOINERS}])",
        rf"(?:(?<=[{_EMOJI}]\u200d)|(?<=[{_EMOJI}]{_PICTURE}\u200d))(?=[{_EMOJI}])",
        rf"(?<=[{_SIGNS}][\ufe0e\ufe0f])",
        rf"(?<=[0-9#*]{_PICTURE})(?=\u20e3)",
        rf"(?<=[{_MONGOLIAN}][{_SELECTORS}])",
    )
)
_INVISIBLE = re.compile(rf"[{_NEVER_SEEN}{_SELECTORS}{_JOINERS}\ufe0e\ufe0f](?!{_SHAPING})")


def cleaned(text: str) -> str:
    """Return a text without its invisible characters; line ends and all that is seen stay."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", text)


def is_plain(json_text: str) -> bool:
    """Say at a glance that a JSON text hides nothing; False where one has to look closer."""
    return json_text.isascii() and json_text.isprintable() and "\\u" not in json_text


def cleaned_json(value: Any) -> tuple[Any, int]:
    """Return a JSON value cleaned, keys too, and how many texts had to be.

    A key that would become one its object has already is shown with its escapes instead.
    """
    if isinstance(value, str):
        text = cleaned(value)
        return text, int(text != value)
    if isinstance(value, list):
        items = [cleaned_json(one) for one in cast("list[object]", value)]
        return [item for item, _ in items], sum(count for _, count in items)
    if isinstance(value, dict):
        return _cleaned_object(cast("dict[str, Any]", value))
    return value, 0


def quoted(text: str | None) -> str:
    """Quote a stranger's text for one of our sentences: cut, on one line, nothing invisible."""
    whole = cleaned(text or "")
    shown = whole if len(whole) <= _LONGEST_QUOTATION else f"{whole[:_LONGEST_QUOTATION]}…"
    mark = '"' if "'" in shown and '"' not in shown else "'"
    escaped = shown.translate(_ESCAPES).replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


def _cleaned_object(table: dict[str, Any]) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    total = 0
    for key, value in table.items():
        name = cleaned(key)
        if name != key:
            total += 1
            if name in found or name in table:
                name = ascii(key)[1:-1]
        found[name], count = cleaned_json(value)
        total += count
    return found, total
