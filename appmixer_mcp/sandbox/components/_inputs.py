"""How components read fields that a flow may fill with text where something else is meant."""

import json
from datetime import datetime

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_text


def is_on(value: Json) -> bool:
    """Return whether a toggle is on; variables often fill it with the text `true`."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


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


def unusable(field: str, reason: str) -> ComponentFailedError:
    """Return the error for a field that no repetition will mend."""
    return ComponentFailedError(f"The field {field!r} {reason}.", retry=False)
