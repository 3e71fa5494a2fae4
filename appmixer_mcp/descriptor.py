"""The rules of a flow descriptor that need no tenant to be checked.

A descriptor is a flat map, component id -> component entry; wiring stands on the receiving side:
`source` is in port -> {source component id -> [out ports]}. Cycles are legal.

Source: Appmixer docs, "Flow", and the schema that Appmixer's command-line tool checks against.
Which component types exist, and which ports they have, only a tenant knows.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeGuard, cast

MAX_BYTES = 2_097_152
"""Largest flow body (documented: LIMIT_FLOW_UPDATE_BYTES)."""

_COMPONENT_ID = re.compile(r"[\w\s-]+")
_TYPE = re.compile(r"\w+\.\w+\.\w+\.\w+")
_PORT = re.compile(r"\w+")
_LONGEST = 80
_PLAIN = re.compile(rf"[\w-]{{1,{_LONGEST}}}")
_ENTRY_KEYS: dict[str, type | tuple[type, ...]] = {
    "type": str, "label": str, "x": (int, float), "y": (int, float), "version": str,
    "source": dict, "config": (dict, type(None)), "errorHandling": dict, "manifest": object,
}  # fmt: skip
_LINK_KEYS = 3  # in port, source component id, out port
_ON_ERROR = ("storeUnprocessed", "errorPort", "stopFlow")
_TRANSFORM_TYPES = ("json2new", "json2ext")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a descriptor."""

    component_id: str
    """Empty when it concerns the descriptor as a whole."""
    message: str
    """What is wrong and how to mend it, in one sentence."""
    keyword: str
    """A short word for programs: type, required, pattern, additionalProperties, source, …"""

    def __str__(self) -> str:
        """Return the message, led by the component it concerns."""
        return f"{_shown(self.component_id)}: {self.message}" if self.component_id else self.message


def check_descriptor(descriptor: object) -> list[Problem]:
    """Return everything that keeps a descriptor from being a sound flow; empty when it is one."""
    problems = check_entries(descriptor)
    if not is_map(descriptor):
        return problems
    for component_id, entry in descriptor.items():
        if is_map(entry):
            problems.extend(_wiring_problems(component_id, entry, descriptor))
    return problems


def check_entries(descriptor: object, *, most: int | None = None) -> list[Problem]:
    """Return what keeps a descriptor from being saved even as a draft; empty when nothing does.

    Links may still lead nowhere: Appmixer saves those, and refuses to start them.

    Args:
        descriptor: Any JSON value.
        most: Return no more problems than this; None returns all.
    """
    return list(islice(_draft_problems(descriptor), most))


def _draft_problems(descriptor: object) -> Iterator[Problem]:
    if not is_map(descriptor):
        yield Problem("", "A flow descriptor is an object: component id -> entry.", "type")
        return
    try:
        size = len(json.dumps(descriptor, separators=(",", ":")).encode())
    except RecursionError:
        yield Problem("", "The descriptor is nested too deeply.", "type")
        return
    if size > MAX_BYTES:
        message = f"The descriptor has {size:,} bytes; Appmixer takes at most {MAX_BYTES:,}."
        yield Problem("", message, "maxLength")
        return
    for component_id, entry in descriptor.items():
        if not _COMPONENT_ID.fullmatch(component_id):
            message = "A component id may hold letters, digits, spaces, _ and - only."
            yield Problem(component_id, message, "pattern")
        if is_map(entry):
            yield from _entry_problems(component_id, entry)
        else:
            message = "The entry must be an object with at least `type`."
            yield Problem(component_id, message, "type")


def source_links(source: object) -> Iterator[tuple[str, str, str]]:
    """Yield each well-formed link of an entry's `source` as (in port, source id, out port)."""
    for in_port, senders in _map_items(source):
        for sender_id, out_ports in _map_items(senders):
            if _are_ports(out_ports):
                names = [out_ports] if isinstance(out_ports, str) else out_ports
                yield from ((in_port, sender_id, out_port) for out_port in names)


