"""The operations on links: connect, disconnect, insert a component, set the fields of one."""

from collections.abc import Callable, Mapping
from typing import Any

from appmixer_mcp.errors import InputError

from .component_operations import new_component, place_of, place_of_new, relink, warn_of_unknown
from .draft import Draft
from .expressions import Binder
from .links import Entry, Link, add_link, map_at, remove_link, set_transform, transform_of
from .operation import Operation

MakeId = Callable[[], str]


def add(draft: Draft, one: Operation, make_id: MakeId) -> None:
    """Add a component, and connect it where a sender is named."""
    of_link = [name for name in ("out_port", "in_port", "fields") if name in one.values]
    if of_link and "from" not in one.values:
        raise InputError(f"{of_link[0]} belongs to a connection: say `from` which component.")
    component_id = new_component(draft, one, make_id, place_of_new(draft, one))
    if "from" in one.values:
        sender = draft.find(one.text("from"))
        link = _between(draft, sender, component_id, one)
        _connect(draft, component_id, link, one.object("fields"), make_id)


def connect(draft: Draft, one: Operation, make_id: MakeId) -> None:
    """Connect two components."""
    sender, component_id = draft.find(one.text("from")), draft.find(one.text("to"))
    link = _between(draft, sender, component_id, one)
    if link in draft.links(component_id):
        raise InputError(f"{draft.told(component_id, link)} is there; set changes its fields.")
    _connect(draft, component_id, link, one.object("fields"), make_id)


def disconnect(draft: Draft, one: Operation) -> None:
    """Remove the link between two components, with its fields."""
    sender, component_id = draft.find(one.text("from")), draft.find(one.text("to"))
    link = _one_link(draft, component_id, sender, one.text("out_port"), one.text("in_port"))
    remove_link(draft.changing(component_id), link)


def insert(draft: Draft, one: Operation, make_id: MakeId) -> None:
    """Put a component between two connected ones; what the link does to messages stays."""
    sender, receiver = draft.find(one.text("from")), draft.find(one.text("to"))
    link = _one_link(draft, receiver, sender, "", "")
    if "type" in one.values:
        (x, y), (to_x, _) = place_of(draft, sender), place_of(draft, receiver)
        component_id = new_component(draft, one, make_id, ((x + to_x) // 2, y))
    else:
        component_id = _inserted(draft, one)
    if component_id in (sender, receiver):
        raise InputError(f"{draft.shown(component_id)} cannot be put between itself and another.")
    before = Link(draft.in_port(component_id, one.text("in_port")), sender, link.out_port)
    after = Link(link.in_port, component_id, draft.out_port(component_id, one.text("out_port")))
    _connect(draft, component_id, before, one.object("fields"), make_id)
    if not relink(draft, receiver, link, after):
        draft.warnings.append(
            f"{draft.shown(receiver)} got what {draft.shown(sender)} sends and now gets what "
            f"{draft.shown(component_id)} sends: its connection sets no fields."
        )


def set_fields(draft: Draft, one: Operation, make_id: MakeId) -> None:
    """Set some fields of a link; null removes one."""
    component_id = draft.find(one.text("component"))
    if not draft.links(component_id):
        raise InputError(
            f"No connection ends at {draft.shown(component_id)}, so it has no fields; connect "
            "takes fields too, and configure sets properties."
        )
    sender = draft.find(one.text("from")) if "from" in one.values else ""
    link = _one_link(draft, component_id, sender, one.text("out_port"), one.text("in_port"))
    _set(draft, component_id, link, one.object("fields"), make_id)


def _inserted(draft: Draft, one: Operation) -> str:
    if "component" not in one.values:
        raise InputError("Say what to insert: a type for a new one, or else a component.")
    if "label" in one.values or "properties" in one.values:
        raise InputError("label and properties are for a new component, which has a type.")
    return draft.find(one.text("component"))


def _between(draft: Draft, sender: str, component_id: str, one: Operation) -> Link:
    return Link(
        draft.in_port(component_id, one.text("in_port")),
        sender,
        draft.out_port(sender, one.text("out_port")),
    )


def _one_link(draft: Draft, component_id: str, sender: str, out_port: str, in_port: str) -> Link:
    """Return the link that is meant; an empty text stands for any.

    Raises:
        InputError: There is none or more than one; says which there are.
    """
    links = draft.links(component_id)
    wanted = Link(in_port, sender, out_port)
    found = [
        link
        for link in links
        if all(not part or part == own for part, own in zip(wanted, link, strict=True))
    ]
    if len(found) == 1:
        return found[0]
    told = ", ".join(draft.told(component_id, link) for link in found or links) or "none"
    if found:
        raise InputError(f"More than one connection is meant: {told}. Name from and ports.")
    raise InputError(f"There is no such connection; of {draft.shown(component_id)}: {told}.")


def _connect(
    draft: Draft, component_id: str, link: Link, fields: Mapping[str, Any], make_id: MakeId
) -> None:
    add_link(draft.changing(component_id), link)
    if fields:
        _set(draft, component_id, link, fields, make_id, is_new=True)


def _set(
    draft: Draft,
    component_id: str,
    link: Link,
    fields: Mapping[str, Any],
    make_id: MakeId,
    *,
    is_new: bool = False,
) -> None:
    entry = draft.changing(component_id)
    transform = transform_of(entry, link)
    if transform is None:
        transform = Entry(type="json2new", modifiers={}, **{"lambda": {}})
        set_transform(entry, link, transform)
        if not is_new:
            draft.warnings.append(
                f"{draft.told(component_id, link)} handed on all it got and now sends only the "
                "fields that were set."
            )
    binder = Binder(draft.variable, draft.listed, make_id)
    values = map_at(transform, "lambda")
    bindings: dict[str, Mapping[str, Any]] = transform.get("modifiers", {})
    for name, value in fields.items():
        found = bindings.pop(name, {})
        if value is None:
            values.pop(name, None)
            continue
        values[name], needed = binder.bind(value, found)
        if needed:
            bindings = map_at(transform, "modifiers")
            bindings[name] = needed
    known = draft.known(component_id)
    of_port = known.in_ports.get(link.in_port) if known else None
    warn_of_unknown(draft, component_id, fields, of_port, "field")
