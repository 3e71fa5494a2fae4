"""A descriptor as one reads it: fields of links with the expressions that one would write.

For showing only: what differs between two descriptors is shorter and clearer in this form.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from appmixer_mcp.descriptor import check_entries, link_transforms
from appmixer_mcp.flow_diff import flow_diff, is_same

from .variables import split

_PLACEHOLDER = re.compile(r"\{\{\{([^{}]*)\}\}\}")

_ENDS = re.compile(r"[.{}|]")
"""What ends a name in an expression, so that none may hold it."""

Descriptor = Mapping[str, Any]
Names = Mapping[str, str]
"""Component id -> how it is written in an expression."""


def readable(
    descriptor: Descriptor, unlike: Descriptor, names: Names | None = None
) -> dict[str, Any]:
    """Return a descriptor in which the entries that are not in another one are readable.

    Args:
        descriptor: Component id to component entry; what is malformed in it stays as it is.
        unlike: The one with which it will be compared.
        names: What components are called; by default as in the descriptor.
    """
    called = _names(descriptor, {}) if names is None else names
    return {
        component_id: entry
        if is_same(entry, unlike.get(component_id)) or check_entries({component_id: entry}, most=1)
        else _entry(entry, called)
        for component_id, entry in descriptor.items()
    }


def readable_diff(
    before: Descriptor, after: Descriptor, *, most: int, whole: bool = False
) -> list[str]:
    """Return what differs between two descriptors, in words as one would write them.

    Args:
        before: Component id to component entry.
        after: Likewise.
        most: At most so many lines; one more says that there are more.
        whole: Whether to show what is in the components that were added, too.
    """
    if is_same(before, after):
        return []
    # The same names on both sides, so that what reads another component now does not look alike.
    names = _names({**before, **after}, before)
    old, new = readable(before, after, names), readable(after, before, names)
    lines = flow_diff(old, new, most=most, whole=whole)
    # Where they differ in nothing that is read, such as the names of bindings, they differ still.
    return lines or flow_diff(before, after, most=most)


def _entry(entry: Mapping[str, Any], names: Names) -> dict[str, Any]:
    shown = {key: one for key, one in entry.items() if key != "config"}
    config: Mapping[str, Any] = entry.get("config") or {}
    # What is in a configuration must not stand for what is beside it, such as the type.
    shown |= {
        key if key == "properties" else f"config.{key}": one
        for key, one in config.items()
        if key != "transform"
    }
    for (in_port, sender, out_port), transform in link_transforms(entry):
        bindings: Mapping[str, Mapping[str, Any]] = transform.get("modifiers", {})
        where = f"{names.get(sender, sender)}.{out_port} -> {in_port}"
        shown[where] = {
            field: _value(value, bindings.get(field, {}), names)
            for field, value in transform["lambda"].items()
        }
        further = {key: one for key, one in transform.items() if key not in ("lambda", "modifiers")}
        if further != {"type": "json2new"}:
            shown[f"{where} as"] = further
    return shown


def _value(value: Any, bindings: Mapping[str, Any], names: Names) -> Any:
    if isinstance(value, str):
        if "{{" in _PLACEHOLDER.sub("", value):  # it would read as an expression and is none
            return value.replace("{{", "{{{{")
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
    binding = _map(bindings.get(name, {"variable": name}))
    steps = [_function(one) for one in _list(binding.get("functions"))]
    if None in steps or binding.keys() - {"variable", "functions"}:
        return json.dumps(binding, ensure_ascii=False)  # nobody would write it so
    variable = binding.get("variable")
    known = [one for one in steps if one is not None]
    return " | ".join([*([_variable(variable, names)] if variable else []), *known])


def _variable(variable: object, names: Names) -> str:
    if not isinstance(variable, str) or not variable.startswith("$."):
        return str(variable)
    component_id, port, rest = split(variable)
    return f"{names.get(component_id, component_id)}.{port}{rest}"


def _function(function: object) -> str | None:
    """Return a modifier as one writes it; None for one that cannot be written so."""
    known = _map(function)
    params, named = _list(known.get("params")), _map(known.get("hashParams"))
    plain = all([*_map(one)] == ["value"] for one in (*params, *named.values()))
    if not plain or known.keys() - {"name", "params", "hashParams"}:
        return None
    words = [str(known.get("name")), *map(_argument, params)]
    return " ".join([*words, *(f"{name}={_argument(one)}" for name, one in named.items())])


def _argument(argument: object) -> str:
    value = _map(argument).get("value")
    plain = isinstance(value, str) and "'" not in value
    return f"'{value}'" if plain else json.dumps(value, ensure_ascii=False)


def _map(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _names(descriptor: Descriptor, before: Descriptor) -> Names:
    """Return the labels of components that name nothing else, and can be written in expressions.

    Args:
        descriptor: All components there are or were.
        before: What they were; their labels of then name nothing else, either.
    """
    labels, older = _labels(descriptor), _labels(before)
    count = Counter(label for _, label in {*labels.items(), *older.items()})
    return {
        one: label
        for one, label in labels.items()
        if label and count[label] == 1 and not _ENDS.search(label) and label not in descriptor
    }


def _labels(descriptor: Descriptor) -> dict[str, str]:
    return {one: str(_map(entry).get("label") or "") for one, entry in descriptor.items()}