def link_transforms(
    entry: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    """Yield the transforms of an entry, each behind its (in port, source id, out port).

    What is not well-formed is left out; a link that a transform names need not be there.
    """
    config = entry.get("config")
    for path, transform in _transforms(config) if is_map(config) else ():
        if is_map(transform) and len(path) == _LINK_KEYS:
            in_port, sender_id, out_port = path
            yield (in_port, sender_id, out_port), transform


def _entry_problems(component_id: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in entry.items():
        if key not in _ENTRY_KEYS:
            valid = ", ".join(_ENTRY_KEYS)
            message = f"`{_shown(key)}` is not a key of a component entry; use {valid}."
            yield Problem(component_id, message, "additionalProperties")
        elif not isinstance(value, _ENTRY_KEYS[key]) or (
            key in ("x", "y") and isinstance(value, bool)
        ):
            yield Problem(component_id, f"`{key}` has the wrong type of value.", "type")
    component_type = entry.get("type")
    if component_type is None:
        yield Problem(component_id, "`type` is missing.", "required")
    elif isinstance(component_type, str) and not _TYPE.fullmatch(component_type):
        said = _quoted(component_type)
        message = f"`type` {said} is not of the form vendor.service.module.Component."
        yield Problem(component_id, message, "pattern")
    yield from _source_problems(component_id, entry.get("source"))
    yield from _config_problems(component_id, entry.get("config"))
    yield from _error_handling_problems(component_id, entry.get("errorHandling"))


def _source_problems(component_id: str, source: object) -> Iterator[Problem]:
    for in_port, senders in _map_items(source):
        if not _PORT.fullmatch(in_port):
            message = f"`source` names the in port {_quoted(in_port)}."
            yield Problem(component_id, message, "pattern")
        if not is_map(senders):
            message = (
                f"`source.{_shown(in_port)}` must be an object: source component id -> [out ports]."
            )
            yield Problem(component_id, message, "type")
            continue
        for sender_id, out_ports in senders.items():
            if not _are_ports(out_ports):
                message = (
                    f"`source.{_shown(in_port)}.{_shown(sender_id)}` must be a list of at least "
                    "one out port name, each once."
                )
                yield Problem(component_id, message, "type")


def _config_problems(component_id: str, config: object) -> Iterator[Problem]:
    for key, value in _map_items(config):
        if key in ("properties", "transform", "auth") and not is_map(value):
            yield Problem(component_id, f"`config.{key}` must be an object.", "type")
    if not is_map(config):
        return
    for path, transform in _transforms(config):
        where = f"`config.transform.{_joined(path)}`"
        if not is_map(transform) or len(path) < _LINK_KEYS:
            message = f"{where} must be an object; transforms are in port -> source -> out port."
            yield Problem(component_id, message, "type")
        else:
            yield from _transform_problems(component_id, where, transform)


def _transform_problems(
    component_id: str, where: str, transform: Mapping[str, Any]
) -> Iterator[Problem]:
    if transform.get("type", "json2new") not in _TRANSFORM_TYPES:
        message = f"{where}.type must be json2new (or the older json2ext)."
        yield Problem(component_id, message, "enum")
    if not is_map(transform.get("lambda")):
        yield Problem(component_id, f"{where}.lambda must be an object: field -> value.", "type")
    modifiers = transform.get("modifiers", {})
    if not is_map(modifiers):
        yield Problem(component_id, f"{where}.modifiers must be an object.", "type")
        return
    for field_name, bindings in modifiers.items():
        bound = is_map(bindings) and all(is_map(binding) for binding in bindings.values())
        if not bound:
            place = f"{where}.modifiers.{_shown(field_name)}"
            message = f"{place} must be an object: binding id -> binding."
            yield Problem(component_id, message, "type")


def _error_handling_problems(component_id: str, handling: object) -> Iterator[Problem]:
    for key, value in _map_items(handling):
        if key == "autoRetry":
            sound = isinstance(value, bool)
        elif key == "maxRetries":
            sound = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        elif key == "onError":
            sound = value in _ON_ERROR
        else:
            message = (
                f"`errorHandling.{_shown(key)}` is unknown; use autoRetry, maxRetries, onError."
            )
            yield Problem(component_id, message, "additionalProperties")
            continue
        if not sound:
            message = (
                f"`errorHandling.{key}` is wrong: autoRetry is true or false, maxRetries 0 or "
                f"more, onError one of {', '.join(_ON_ERROR)}."
            )
            yield Problem(component_id, message, "enum")


def _wiring_problems(
    component_id: str, entry: Mapping[str, Any], descriptor: Mapping[str, Any]
) -> Iterator[Problem]:
    links = set(source_links(entry.get("source")))
    for in_port, sender_id in sorted({(in_port, sender) for in_port, sender, _ in links}):
        if sender_id not in descriptor:
            message = (
                f"`source.{_shown(in_port)}` names the component {_quoted(sender_id)}, which this "
                "flow does not have; use the id of another entry."
            )
            yield Problem(component_id, message, "source")
    for path, _ in link_transforms(entry):
        if path not in links:
            message = (
                f"Malformed transformation: `config.transform.{_joined(path)}` "
                "belongs to no link of `source`; its three keys must repeat one."
            )
            yield Problem(component_id, message, "transform")


def _transforms(config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield (path, transform) for each leaf; the path is shorter where a level is no object."""
    for in_port, senders in _map_items(config.get("transform")):
        if not is_map(senders):
            yield (in_port,), senders
            continue
        for sender_id, out_ports in senders.items():
            if not is_map(out_ports):
                yield (in_port, sender_id), out_ports
                continue
            for out_port, transform in out_ports.items():
                yield (in_port, sender_id, out_port), transform


def _shown(name: str) -> str:
    """Return a name as it is; quoted where it is long or could be read as more than a name."""
    return name if _PLAIN.fullmatch(name) else _quoted(name)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…")


def _joined(path: tuple[str, ...]) -> str:
    return ".".join(map(_shown, path))


def _are_ports(value: object) -> TypeGuard[str | list[str]]:
    if isinstance(value, str):
        return bool(_PORT.fullmatch(value))
    names = cast("list[object]", value) if isinstance(value, list) else []
    well_named = all(isinstance(name, str) and _PORT.fullmatch(name) for name in names)
    return bool(names) and well_named and len(set(map(str, names))) == len(names)


def is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether a JSON value is an object."""
    return isinstance(value, dict)


def _map_items(value: object) -> Iterator[tuple[str, Any]]:
    if is_map(value):
        yield from value.items()
