"""What a tool gives back, and how it becomes the text and the structured content of an answer.

Both come from one dump, so that a model sees the same facts whichever of the two its client shows
it. An absent value is left out, never null. An answer over the limit is cut, and says so.
"""

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Self, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, PrivateAttr
from pydantic.json_schema import SkipJsonSchema

_FIRST_CUT = 2_000
_LAST_CUT = 200

Object = dict[str, Any]


def _instant_text(instant: datetime) -> str:
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime | SkipJsonSchema[None],
    PlainSerializer(lambda at: at and _instant_text(at), return_type=str, when_used="json"),
]
"""An instant in a result, as ISO 8601 text in UTC; absent when the API did not tell it."""
Text = str | SkipJsonSchema[None]
Number = int | SkipJsonSchema[None]
Truth = bool | SkipJsonSchema[None]


class Facts(BaseModel):
    """A part of a result."""

    model_config = ConfigDict(frozen=True)


class Result(Facts):
    """What a tool gives back: one object with typed fields."""

    left_out: Text = Field(
        default=None, description="What was cut to keep this short, and how to get it."
    )


class Page(Result):
    """A part of a list; subclasses add `items`."""

    total: Number = Field(default=None, description="How many there are in all, where known.")
    next_offset: Number = Field(
        default=None, description="Pass as `offset` for more; absent at the end."
    )

    _offset: int = PrivateAttr(default=0)

    @classmethod
    def of(
        cls, items: list[Any], *, offset: int, limit: int, total: int | None = None, **more: Any
    ) -> Self:
        """Make a page; without a total, a page that is not full is taken for the last one.

        Args:
            items: What is on this page; empty when there is nothing (more).
            offset: Where in the whole list it begins.
            limit: How many items were asked for.
            total: How many there are in all, where that is known.
            more: Further fields of the page.
        """
        if total is None and len(items) < limit and (items or offset == 0):
            total = offset + len(items)
        seen = offset + len(items)
        ends = not items or (len(items) < limit if total is None else seen >= total)
        fields = {"items": items, "total": total, "next_offset": None if ends else seen}
        page = cls.model_validate(fields | more)
        page._offset = offset  # noqa: SLF001 - this very class's
        return page

    @classmethod
    def rest(cls, items: list[Any], *, offset: int) -> Self:
        """Make a page of all that follows an offset, of a list that the API sends whole."""
        return cls.of(items[offset:], offset=offset, limit=len(items), total=len(items))

    @property
    def offset(self) -> int:
        """Where in the whole list this page begins."""
        return self._offset


class Outcome(Result):
    """What a tool that may ask for confirmation gives back."""

    done: bool = Field(description="False: nothing was changed yet, see next_step.")
    message: str = Field(description="What happened, or what would.")
    impact: list[str] = Field(
        default_factory=list,
        exclude_if=lambda losses: not losses,
        description="What would be lost or decided.",
    )
    next_step: Text = Field(default=None, description="What to do now.")


def dump(result: Result, limit_bytes: int) -> tuple[Object, str]:
    """Return a result as structured content and as the same content in JSON text.

    Args:
        result: What a tool gave back.
        limit_bytes: The text is cut to this size: long texts first, then the end of the longest
            list or map. `left_out` then says what is missing.
    """
    content = result.model_dump(mode="json", exclude_none=True)
    text = _text(content)
    if len(text.encode()) > limit_bytes:
        whole = len(content["items"]) if isinstance(result, Page) else 0
        # A part with fields of its own stays whole, as the schema promises.
        free = {name for name, value in result if isinstance(value, list | dict)}
        content = _cut(content, free, limit_bytes)
        if isinstance(result, Page) and len(content["items"]) < whole:
            content["next_offset"] = result.offset + len(content["items"])
        text = _text(content)
    return content, text


def shortened(text: str, limit_bytes: int) -> str:
    """Return a text that is too long for an answer without its end, and say so."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit_bytes:
        return text
    return f"{encoded[:limit_bytes].decode(errors='ignore')}… [the rest did not fit]"


def _text(content: Object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _size(content: Object) -> int:
    return len(_text(content).encode())


def _cut(whole: Object, free: set[str], limit_bytes: int) -> Object:
    content, length = whole, _FIRST_CUT
    while _size(content) > limit_bytes and length >= _LAST_CUT:
        content = cast("Object", _shorten(whole, length))
        content["left_out"] = f"Texts over {length} characters were cut; ask for one item alone."
        length //= 2
    while _size(content) > limit_bytes:
        longest = max(
            # One item is always kept: a page without any would be followed by itself.
            (name for name in free & content.keys() if len(content[name]) > (name == "items")),
            key=lambda name: len(_text({name: content[name]})),
            default=None,
        )
        if longest is None:
            break
        _drop_end(content, longest, limit_bytes)
    return content


def _shorten(value: Any, length: int) -> Any:
    """Return a copy in which every text is cut to a length and says what it lost."""
    if isinstance(value, str) and len(value) > length:
        return f"{value[:length]}… [{len(value) - length} more characters]"
    if isinstance(value, dict):
        table = cast("Object", value)
        return {key: _shorten(one, length) for key, one in table.items()}
    if isinstance(value, list):
        return [_shorten(one, length) for one in cast("list[object]", value)]
    return value


def _drop_end(content: Object, name: str, limit_bytes: int) -> None:
    """Keep as many entries of the list or map `name` as fit, found by halving."""
    whole: list[Any] | Object = content[name]
    said = content.get("left_out", "")
    kept, too_many = int(name == "items"), len(whole)
    while too_many - kept > 1:
        tried = (kept + too_many) // 2
        _keep(content, name, whole, tried, said)
        kept, too_many = (tried, too_many) if _size(content) <= limit_bytes else (kept, tried)
    _keep(content, name, whole, kept, said)


def _keep(
    content: Object, name: str, whole: list[Any] | Object, count: int, said_before: str
) -> None:
    content[name] = whole[:count] if isinstance(whole, list) else dict(islice(whole.items(), count))
    how = "go on with next_offset" if name == "items" else "ask for the rest by id"
    said = f"{len(whole) - count} of {len(whole)} {name} did not fit; {how}."
    content["left_out"] = f"{said_before} {said}".lstrip()
