"""What a component of a flow can refer to: the outputs of every component that comes before it.

Source: documented, and observed through a client; that a component before contributes just the out
ports by which one gets to the component that asks is ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from appmixer_mcp.descriptor import Problem, link_transforms, source_links
from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.expressions import variables
from appmixer_mcp.sandbox.flows import ERROR_PORT
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler

MOST_VARIABLES = 50_000
"""Most variables in one answer (ours): in a long chain each component sees all before it."""
_NAMED = 10  # in a message
_ON_ERROR = ("error", "error.message", "error.code", "error.name", "input")

Output = tuple[str, str]
"""(component id, out port)"""


class Choice(TypedDict):
    """A value that can be chosen for a field."""

    label: str
    value: Json


class DynamicVariable(TypedDict):
    """Something that a component before sends."""

    componentId: str
    hardwired: bool
    label: str
    port: str
    value: str
    schema: NotRequired[dict[str, Json]]


class LinkVariables(TypedDict):
    """What can be put into the fields of a link."""

    static: dict[str, list[Choice]]
    dynamic: list[DynamicVariable]


class Link(TypedDict):
    """A link's fields and variables."""

    inspector: dict[str, Json]
    variables: LinkVariables


class PropertyVariables(TypedDict):
    """What can be chosen for properties."""

    static: dict[str, list[Choice]]


class Properties(TypedDict):
    """A component's properties."""

    inspector: dict[str, Json]
    variables: PropertyVariables
    schema: dict[str, Json]


class ComponentVariables(TypedDict):
    """What one component can refer to; links are by in port, component id and out port."""

    links: NotRequired[dict[str, dict[str, dict[str, Link]]]]
    properties: NotRequired[Properties]


class FlowVariables:
    """Tells about one descriptor, which has been saved and so is well-formed."""

    def __init__(self, descriptor: Mapping[str, Json]) -> None:
        self._descriptor = descriptor
        self._told = 0

    def of(self, component_id: str, *, links: bool, properties: bool) -> ComponentVariables:
        """Return what a component of the flow can refer to.

        Raises:
            InputError: There is too much to tell.
        """
        entry = self._descriptor[component_id]
        component = components.find(entry["type"])
        manifest = {} if component is None else component.manifest()
        shown: ComponentVariables = {}
        if links:
            shown["links"] = self._links(entry, manifest)
        if properties:
            part = manifest.get("properties", {})
            shown["properties"] = {
                "inspector": {**_inspector(part), "errors": {"inputs": {}}},
                "variables": {"static": _choices(part)},
                "schema": part.get("schema", {}),
            }
        return shown

    def _links(
        self, entry: Mapping[str, Json], manifest: Mapping[str, Json]
    ) -> dict[str, dict[str, dict[str, Link]]]:
        ports = {port["name"]: port for port in manifest.get("inPorts", ())}
        shown: dict[str, dict[str, dict[str, Link]]] = {}
        for in_port, source_id, out_port in source_links(entry.get("source")):
            port = ports.get(in_port, {})
            shown.setdefault(in_port, {}).setdefault(source_id, {})[out_port] = {
                "inspector": _inspector(port),
                "variables": {
                    "static": _choices(port),
                    "dynamic": self._dynamic((source_id, out_port)),
                },
            }
        return shown

    def _dynamic(self, direct: Output) -> list[DynamicVariable]:
        found: list[DynamicVariable] = []
        for component_id, port in self._upstream(direct):
            entry, hardwired = self._descriptor[component_id], (component_id, port) == direct
            found += _variables(entry, component_id, port, hardwired=hardwired)
            if self._told + len(found) > MOST_VARIABLES:
                raise InputError(
                    f"The flow has more than {MOST_VARIABLES:,} variables. Name some components in "
                    "components.IDs."
                )
        self._told += len(found)
        return found

    def _upstream(self, direct: Output) -> Iterator[Output]:
        """Yield an output and those before it, the nearest first, each once."""
        waiting, seen = [direct], {direct}
        for component_id, port in waiting:  # which grows meanwhile
            entry = self._descriptor.get(component_id)
            if entry is None:
                continue
            yield component_id, port
            for _, source_id, out_port in source_links(entry.get("source")):
                if (source_id, out_port) not in seen:
                    seen.add((source_id, out_port))
                    waiting.append((source_id, out_port))


