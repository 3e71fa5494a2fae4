"""How components read fields that a flow may fill with text where something else is meant."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_number, to_text
from appmixer_mcp.sandbox.jsontext import dumps

_EMAIL = re.compile(r"[^\s@<>,;]{1,128}@[^\s@<>,;]{1,128}")


def whole(ctx: Context) -> Json:
    """Return what arrived: the fields when a transform made some, else what was sent."""
    return dict(ctx.content) or ctx.original_content


def is_on(value: Json) -> bool:
    """Return whether a toggle is on; variables often fill it with the text `true`."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def as_object(value: Json) -> Mapping[str, Json]:
    """Return a value that is an object; an empty one in place of anything else."""
    return value if is_object(value) else {}


def plain_text(value: Json) -> str:
    """Return a value as text: nothing for null, JSON for objects and lists."""
    if value is None:
        return ""
    return dumps(value) if is_list(value) or is_object(value) else to_text(value)


def parsed(field: str, value: Json) -> Json:
    """Return what a JSON text holds; anything but text is returned as it is.

    Raises:
        ComponentFailedError: The text is no JSON (retry=False).
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise unusable(field, "is no valid JSON") from error


def parsed_or_same(value: Json) -> Json:
    """Return what a JSON text holds; anything else, other text too, is returned as it is."""
    try:
        return parsed("", value)
    except ComponentFailedError:
        return value


def texts(field: str, value: Json) -> dict[str, str]:
    """Return the entries of a key-value field, an object or its JSON text; empty when it is unset.

    Raises:
        ComponentFailedError: It has another shape (retry=False).
    """
    if value is None or value == "":
        return {}
    found = parsed(field, value)
    if not is_object(found):
        raise unusable(field, "must be an object, or its JSON text")
    return {name: to_text(one) for name, one in found.items()}


def instant(field: str, value: Json) -> datetime:
    """Return the aware instant that a date-time field holds.

    Raises:
        ComponentFailedError: It is no date (retry=False).
    """
    found = to_instant(value)
    if found is None:
        raise unusable(field, "is no date; give one such as 2026-01-31T08:00:00Z")
    return found


def entries(field: str, value: Json, key: str = "ADD") -> list[dict[str, Json]]:
    """Return the entries of an expression field such as `{"ADD": [{...}]}`; empty when it is unset.

    Raises:
        ComponentFailedError: It has another shape (retry=False).
    """
    if value is None or value == "":
        return []
    expression = parsed(field, value)
    listed = expression.get(key) if is_object(expression) else None
    if not is_list(listed) or not all(is_object(one) for one in listed):
        raise unusable(field, f'must look like {{"{key}": [{{...}}]}}')
    return listed


def number(field: str, value: Json) -> int | float:
    """Return the finite number that a field holds, as a number or as text.

    Raises:
        ComponentFailedError: It is none (retry=False).
    """
    found = math.nan if value in (None, "") else to_number(value)
    if math.isfinite(found):
        return found
    raise unusable(field, "must be a number")


def emails(field: str, value: Json) -> list[str]:
    """Return the addresses of a field: a list, or text with commas between them.

    Raises:
        ComponentFailedError: One of them is no e-mail address, or there is none (retry=False).
    """
    listed = value if is_list(value) else to_text(value).split(",")
    found = [to_text(one).strip() for one in listed]
    if not found or not all(_EMAIL.fullmatch(one) for one in found):
        raise unusable(field, "must be an e-mail address, or several with commas between them")
    return found


def unusable(field: str, reason: str) -> ComponentFailedError:
    """Return the error for a field that no repetition will mend."""
    return ComponentFailedError(f"The field {field!r} {reason}.", retry=False)
