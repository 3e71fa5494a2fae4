"""From a flow descriptor to a checked graph: what the engine runs, or everything that is wrong.

Source: rules as documented; the wording of messages and their keywords are ours, but for
"Input field … is required" and "Input field … contains invalid variable".
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal

from appmixer_mcp.descriptor import Problem, check_descriptor, link_transforms, source_links
from appmixer_mcp.sandbox.catalogue import unknown_type
from appmixer_mcp.sandbox.component import Component, Field, InPort
from appmixer_mcp.sandbox.context import Json, Outputs
from appmixer_mcp.sandbox.expressions import Object, Transform, variables
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.transform_compiler import TransformCompiler, TransformProblem

ERROR_PORT = "error"
"""The out port that every component has beside those in its manifest."""
MOST_PROBLEMS = 1_000
"""So many are told of one descriptor (ours): nobody reads more."""

Library = Callable[[str], Component | None]
WhyNot = Callable[[str], str]
"""Says, of a component type that the library does not have, why it cannot run."""


@dataclass(frozen=True, slots=True)
class Link:
    """From an out port to an in port."""

    source_id: str
    out_port: str
    target_id: str
    in_port: str


@dataclass(frozen=True, kw_only=True)
class ErrorHandling:
    """What is done when a component fails."""

    auto_retry: bool = True
    max_retries: int | None = None
    """None is the tenant's own limit."""
    on_error: Literal["storeUnprocessed", "errorPort", "stopFlow"] = "storeUnprocessed"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One component of a flow."""

    id: str
    label: str
    component: Component
    properties: Mapping[str, Json]
    """`config.properties`, with the manifest's defaults filled in."""
    error_handling: ErrorHandling
    transforms: Mapping[tuple[str, str, str], Transform]
    """(in port, source id, out port) -> transform; contents of other links pass unchanged."""

    @cached_property
    def in_ports(self) -> Mapping[str, InPort]:
        """The in ports by name."""
        return {port.name: port for port in self.component.in_ports}

    @cached_property
    def out_ports(self) -> frozenset[str]:
        """The names of the out ports, the virtual `error` port included."""
        return frozenset((*(port.name for port in self.component.out_ports), ERROR_PORT))


@dataclass(frozen=True)
class Graph:
    """A flow descriptor that can run."""

    nodes: Mapping[str, Node]
    links: tuple[Link, ...]

    def outgoing(self, component_id: str, out_port: str) -> Iterable[Link]:
        """Return the links that leave an out port; empty when none does."""
        return self._outgoing.get((component_id, out_port), ())

    def needed_outputs(self, component_id: str, outputs: Outputs) -> dict[str, dict[str, Json]]:
        """Return those outputs that this component, or any after it, can still refer to.

        Messages carry no more than that, so that a long chain of components costs no more for its
        last message than for its first.
        """
        needed = self._needs.get(component_id, 0)
        kept: dict[str, dict[str, Json]] = {}
        for source_id, ports in outputs.items():
            for port, content in ports.items():
                bit = self._reference_bits.get((source_id, port))
                if bit is not None and needed >> bit & 1:
                    kept.setdefault(source_id, {})[port] = content
        return kept

    @cached_property
    def _outgoing(self) -> dict[tuple[str, str], list[Link]]:
        outgoing: dict[tuple[str, str], list[Link]] = defaultdict(list)
        for link in self.links:
            outgoing[link.source_id, link.out_port].append(link)
        return dict(outgoing)

    @cached_property
    def _reference_bits(self) -> dict[tuple[str, str], int]:
        bits: dict[tuple[str, str], int] = {}
        for node in self.nodes.values():
            for reference in _references(node):
                bits.setdefault(reference, len(bits))
        return bits

    @cached_property
    def _needs(self) -> dict[str, int]:
        """Component id -> a bit for each output that it or a component after it refers to."""
        own = {
            node.id: sum({1 << self._reference_bits[one] for one in _references(node)})
            for node in self.nodes.values()
        }
        after: dict[str, list[str]] = {node_id: [] for node_id in self.nodes}
        for link in self.links:
            after[link.source_id].append(link.target_id)
        return _reach(own, after)


def check(
    descriptor: Mapping[str, Json], find: Library, why_not: WhyNot = unknown_type
) -> list[Problem]:
    """Return what keeps a flow from starting, at most `MOST_PROBLEMS`; empty when it can start."""
    return list(islice(_Check(descriptor, find, why_not).problems(), MOST_PROBLEMS))


