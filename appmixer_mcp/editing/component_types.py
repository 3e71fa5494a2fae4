"""What an edit has to know of a component type: its ports, and the fields that they take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from appmixer_mcp.descriptor import is_map

ERROR_PORT = "error"
"""The out port that every component has beside those of its manifest."""

Fields = frozenset[str] | None
"""Names of fields; None where any may be given, as the manifest does not list them all."""


@dataclass(frozen=True)
class ComponentType:
    """A component type, as far as its manifest tells."""

    label: str
    in_ports: Mapping[str, Fields]
    """Empty for a trigger."""
    out_ports: tuple[str, ...]
    """Without the one for errors."""
    properties: Fields


def component_type(manifest: Mapping[str, Any]) -> ComponentType:
    """Read a manifest, as the API sends it; what is not well-formed in it counts as absent."""
    return ComponentType(
        label=str(manifest.get("label") or ""),
        in_ports={name: _fields(port) for name, port in _ports(manifest.get("inPorts"))},
        out_ports=tuple(name for name, _ in _ports(manifest.get("outPorts"))),
        properties=_fields(manifest.get("properties")),
    )


def _ports(found: object) -> Iterable[tuple[str, object]]:
    for port in cast("list[object]", found) if isinstance(found, list) else []:
        name = port.get("name") if is_map(port) else port
        if isinstance(name, str):
            yield name, port


def _fields(part: object) -> Fields:
    if not is_map(part) or part.get("source"):  # which tells at run time what there is
        return None
    inspector, schema = part.get("inspector"), part.get("schema")
    if is_map(inspector) and inspector.get("source"):
        return None
    inputs = inspector.get("inputs") if is_map(inspector) else None
    properties = schema.get("properties") if is_map(schema) else None
    names = {*(inputs if is_map(inputs) else ()), *(properties if is_map(properties) else ())}
    return frozenset(names) or None
