"""JSON Schemas as every MCP client accepts them: flat, inlined, without unions or generated noise.

Gemini refuses `$ref` and nulls, OpenAI's strict mode refuses `anyOf` beside a default, and every
word of a schema is paid for in tokens with each conversation.
"""

from collections.abc import Mapping
from typing import Any, cast

Schema = dict[str, Any]

_NOISE = ("title", "$defs", "format", "writeOnly")
_COMBINATIONS = ("anyOf", "oneOf", "allOf", "$ref")
_SHOWN_CHARACTERS = 60


def flatten(schema: Mapping[str, Any]) -> Schema:
    """Return a schema that says the same with every `$ref` inlined and nothing generated.

    Dropped are titles, string formats and null defaults; an object without properties gets an
    empty map of them.

    Raises:
        TypeError: It holds a union or refers to itself, which no flat schema can say.
    """
    return _flat(schema, schema.get("$defs", {}), ())


def _flat(schema: Mapping[str, Any], defs: Mapping[str, Any], path: tuple[str, ...]) -> Schema:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name in path:
            raise TypeError(f"The model {name} refers to itself; a tool's schema is flat.")
        own = {key: value for key, value in schema.items() if key != "$ref"}
        return _flat({**defs[name], **own}, defs, (*path, name))
    if any(key in schema for key in _COMBINATIONS):
        raise TypeError(f"No client-proof schema can say {schema!r}; write `T | SkipJsonSchema`.")
    flat: Schema = {key: value for key, value in schema.items() if key not in _NOISE}
    if flat.get("default", ...) in (None, "", [], {}):
        del flat["default"]
    if flat.get("type") == "object":
        properties: Mapping[str, Any] = schema.get("properties", {})
        flat["properties"] = {name: _flat(one, defs, path) for name, one in properties.items()}
        if isinstance(extra := flat.get("additionalProperties"), dict):
            flat["additionalProperties"] = _flat(cast("Schema", extra), defs, path)
    if "items" in flat:
        flat["items"] = _flat(flat["items"], defs, path)
    return flat


def expectation(schema: Mapping[str, Any]) -> str:
    """Say in words what a flat schema takes, such as `a whole number from 1 to 100`."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if kind == "array":
        return f"a list, each item {expectation(schema['items'])}"
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _range(schema)
    if kind == "string":
        return "text" + _lengths(schema)
    return {"boolean": "true or false", "object": "an object"}.get(str(kind), "a value")


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""


def _lengths(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if high is not None:
        return f" of {low or 0} to {high} characters"
    return " that is not empty" if low else ""


def shown(value: object) -> str:
    """Show a rejected plain value in an error, shortened; objects and lists only by their kind."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
        return repr(cut)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    return "a list" if isinstance(value, list) else "an object"
