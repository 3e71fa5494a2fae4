"""What a tool gives back, and how it becomes the text and the structured content of an answer.

Both come from one dump, so that a model sees the same facts whichever of the two its client shows
it. An absent value is left out, never null. An answer over the limit is cut, and says so.
"""

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, NamedTuple, Self, cast
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, PrivateAttr
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import cleaned, cleaned_json, is_plain
from appmixer_mcp.cutting import Limit, cut, json_text

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

    # A start waits for each class; most are not needed before the first call of their tool.
    model_config = ConfigDict(frozen=True, defer_build=True)


class Result(Facts):
    """What a tool gives back: one object with typed fields."""

    left_out: Text = Field(
        default=None, description="What was cut or taken out, and how to get it."
    )

    more_by: ClassVar[str] = "the operator's APPMIXER_MAX_RESULT_BYTES sets how much fits"
    """What to do when this was cut."""
    entries_whole: ClassVar[bool] = False
    """Whether entries of lists and maps go before long texts are cut."""

    _whole_at: str = PrivateAttr(default="")
    _hidden: Object = PrivateAttr(default_factory=dict)

    def also_at(self, uri: str, *ids: str) -> Self:
        """Say which resource holds the same and is not cut, and return this result.

        Args:
            uri: With a `{}` for each id; an empty one takes back what was said.
            ids: Any texts.
        """
        self._whole_at = uri.format(*(quote(one, safe="") for one in ids))
        return self

    def without(self, names: AbstractSet[str], *, of: str) -> Self:
        """Leave these facts out of each item of the list `of`, and return this result."""
        self._hidden = {of: {"__all__": set(names)}}
        return self

    def content(self) -> Object:
        """Return what is to be told, as JSON can hold it."""
        return self.model_dump(mode="json", exclude_none=True, exclude=self._hidden)

    @property
    def whole_at(self) -> str:
        """The resource that holds the same whole; empty where there is none."""
        return self._whole_at


class Page(Result):
    """A part of a list; subclasses add `items`."""

    total: Number = Field(default=None, description="How many there are in all, where known.")
    next_offset: Number = Field(
        default=None, description="Pass as `offset` for more; absent at the end."
    )

    more_by: ClassVar[str] = "ask for fewer items to see more of each"

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
    confirm_token: Text = Field(default=None, description="Confirms this same call, once.")

    entries_whole: ClassVar[bool] = True  # what is asked stays whole, the losses get fewer


class Dump(NamedTuple):
    """A result as it leaves."""

    content: Object
    text: str
    whole_at: str
    """The resource that holds what was cut; empty when nothing was, or none does."""


def dump(result: Result, limit_bytes: int) -> Dump:
    """Return a result as structured content and as the same content in JSON text.

    Args:
        result: What a tool gave back. Invisible characters are taken out of it.
        limit_bytes: The text is cut to this size; `left_out` then says what is missing.
    """
    content = result.content()
    text = json_text(content)
    if not is_plain(text):
        found, cleaned_count = cleaned_json(content)
        content = cast("Object", found)
        if cleaned_count:
            content["left_out"] = _cleaned_note(cleaned_count)
        text = json_text(content)
    if len(text.encode()) <= limit_bytes:
        return Dump(content, text, "")
    whole_count = len(content["items"]) if isinstance(result, Page) else 0
    content = cut(content, _limit(result, limit_bytes))
    if isinstance(result, Page) and len(content["items"]) < whole_count:
        content["next_offset"] = result.offset + len(content["items"])
    return Dump(content, json_text(content), result.whole_at)


def shortened(text: str, limit_bytes: int) -> str:
    """Return one of our texts as it leaves: nothing invisible, and cut if it is too long."""
    encoded = cleaned(text).encode()
    if len(encoded) <= limit_bytes:
        return encoded.decode()
    return f"{encoded[:limit_bytes].decode(errors='ignore')}… [the rest did not fit]"


def _cleaned_note(count: int) -> str:
    texts = "1 text" if count == 1 else f"{count} texts"
    return (
        f"Invisible characters were removed from {texts}; written back, or taken as a key, it is "
        "not what it was."
    )


def _limit(result: Result, size_bytes: int) -> Limit:
    at = result.whole_at
    return Limit(
        size_bytes=size_bytes,
        # A part with fields of its own stays whole, as the schema promises.
        free={name for name, value in result if isinstance(value, list | dict)},
        entries_whole=result.entries_whole,
        more_by=result.more_by,
        whole=f"The resource {at} is not cut." if at else "",
    )
