"""A descriptor on its way from one state to the next, which finds components by what one says."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import check_entries, is_map, link_transforms
from appmixer_mcp.errors import InputError
from appmixer_mcp.flow_diff import component_name

from .component_types import ERROR_PORT, ComponentType
from .links import Entry, Link, links_of
from .variables import split, variables_in

_LISTED = 20  # of a flow's components, in a message


@dataclass(frozen=True)
class Edited:
    """What became of a descriptor."""

    descriptor: dict[str, Any]
    ids: dict[str, str]
    """What a new component was called in the operations -> its id."""
    warnings: list[str]
    """What is legal and yet may not have been meant."""


@dataclass(frozen=True)
class Reference:
    """A place in which one component names another."""

    by: str
    """The component that does, by id."""
    link: Link
    variable: str
    """Empty where it is the link itself."""


@dataclass
class Draft:
    """A descriptor that operations change, one after the other; see `Edited`."""

    entries: dict[str, Any]
    types: Mapping[str, ComponentType | None]
    """What is known of types; None for one that the tenant does not have."""
    ids: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])
    touched: set[str] = field(default_factory=set[str])
    """Whose entries the present operation has changed."""
    _own: set[str] = field(default_factory=set[str])
    _names: dict[str, list[str]] | None = None

    def changing(self, component_id: str) -> Entry:
        """Return an entry that may be changed, without a change to the descriptor it came from."""
        if component_id not in self._own:
            problems = check_entries({component_id: self.entries[component_id]}, most=1)
            if problems:
                raise InputError(
                    f"{self.shown(component_id)} is malformed: {problems[0].message} update_flow "
                    "can mend it."
                )
            self.entries[component_id] = copy.deepcopy(self.entries[component_id])
            self._own.add(component_id)
        self._names = None
        self.touched.add(component_id)
        return cast("Entry", self.entries[component_id])

    def add(self, component_id: str, entry: Entry) -> None:
        """Add a component."""
        self.entries[component_id] = entry
        self._own.add(component_id)
        self._names = None
        self.touched.add(component_id)

    def remove(self, component_id: str) -> None:
        """Remove a component, to which nothing may refer any more."""
        del self.entries[component_id]
        self._names = None
        self.touched.discard(component_id)

    def find(self, name: str) -> str:
        """Return the id of the component that a name, a label or an id stands for.

        Raises:
            InputError: There is none or more than one; says which there are.
        """
        found = self.meant_by(name)
        if not found:
            raise InputError(f"The flow has no component {quoted(name)}; it has {self.listed()}.")
        if len(found) > 1:
            each = ", ".join(f"{one} ({self.type_of(one)})" for one in found[:_LISTED])
            raise InputError(
                f"{quoted(name)} is the label of {len(found)} components; name one by its id: "
                f"{each}."
            )
        return found[0]

    def is_taken(self, name: str) -> bool:
        """Say whether a name stands for a component already."""
        return bool(self.meant_by(name))

    def variable(self, text: str) -> str | None:
        """Return the variable that `Label.port.path` stands for; None when it begins with no label.

        Raises:
            InputError: The label is there twice, or the port is missing or unknown.
        """
        heads = [text, *(text[:at] for at in range(len(text) - 1, 0, -1) if text[at] == ".")]
        name = next((head for head in heads if self.meant_by(head)), None)
        if name is None:
            return None
        component_id = self.find(name)
        port, dot, path = text[len(name) + 1 :].partition(".")
        if not port:
            raise InputError(f"{quoted(text)} names no out port; write {{{{Label.port.path}}}}.")
        return f"$.{component_id}.{self.out_port(component_id, port)}{dot}{path}"

    def entry(self, component_id: str) -> Mapping[str, Any]:
        """Return an entry to look at; an empty one in place of what is none."""
        entry = self.entries[component_id]
        return entry if is_map(entry) else {}

    def type_of(self, component_id: str) -> str:
        """Return a component's type."""
        return str(self.entry(component_id).get("type"))

    def known(self, component_id: str) -> ComponentType | None:
        """Return what is known of a component's type."""
        return self.types.get(self.type_of(component_id))

    def shown(self, component_id: str) -> str:
        """Return a component as messages name it."""
        return component_name(self.entries, component_id)

    def links(self, component_id: str) -> list[Link]:
        """Return the links that end at a component."""
        return links_of(self.entry(component_id))

    def told(self, component_id: str, link: Link) -> str:
        """Return a link that ends at a component as messages show it."""
        sender = self.shown(link.sender)
        return f"{sender}.{link.out_port} -> {self.shown(component_id)}.{link.in_port}"

    def references(self, component_id: str) -> Iterator[Reference]:
        """Yield where other components name one: links, then variables."""
        for by in self.entries:
            if by == component_id:
                continue
            for link in self.links(by):
                if link.sender == component_id:
                    yield Reference(by, link, "")
            for path, transform in link_transforms(self.entry(by)):
                for variable in variables_in(transform):
                    if split(variable)[0] == component_id:
                        yield Reference(by, Link(*path), variable)

    def out_port(self, component_id: str, port: str = "") -> str:
        """Return an out port of a component, by default its only one.

        Raises:
            InputError: It is known not to have this one, or has not just one.
        """
        known = self.known(component_id)
        ports = known.out_ports if known else ()
        if not port and len(ports) == 1:
            return ports[0]
        if not port or (known and port not in (*ports, ERROR_PORT)):
            raise InputError(self._no_port(component_id, port, "out", (*ports, ERROR_PORT)))
        return port

    def in_port(self, component_id: str, port: str = "") -> str:
        """Return an in port of a component, by default its only one.

        Raises:
            InputError: It is known not to have this one, or has not just one.
        """
        known = self.known(component_id)
        ports = [*known.in_ports] if known else []
        if known and not ports:
            raise InputError(f"Nothing can be sent to {self.shown(component_id)}: it is a trigger.")
        if not port and len(ports) == 1:
            return ports[0]
        if not port or (known and port not in ports):
            raise InputError(self._no_port(component_id, port, "in", ports))
        return port

    def _no_port(self, component_id: str, port: str, way: str, ports: Sequence[str]) -> str:
        name = self.shown(component_id)
        if self.known(component_id) is None:
            kind = self.type_of(component_id)
            known_not = (
                f"The tenant has no component of the type {quoted(kind)}; search_components "
            )
            begin = f"{known_not}finds those it has. " if kind in self.types else ""
            return (
                f"{begin}The ports of {name} are not known here; name its {way} port as {way}_port."
            )
        has = f"{way} ports are {', '.join(ports)}"
        if port:
            return f"{name} has no {way} port {quoted(port)}; its {has}."
        return f"Name an {way} port of {name}; its {has}."

    def meant_by(self, name: str) -> list[str]:
        """Return the ids of the components that a name stands for; may be empty."""
        if name in self.entries:
            return [name]
        if self._names is None:
            self._names = {}
            for one in self.entries:
                self._names.setdefault(self.name(one).casefold(), []).append(one)
        called = self._names.get(name.casefold(), [])
        exactly = [one for one in called if self.name(one) == name]
        made = [one for one in (self.ids.get(name),) if one in self.entries]
        return list(dict.fromkeys([*made, *exactly])) or called

    def name(self, component_id: str) -> str:
        """Return what a component is called: its label, or the last word of its type."""
        label = self.entry(component_id).get("label")
        return str(label or self.type_of(component_id).rpartition(".")[2])

    def listed(self) -> str:
        """Return the components there are, as messages name them."""
        names = [self.shown(one) for one in islice(self.entries, _LISTED)]
        more = f" and {len(self.entries) - _LISTED} more" if len(self.entries) > _LISTED else ""
        return (", ".join(names) + more) or "none"
