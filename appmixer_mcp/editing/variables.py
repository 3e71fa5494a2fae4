"""The variables in a link's transform: which there are, and the same ones under other names."""

import re
from collections.abc import Callable
from typing import Any, TypeGuard, cast

_IN_TEXT = re.compile(r"(\{\{\{\s*)(\$\.[^{}]*?)(\s*\}\}\})")

Rename = Callable[[str], str]
"""Takes a variable, `$.id.port.path`, and gives the one to put in its place."""


def variables_in(transform: Any) -> list[str]:
    """Return each variable of a transform, however deep; some may be there twice."""
    found: list[str] = []

    def note(variable: str) -> str:
        found.append(variable)
        return variable

    renamed(transform, note)
    return found


def renamed(value: Any, rename: Rename) -> Any:
    """Return a transform, or a part of one, with other variables.

    Bindings have theirs as `variable`; texts may hold them too, as older flows write them.
    """
    if isinstance(value, str):
        return _IN_TEXT.sub(lambda match: f"{match[1]}{rename(match[2])}{match[3]}", value)
    if isinstance(value, list):
        return [renamed(one, rename) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {
            key: rename(one) if key == "variable" and _is_variable(one) else renamed(one, rename)
            for key, one in cast("dict[str, object]", value).items()
        }
    return value


def split(variable: str) -> tuple[str, str, str]:
    """Return component id, out port and the rest of a variable, such as `.data.name`."""
    component_id, _, path = variable.removeprefix("$.").partition(".")
    port, dot, rest = path.partition(".")
    return component_id, port, f"{dot}{rest}"


def _is_variable(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith("$.")