def build(descriptor: Mapping[str, Json], find: Library) -> Graph:
    """Return the graph of a descriptor in which `check` finds nothing."""
    nodes: dict[str, Node] = {}
    links: list[Link] = []
    for component_id, entry in descriptor.items():
        component = find(entry["type"])
        if component is None:
            raise LookupError(entry["type"])
        nodes[component_id] = Node(
            id=component_id,
            label=entry.get("label") or component.label,
            component=component,
            properties=_with_defaults(component.properties, _config(entry, "properties")),
            error_handling=_error_handling(entry.get("errorHandling") or {}),
            transforms={
                path: TransformCompiler().compile(raw) for path, raw in link_transforms(entry)
            },
        )
        links += (
            Link(source_id, out_port, component_id, in_port)
            for in_port, source_id, out_port in source_links(entry.get("source"))
        )
    return Graph(nodes, tuple(links))


def from_one_on(descriptor: Mapping[str, Json], component_id: str) -> dict[str, Json]:
    """Return the part of a descriptor that a component and everything after it make up.

    Links that come from outside of it stay and lead nowhere; empty without that component.
    """
    after: dict[str, list[str]] = defaultdict(list)
    for key, entry in descriptor.items():
        for _, source_id, _ in source_links(entry.get("source")):
            after[source_id].append(key)
    found, waiting = dict[str, Json](), [component_id]
    while waiting:
        key = waiting.pop()
        if key in descriptor and key not in found:
            found[key] = descriptor[key]
            waiting += after[key]
    return found


class _Check:
    """Looks at one descriptor."""

    def __init__(self, descriptor: Mapping[str, Json], find: Library, why_not: WhyNot) -> None:
        self._descriptor = descriptor
        self._why_not = why_not
        self._entries = {key: entry for key, entry in descriptor.items() if is_object(entry)}
        self._components: dict[str, Component] = {}
        for key, entry in self._entries.items():
            component_type = entry.get("type")
            component = find(component_type) if isinstance(component_type, str) else None
            if component is not None:
                self._components[key] = component

    def problems(self) -> Iterator[Problem]:
        yield from check_descriptor(self._descriptor)
        if not any(component.trigger for component in self._components.values()):
            message = "The flow has no trigger: a component without in ports, such as OnStart."
            yield Problem("", message, "trigger")
        for key, entry in self._entries.items():
            component = self._components.get(key)
            if component is None:
                if isinstance(entry.get("type"), str):
                    yield Problem(key, self._why_not(entry["type"]), "type")
                continue
            yield from self._links(key, entry, component)
            yield from self._transforms(key, entry, component)
            yield from _property_problems(key, entry, component)

    def _links(self, key: str, entry: Mapping[str, Json], component: Component) -> Iterator[
        Problem
    ]:  # fmt: skip
        in_ports = {port.name: port for port in component.in_ports}
        arriving: dict[str, int] = defaultdict(int)
        for in_port, source_id, out_port in source_links(entry.get("source")):
            arriving[in_port] += 1
            source = self._components.get(source_id)
            known = [*(port.name for port in source.out_ports), ERROR_PORT] if source else []
            if source is not None and out_port not in known:
                message = (
                    f"`source.{in_port}` names the out port {out_port!r}, which {source_id} does "
                    f"not have; use {' or '.join(known)}."
                )
                yield Problem(key, message, "source")
        for in_port, count in arriving.items():
            port = in_ports.get(in_port)
            if port is None:
                has = " or ".join(in_ports) or "none, as it is a trigger"
                message = f"`source` names the in port {in_port!r}; {component.type} has {has}."
                yield Problem(key, message, "source")
            elif port.max_connections is not None and count > port.max_connections:
                message = (
                    f"The in port {in_port!r} takes {port.max_connections} connection(s) but has "
                    f"{count}; bring them together with appmixer.utils.controls.Join."
                )
                yield Problem(key, message, "maxConnections")

    def _transforms(self, key: str, entry: Mapping[str, Json], component: Component) -> Iterator[
        Problem
    ]:  # fmt: skip
        in_ports = {port.name: port for port in component.in_ports}
        for (in_port, _, _), raw in link_transforms(entry):
            compiler = TransformCompiler()
            transform = compiler.compile(raw)
            for problem in compiler.problems:
                yield Problem(key, problem.message, problem.keyword)
            for problem in self._reference_problems(key, transform):
                yield Problem(key, problem.message, problem.keyword)
            port = in_ports.get(in_port)
            if port is not None and not transform.extends:
                yield from _missing(key, port.fields, raw.get("lambda"))

    def _reference_problems(self, key: str, transform: Transform) -> Iterator[TransformProblem]:
        for name, template in transform.fields.entries:
            for variable in dict.fromkeys(variables(template)):
                reason = self._unusable(key, variable.component_id, variable.port)
                if reason:
                    path = ".".join(("$", variable.component_id, variable.port, *variable.path))
                    message = f"Input field {name} contains invalid variable {path}: {reason}."
                    yield TransformProblem(name, message, "variable")

    def _unusable(self, key: str, source_id: str, port: str) -> str:
        if source_id not in self._entries:
            return f"the flow has no component {source_id!r}"
        if not self._upstream.get(key, 0) >> self._bits[source_id] & 1:
            return f"{source_id} does not come before this component"
        source = self._components.get(source_id)
        known = [ERROR_PORT, *(one.name for one in source.out_ports)] if source else [port]
        return "" if port in known else f"{source_id} has no out port {port!r}"

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {key: bit for bit, key in enumerate(self._entries)}

    @cached_property
    def _upstream(self) -> dict[str, int]:
        """Component id -> a bit for each component that comes before it."""
        before = {
            key: list(dict.fromkeys(
                source_id for _, source_id, _ in source_links(entry.get("source"))
                if source_id in self._entries
            ))
            for key, entry in self._entries.items()
        }  # fmt: skip
        direct = {
            key: sum(1 << self._bits[source_id] for source_id in sources)
            for key, sources in before.items()
        }
        return _reach(direct, before)