def variable_problems(descriptor: Mapping[str, Json]) -> list[Problem]:
    """Return each variable that leads to nothing that its component is known to send.

    Components that do not tell what they send can send anything. A flow with such a variable can
    start: here it resolves to nothing.
    """
    found: list[Problem] = []
    for component_id, entry in descriptor.items():
        for name, source_id, port, path in _references(entry):
            known = _paths(descriptor[source_id], port) if source_id in descriptor else []
            if path and known and not any(_leads_to(path, one) for one in known):
                variable = f"$.{source_id}.{port}.{path}"
                message = (
                    f"Input field {name} contains invalid variable {variable}: it is none of "
                    f"{', '.join(known[:_NAMED])}."
                )
                found.append(Problem(component_id, message, "variable"))
    return found


def _references(entry: Mapping[str, Json]) -> Iterator[tuple[str, str, str, str]]:
    """Yield (field, component id, out port, path) of each variable in an entry's transforms."""
    links = set(source_links(entry.get("source")))
    for link, raw in link_transforms(entry):
        if link in links:
            for name, template in TransformCompiler().compile(raw).fields.entries:
                for one in dict.fromkeys(variables(template)):
                    yield name, one.component_id, one.port, ".".join(one.path)


def _leads_to(path: str, known: str) -> bool:
    return path == known or path.startswith(f"{known}.") or known.startswith(f"{path}.")


def _variables(
    entry: Mapping[str, Json], component_id: str, port: str, *, hardwired: bool
) -> list[DynamicVariable]:
    """Return a variable for each path of an out port, with what lies below, and the whole."""
    paths = _paths(entry, port)
    tops = [path for path in paths if not any(_is_below(path, other) for other in paths)]
    found: list[DynamicVariable] = []
    for path in tops:
        variable = _variable(component_id, port, path, path, hardwired=hardwired)
        below = [other.removeprefix(f"{path}.") for other in paths if _is_below(other, path)]
        if below:
            variable["schema"] = _schema(below)
        found.append(variable)
    return [*found, _variable(component_id, port, "", "Raw Output", hardwired=hardwired)]


def _variable(
    component_id: str, port: str, path: str, label: str, *, hardwired: bool
) -> DynamicVariable:
    whole = ".".join(("$", component_id, port, *([path] if path else [])))
    return {
        "componentId": component_id,
        "hardwired": hardwired,
        "label": label,
        "port": port,
        "value": f"{{{{{{{whole}}}}}}}",
    }


def _is_below(path: str, other: str) -> bool:
    return path.startswith(f"{other}.")


def _schema(paths: Sequence[str]) -> dict[str, Json]:
    """Return the JSON schema of an object with these paths; of what type they are is not known."""
    below: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        below.setdefault(name, []).extend([rest] if rest else [])
    return {
        "type": "object",
        "properties": {name: _schema(rest) if rest else {} for name, rest in below.items()},
    }


def _paths(entry: Mapping[str, Json], port: str) -> list[str]:
    """Return the paths below an out port that a component tells of; empty when it tells nothing."""
    if port == ERROR_PORT:
        return list(_ON_ERROR)
    component = components.find(entry["type"])
    if component is None:
        return []
    fixed = [path for one in component.out_ports if one.name == port for path in one.variables]
    return list(dict.fromkeys([*fixed, *_further(component, port, entry)]))


def _further(component: Component, port: str, entry: Mapping[str, Json]) -> Sequence[str]:
    if component.further_variables is None:
        return ()
    try:
        return component.further_variables(port, entry)
    except Exception:  # noqa: BLE001 - a component may raise anything on a draft
        return ()


def _inspector(part: Mapping[str, Json]) -> dict[str, Json]:
    found: Mapping[str, Json] = part.get("inspector") or {}
    return {"inputs": found.get("inputs", {}), "groups": found.get("groups", {})}


def _choices(part: Mapping[str, Json]) -> dict[str, list[Choice]]:
    """Return field -> the values that its manifest offers; fields without are left out."""
    inputs: Mapping[str, Json] = _inspector(part)["inputs"]
    return {
        name: [
            {"label": str(one.get("content", one.get("label", ""))), "value": one.get("value")}
            for one in field["options"]
        ]
        for name, field in inputs.items()
        if field.get("options")
    }
