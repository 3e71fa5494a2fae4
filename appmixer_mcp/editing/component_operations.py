"""The operations on components: add, remove, rename, configure, move, replace, handle errors."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import link_transforms
from appmixer_mcp.errors import InputError

from .component_types import Fields
from .draft import Draft, Reference
from .links import Link, add_link, map_at, remove_link, set_transform
from .operation import Operation
from .variables import renamed, split

STEP_X, STEP_Y = 192, 128
_FIRST_X, _FIRST_Y = 64, 16
_NEAR_X, _NEAR_Y = 96, 64  # closer than this, two components lie on each other
_LISTED = 10  # of what refers to a component, in a message


def new_component(
    draft: Draft, one: Operation, make_id: Callable[[], str], place: tuple[float, float]
) -> str:
    """Add the component that an operation describes, and return its id."""
    kind = one.text("type")
    known = draft.types.get(kind)
    name = one.text("component") or one.text("label") or (known.label if known else "")
    name = name or kind.rpartition(".")[2]
    if one.text("component") and draft.is_taken(name):
        raise InputError(f"{quoted(name)} is a component already; call the new one otherwise.")
    if name in draft.ids:
        raise InputError(f"Two new components are called {quoted(name)}; give each a `component`.")
    if known is None and kind in draft.types:
        draft.warnings.append(f"This tenant has no component of the type {quoted(kind)}.")
    label = one.text("label") or name
    component_id = make_id()
    if draft.is_taken(label):
        draft.warnings.append(
            f"There is more than one {quoted(label)} now; only its id tells it from the others."
        )
    x, y = _free(draft, *place)
    entry: dict[str, Any] = {"type": kind, "label": label, "x": x, "y": y, "source": {}}
    draft.add(component_id, entry)
    draft.ids[name] = component_id
    if one.object("properties"):
        configure(draft, component_id, one.object("properties"))
    return component_id


def place_of_new(draft: Draft, one: Operation) -> tuple[float, float]:
    """Return where a new component goes: where it was put, behind its sender, or below all."""
    if "from" in one.values:
        x, y = place_of(draft, draft.find(one.text("from")))
        x += STEP_X
    else:
        rows = [place_of(draft, component_id)[1] for component_id in draft.entries]
        x, y = _FIRST_X, max(rows) + STEP_Y if rows else _FIRST_Y
    given_x, given_y = one.number_of("x"), one.number_of("y")
    return x if given_x is None else given_x, y if given_y is None else given_y


def place_of(draft: Draft, component_id: str) -> tuple[float, float]:
    """Return where a component is on the canvas."""
    entry = draft.entry(component_id)
    x, y = entry.get("x"), entry.get("y")
    return (
        x if isinstance(x, int | float) else _FIRST_X,
        y if isinstance(y, int | float) else _FIRST_Y,
    )


def remove(draft: Draft, one: Operation) -> None:
    """Remove a component that no other refers to."""
    component_id = draft.find(one.text("component"))
    references = list(draft.references(component_id))
    if references:
        listed = "; ".join(_told(draft, each) for each in islice(references, _LISTED))
        more = f"; and {len(references) - _LISTED} more" if len(references) > _LISTED else ""
        raise InputError(
            f"Others still refer to {draft.shown(component_id)}: {listed}{more}. Before it, "
            "disconnect them and set their fields anew, or replace it."
        )
    draft.remove(component_id)


def rename(draft: Draft, one: Operation) -> None:
    """Give a component another label."""
    component_id = draft.find(one.text("component"))
    label = one.text("label")
    draft.changing(component_id)["label"] = label
    if sum(entry.get("label") == label for entry in map(draft.entry, draft.entries)) > 1:
        draft.warnings.append(
            f"There is more than one {quoted(label)} now; only its id tells it from the others."
        )


def configure(draft: Draft, component_id: str, properties: Mapping[str, Any]) -> None:
    """Merge properties into those of a component; null removes one."""
    entry = draft.changing(component_id)
    merge(map_at(map_at(entry, "config"), "properties"), properties)
    known = draft.known(component_id)
    if known is not None:
        warn_of_unknown(draft, component_id, properties, known.properties, "property")


def handle_errors(draft: Draft, one: Operation) -> None:
    """Merge settings into what a component does when it fails."""
    entry = draft.changing(draft.find(one.text("component")))
    merge(map_at(entry, "errorHandling"), one.object("properties"))
    if not entry["errorHandling"]:
        del entry["errorHandling"]


def move(draft: Draft, one: Operation) -> None:
    """Put a component elsewhere on the canvas."""
    entry = draft.changing(draft.find(one.text("component")))
    entry["x"], entry["y"] = one.values["x"], one.values["y"]


def replace(draft: Draft, one: Operation) -> None:
    """Make everything that refers to a component refer to another one, but for that one itself."""
    old, new = draft.find(one.text("component")), draft.find(one.text("to"))
    references = [each for each in draft.references(old) if each.by != new]
    if old == new or not references:
        raise InputError(f"Nothing refers to {draft.shown(old)} that could refer to another one.")

    def port_for(port: str) -> str:
        return draft.out_port(new, one.text("out_port") or port)

    def rename_variable(variable: str) -> str:
        component_id, port, path = split(variable)
        return f"$.{new}.{port_for(port)}{path}" if component_id == old else variable

    for reference in references:
        if not reference.variable:
            port = port_for(reference.link.out_port)
            link = reference.link._replace(sender=new, out_port=port)
            relink(draft, reference.by, reference.link, link)
    for by in dict.fromkeys(reference.by for reference in references):
        entry = draft.changing(by)
        for path, each in list(link_transforms(entry)):
            set_transform(entry, Link(*path), renamed(each, rename_variable))


def relink(draft: Draft, component_id: str, old: Link, new: Link) -> bool:
    """Put a link in the place of another one; says whether it has a transform, which it keeps.

    Raises:
        InputError: It is there already, and one of the two would be lost.
    """
    if new in draft.links(component_id):
        raise InputError(
            f"{draft.told(component_id, new)} is there already, so one of two connections would "
            "be lost; disconnect one of them first."
        )
    entry = draft.changing(component_id)
    transform = remove_link(entry, old)
    add_link(entry, new)
    if transform is not None:
        set_transform(entry, new, transform)
    return transform is not None


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put values into a map; null removes."""
    for name, value in values.items():
        if value is None:
            into.pop(name, None)
        else:
            into[name] = value


def warn_of_unknown(
    draft: Draft, component_id: str, given: Mapping[str, Any], known: Fields, noun: str
) -> None:
    """Warn of names that the component's type does not list."""
    unknown = [] if known is None else [name for name in given if name not in known]
    if known is not None and unknown:
        names = ", ".join(map(quoted, unknown))
        draft.warnings.append(
            f"{draft.shown(component_id)} is not known to have the {noun} {names}; it has "
            f"{', '.join(sorted(known))}."
        )


def _told(draft: Draft, reference: Reference) -> str:
    if not reference.variable:
        return f"the connection {draft.told(reference.by, reference.link)}"
    return f"the variable {quoted(reference.variable)} in {draft.shown(reference.by)}"


def _free(draft: Draft, x: float, y: float) -> tuple[float, float]:
    """Return a place at which nothing is, this one or one below it."""
    rows = [
        row
        for column, row in (place_of(draft, one) for one in draft.entries)
        if abs(column - x) < _NEAR_X
    ]
    while any(abs(row - y) < _NEAR_Y for row in rows):
        y += STEP_Y
    return x, y
