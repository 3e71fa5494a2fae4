"""A descriptor as one reads it: fields of links with the expressions that one would write.

For showing only: what differs between two descriptors is shorter and clearer in this form.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from appmixer_mcp.descriptor import check_entries, link_transforms

from .variables import split

_PLACEHOLDER = re.compile(r"\{\{\{([^{}]*)\}\}\}")

Descriptor = Mapping[str, Any]


def readable(descriptor: Descriptor, unlike: Descriptor) -> dict[str, Any]:
    """Return a descriptor in which the entries that are not in another one are readable.

    Args:
        descriptor: Component id to component entry; what is malformed in it stays as it is.
        unlike: The one with which it will be compared.
    """
    return {
        component_id: entry
        if entry == unlike.get(component_id) or check_entries({component_id: entry}, most=1)
        else _entry(entry, descriptor)
        for component_id, entry in descriptor.items()
    }


def _entry(entry: Mapping[str, Any], descriptor: Descriptor) -> dict[str, Any]:
    shown = {key: one for key, one in entry.items() if key != "config"}
    config: Mapping[str, Any] = entry.get("config") or {}
    shown |= {key: one for key, one in config.items() if key != "transform"}
    for (in_port, sender, out_port), transform in link_transforms(entry):
        bindings: Mapping[str, Mapping[str, Any]] = transform.get("modifiers", {})
        where = f"{_name(sender, descriptor)}.{out_port} -> {in_port}"
        shown[where] = {
            field: _value(value, bindings.get(field, {}), descriptor)
            for field, value in transform["lambda"].items()
        }
    return shown


def _value(value: Any, bindings: Mapping[str, Any], descriptor: Descriptor) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(
            lambda match: f"{{{{{_expression(match[1].strip(), bindings, descriptor)}}}}}", value
        )
    if isinstance(value, list):
        return [_value(one, bindings, descriptor) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {key: _value(one, bindings, descriptor) for key, one in pairs}
    return value


def _expression(name: str, bindings: Mapping[str, Any], descriptor: Descriptor) -> str:
    binding = bindings.get(name, {"variable": name})
    variable, functions = binding.get("variable"), binding.get("functions")
    calls = cast("list[object]", functions) if isinstance(functions, list) else []
    steps = [_function(one) for one in calls]
    return " | ".join([*([_variable(variable, descriptor)] if variable else []), *steps])


def _variable(variable: object, descriptor: Descriptor) -> str:
    if not isinstance(variable, str) or not variable.startswith("$."):
        return str(variable)
    component_id, port, rest = split(variable)
    return f"{_name(component_id, descriptor)}.{port}{rest}"


def _function(function: object) -> str:
    if not isinstance(function, dict):
        return str(function)
    known = cast("dict[str, Any]", function)
    words = [str(known.get("name")), *map(_argument, known.get("params") or ())]
    named = cast("dict[str, Any]", known.get("hashParams") or {})
    return " ".join([*words, *(f"{name}={_argument(one)}" for name, one in named.items())])


def _argument(argument: Any) -> str:
    value = cast("dict[str, Any]", argument).get("value") if isinstance(argument, dict) else None
    return f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(component_id: str, descriptor: Descriptor) -> str:
    """Return a component's label; its id where it has none, or another one has the same."""
    entries = [cast("dict[str, Any]", one) for one in descriptor.values() if isinstance(one, dict)]
    entry = descriptor.get(component_id)
    label = cast("dict[str, Any]", entry).get("label") if isinstance(entry, dict) else None
    same = sum(one.get("label") == label for one in entries)
    return str(label) if label and same == 1 else component_id
