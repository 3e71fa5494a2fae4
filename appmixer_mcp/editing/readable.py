"""A descriptor as one reads it: fields of links with the expressions that one would write.

For showing only: what differs between two descriptors is shorter and clearer in this form.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from appmixer_mcp.descriptor import check_entries, link_transforms
from appmixer_mcp.flow_diff import flow_diff

from .variables import split

_PLACEHOLDER = re.compile(r"\{\{\{([^{}]*)\}\}\}")

Descriptor = Mapping[str, Any]
Names = Mapping[str, str]
"""Component id -> how it is written in an expression."""


def readable(descriptor: Descriptor, unlike: Descriptor) -> dict[str, Any]:
    """Return a descriptor in which the entries that are not in another one are readable.

    Args:
        descriptor: Component id to component entry; what is malformed in it stays as it is.
        unlike: The one with which it will be compared.
    """
    names = _names(descriptor)
    return {
        component_id: entry
        if entry == unlike.get(component_id) or check_entries({component_id: entry}, most=1)
        else _entry(entry, names)
        for component_id, entry in descriptor.items()
    }


def readable_diff(before: Descriptor, after: Descriptor, *, most: int) -> list[str]:
    """Return what differs between two descriptors, in words as one would write them.

    Args:
        before: Component id to component entry.
        after: Likewise.
        most: At most so many lines; one more says that there are more.
    """
    if before == after:
        return []
    lines = flow_diff(readable(before, after), readable(after, before), most=most)
    # Where they differ in nothing that is read, such as the names of bindings, they differ still.
    return lines or flow_diff(before, after, most=most)


def _entry(entry: Mapping[str, Any], names: Names) -> dict[str, Any]:
    shown = {key: one for key, one in entry.items() if key != "config"}
    config: Mapping[str, Any] = entry.get("config") or {}
    shown |= {key: one for key, one in config.items() if key != "transform"}
    for (in_port, sender, out_port), transform in link_transforms(entry):
        bindings: Mapping[str, Mapping[str, Any]] = transform.get("modifiers", {})
        where = f"{names.get(sender, sender)}.{out_port} -> {in_port}"
        shown[where] = {
            field: _value(value, bindings.get(field, {}), names)
            for field, value in transform["lambda"].items()
        }
    return shown


def _value(value: Any, bindings: Mapping[str, Any], names: Names) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(
            lambda match: f"{{{{{_expression(match[1].strip(), bindings, names)}}}}}", value
        )
    if isinstance(value, list):
        return [_value(one, bindings, names) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {key: _value(one, bindings, names) for key, one in pairs}
    return value


def _expression(name: str, bindings: Mapping[str, Any], names: Names) -> str:
    binding = bindings.get(name, {"variable": name})
    variable, functions = binding.get("variable"), binding.get("functions")
    calls = cast("list[object]", functions) if isinstance(functions, list) else []
    steps = [_function(one) for one in calls]
    return " | ".join([*([_variable(variable, names)] if variable else []), *steps])


def _variable(variable: object, names: Names) -> str:
    if not isinstance(variable, str) or not variable.startswith("$."):
        return str(variable)
    component_id, port, rest = split(variable)
    return f"{names.get(component_id, component_id)}.{port}{rest}"


def _function(function: object) -> str:
    known = _map(function)
    given = known.get("params")
    params = cast("list[object]", given) if isinstance(given, list) else []
    named = _map(known.get("hashParams"))
    words = [str(known.get("name")), *map(_argument, params)]
    return " ".join([*words, *(f"{name}={_argument(one)}" for name, one in named.items())])


def _argument(argument: object) -> str:
    value = _map(argument).get("value")
    return f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _map(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _names(descriptor: Descriptor) -> Names:
    """Return the labels of components; the ids of those that have none, or not for themselves."""
    labels = {one: str(_map(entry).get("label") or "") for one, entry in descriptor.items()}
    shared = Counter(labels.values())
    return {one: label for one, label in labels.items() if label and shared[label] == 1}
