"""JSON that strangers wrote: looked into without trust, and shown as text."""

import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import JsonValue

from appmixer_mcp.errors import InputError
from appmixer_mcp.redaction import redacted


def table(value: object) -> Mapping[str, Any]:
    """Return what ought to be an object; an empty one in place of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def parsed(value: JsonValue) -> JsonValue:
    """Return what a JSON text holds, and anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return cast("JsonValue", json.loads(value))
    except (ValueError, RecursionError):
        return value


def given(value: str, name: str, *, is_json: bool) -> JsonValue:
    """Return a value that a caller gave: a text, or the JSON that it holds.

    Args:
        value: The argument.
        name: What it is called, for a message.
        is_json: Whether `value_is_json` goes with it.

    Raises:
        InputError: It holds no JSON.
    """
    if not is_json:
        return value
    try:
        return cast("JsonValue", json.loads(value))
    except (ValueError, RecursionError):
        raise InputError(
            f"{name} is not JSON, though value_is_json is true. Mend it, or leave value_is_json "
            "out to have it taken as text."
        ) from None


def json_of(value: object) -> str:
    """Return a text as it is, and anything else as JSON text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str, most_characters: int, more_by: str = "") -> str:
    """Return the beginning of a text, and how much of it is left out.

    Args:
        text: Anything.
        most_characters: Of the text.
        more_by: The tool that shows it whole.
    """
    return text[:most_characters] + _left_out(text, most_characters, more_by)


def shown(value: JsonValue, most_characters: int, more_by: str = "") -> str | None:
    """Return what a component was given or has made as text; None where there is nothing.

    It is cut, and without secrets: passwords of requests, secrets that decide tasks.
    """
    if value is None or value == "":
        return None
    # Appmixer logs plain sentences as JSON texts.
    whole = parsed(value) if isinstance(value, str) and value[0] == '"' else value
    text = json_of(whole)
    return redacted(text[:most_characters]) + _left_out(text, most_characters, more_by)


def _left_out(text: str, most_characters: int, more_by: str) -> str:
    more = len(text) - most_characters
    how = f": {more_by}" if more_by else ""
    return f"… [{more} more characters{how}]" if more > 0 else ""