def _property_problems(
    key: str, entry: Mapping[str, Json], component: Component
) -> Iterator[Problem]:
    given = _with_defaults(component.properties, _config(entry, "properties"))
    missing = list(_missing(key, component.properties, given))
    yield from missing
    if missing:
        return
    try:
        messages = component.check(given)
    except Exception as error:  # noqa: BLE001 - a component may raise anything
        messages = [f"The properties of {component.type} cannot be checked: {error!r}."]
    for message in messages:
        yield Problem(key, message, "properties")


def _missing(key: str, fields: Iterable[Field], given: Json) -> Iterator[Problem]:
    for one in fields:
        value = given.get(one.name, one.default) if is_object(given) else None
        if one.required and value in (None, ""):
            yield Problem(key, f"Input field {one.name} is required", "required")


def _with_defaults(fields: Iterable[Field], given: Mapping[str, Json]) -> dict[str, Json]:
    defaults = {one.name: one.default for one in fields if one.default is not None}
    return defaults | {name: value for name, value in given.items() if value is not None}


def _config(entry: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    config = entry.get("config")
    value = config.get(key) if is_object(config) else None
    return value if is_object(value) else {}


def _error_handling(raw: Mapping[str, Json]) -> ErrorHandling:
    return ErrorHandling(
        auto_retry=raw.get("autoRetry", True),
        max_retries=raw.get("maxRetries"),
        on_error=raw.get("onError", "storeUnprocessed"),
    )


def _references(node: Node) -> list[tuple[str, str]]:
    return [
        (variable.component_id, variable.port)
        for transform in node.transforms.values()
        for variable in variables(Object(transform.fields.entries))
    ]


def _reach(own: Mapping[str, int], neighbours: Mapping[str, list[str]]) -> dict[str, int]:
    """Return for each node its own bits and those of every node that can be reached from it.

    Neighbours are visited before the nodes that need them, so that one round settles a flow
    without cycles and each cycle costs a few more.
    """
    reached = dict(own)
    order = _neighbours_first(neighbours)
    changed = True
    while changed:
        changed = False
        for key in order:
            bits = reached[key]
            for neighbour in neighbours[key]:
                bits |= reached[neighbour]
            if bits != reached[key]:
                reached[key] = bits
                changed = True
    return reached


def _neighbours_first(neighbours: Mapping[str, list[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for root in neighbours:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(neighbours[root]))]
        while stack:
            key, remaining = stack[-1]
            neighbour = next((one for one in remaining if one not in seen), None)
            if neighbour is None:
                order.append(key)
                stack.pop()
            else:
                seen.add(neighbour)
                stack.append((neighbour, iter(neighbours[neighbour])))
    return order
