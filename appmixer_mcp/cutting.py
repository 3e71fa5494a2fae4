"""An answer that is over the limit is cut, and says what it lost and how to see it."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

Object = dict[str, Any]

_LAST_CUT = 200


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How long an answer may be, and what to lose and to say when it would be longer."""

    size_bytes: int
    """Of its JSON text."""
    free: AbstractSet[str]
    """Names of the lists and maps that may lose entries, for the schema promises none of them."""
    entries_whole: bool
    """Whether entries go before long texts are cut."""
    more_by: str
    """What to do to see more."""
    whole: str
    """A sentence that says where nothing is cut; empty where there is no such place."""


def json_text(content: Object) -> str:
    """Return an object as JSON, as it stands in an answer."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def cut(content: Object, limit: Limit) -> Object:
    """Return a copy that is within the limit, and whose `left_out` says what is missing.

    Long texts go first, then the ends of the longest lists and maps.
    """
    cutting = _Cutting(content, limit)
    if limit.entries_whole:
        cutting.drop_ends(fewest=1)
    cutting.shorten_texts()
    cutting.drop_ends(fewest=0)
    return cutting.content


class _Cutting:
    def __init__(self, content: Object, limit: Limit) -> None:
        self.content = dict(content)
        self._limit = limit
        self._said = self.content.pop("left_out", "")
        self._saying = ""
        self._say("")

    def shorten_texts(self) -> None:
        whole, length = self.content, self._limit.size_bytes
        while self._is_too_long() and length >= _LAST_CUT:
            self.content = cast("Object", _shortened(whole, length))
            self.content["left_out"] = whole["left_out"]
            if self.content != whole:
                self._say(f"Texts over {length} characters were cut; {self._limit.more_by}.")
            length //= 2
        self._have_said()

    def drop_ends(self, *, fewest: int) -> None:
        """Take the ends off the longest lists and maps, down to so many entries each."""
        while self._is_too_long():
            longest = max(
                (
                    name
                    for name in self._limit.free & self.content.keys()
                    if len(self.content[name]) > _fewest(name, fewest)
                ),
                key=lambda name: len(json_text({name: self.content[name]})),
                default=None,
            )
            if longest is None:
                return
            self._drop_end(longest, _fewest(longest, fewest))

    def _drop_end(self, name: str, fewest: int) -> None:
        """Keep as many entries of the list or map `name` as fit, found by halving."""
        whole: list[Any] | Object = self.content[name]
        how = "go on with next_offset" if name == "items" else self._limit.more_by

        def keep(count: int) -> None:
            kept = whole[:count] if isinstance(whole, list) else dict(islice(whole.items(), count))
            self.content[name] = kept
            self._say(f"{len(whole) - count} of {len(whole)} {name} did not fit; {how}.")

        kept, too_many = fewest, len(whole)
        while too_many - kept > 1:
            tried = (kept + too_many) // 2
            keep(tried)
            kept, too_many = (kept, tried) if self._is_too_long() else (tried, too_many)
        keep(kept)
        self._have_said()

    def _is_too_long(self) -> bool:
        return len(json_text(self.content).encode()) > self._limit.size_bytes

    def _say(self, sentence: str) -> None:
        self._saying = sentence
        said = " ".join(one for one in (self._said, sentence, self._limit.whole) if one)
        self.content["left_out"] = said

    def _have_said(self) -> None:
        self._said = f"{self._said} {self._saying}".strip()
        self._saying = ""


def _fewest(name: str, fewest: int) -> int:
    # A page without any item would be followed by itself.
    return max(fewest, int(name == "items"))


def _shortened(value: Any, length: int) -> Any:
    """Return a copy in which every text is cut to a length and says what it lost."""
    if isinstance(value, str) and len(value) > length:
        return f"{value[:length]}… [{len(value) - length} more characters]"
    if isinstance(value, dict):
        table = cast("Object", value)
        return {key: _shortened(one, length) for key, one in table.items()}
    if isinstance(value, list):
        return [_shortened(one, length) for one in cast("list[object]", value)]
    return value
