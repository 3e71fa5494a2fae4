"""The paths that an output will have, as far as the configuration of its component tells."""

from collections.abc import Iterator

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._inputs import entries, parsed
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object

_MOST_PATHS = 200
_DEEPEST = 6


def names_in(expression: Json, key: str = "name") -> tuple[str, ...]:
    """Return what the entries of an expression field are called, each name once."""
    try:
        listed = entries("", expression)
    except ComponentFailedError:
        return ()
    names = (one.get(key) for one in listed)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def example_paths(example: Json, prefix: str) -> tuple[str, ...]:
    """Return the paths into an example, or its JSON text, the outer before the inner.

    They stay below the prefix and are at most 200; empty when the example is no object.
    """
    try:
        value = parsed("", example)
    except ComponentFailedError:
        return ()
    return tuple(_paths(value, prefix, _DEEPEST))[:_MOST_PATHS]


def _paths(value: Json, prefix: str, depth: int) -> Iterator[str]:
    if depth == 0 or not is_object(value):
        return
    for name, below in value.items():
        if name and "." not in name:  # a dot would part the path elsewhere
            path = f"{prefix}.{name}"
            yield path
            yield from _paths(below, path, depth - 1)


def first_item(value: Json) -> Json:
    """Return the first item of a list, or of its JSON text; None when there is none."""
    try:
        items = parsed("", value)
    except ComponentFailedError:
        return None
    return items[0] if is_list(items) and items else None
