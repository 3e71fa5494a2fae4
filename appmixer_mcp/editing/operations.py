"""Carries out a list of operations on a descriptor, all or none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

from appmixer_mcp.descriptor import check_descriptor, check_entries
from appmixer_mcp.errors import InputError

from . import component_operations as on_components
from . import link_operations as on_links
from .circles import new_circles
from .component_types import ComponentType
from .draft import Draft, Edited
from .expressions import heads_in
from .operation import KINDS, Operation, parsed

OPERATIONS = tuple(KINDS)
"""The names of the operations there are."""
_MOST_WARNED = 5  # of circles
_MOST_OF_A_CIRCLE = 10

Carry = Callable[[Draft, Operation], None]


def edit(
    descriptor: Mapping[str, Any],
    operations: Sequence[Mapping[str, Any]],
    types: Mapping[str, ComponentType | None],
    make_id: Callable[[], str] = lambda: str(uuid4()),
) -> Edited:
    """Return what operations make of a descriptor, which itself stays as it is.

    Args:
        descriptor: Component id to component entry.
        operations: In their order; each sees what those before it did.
        types: What is known of component types; None stands for one that the tenant does not have.
            Ports and fields of a type that is not in it are not checked.
        make_id: Gives the ids of new components and of bindings.

    Raises:
        InputError: An operation cannot be carried out; says which, why, and what could.
    """
    draft = Draft(dict(descriptor), types)
    for one in parsed(operations):
        draft.touched.clear()
        try:
            _carry_out(draft, one, make_id)
        except InputError as error:
            raise InputError(
                f"Operation {one.number} ({one.op}): {error} Nothing was changed."
            ) from None
    _refuse_unsound(descriptor, draft)
    circles = sorted(new_circles(descriptor, draft.entries))[:_MOST_WARNED]
    warnings = [f"The flow now has a circle: {_circle(draft, one)}." for one in circles]
    ids = {name: one for name, one in draft.ids.items() if one in draft.entries}
    return Edited(draft.entries, ids, [*draft.warnings, *warnings])


def types_named(
    descriptor: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the component types that operations may have to do with, each once.

    A component counts when its id, its label or the end of its type is a text in them, or begins
    an expression.
    """
    kinds = [str(one["type"]) for one in operations if isinstance(one.get("type"), str)]
    kinds_of: dict[str, list[str]] = {}
    for component_id, entry in descriptor.items():
        known = cast("dict[str, object]", entry if isinstance(entry, dict) else {})
        kind = str(known.get("type"))
        name = str(known.get("label") or kind.rpartition(".")[2])
        for one in {component_id.casefold(), name.casefold()}:
            kinds_of.setdefault(one, []).append(kind)
    for text in _texts(list(operations)):
        for name in heads_in(text.casefold()):
            kinds += kinds_of.pop(name, ())
    return list(dict.fromkeys(kinds))


def _carry_out(draft: Draft, one: Operation, make_id: Callable[[], str]) -> None:
    if one.op == "configure":
        component_id = draft.find(one.text("component"))
        on_components.configure(draft, component_id, one.object("properties"))
    elif one.op in _ON_LINKS:
        _ON_LINKS[one.op](draft, one, make_id)
    else:
        _ON_COMPONENTS[one.op](draft, one)
    problems = check_entries({each: draft.entries[each] for each in draft.touched}, most=1)
    if problems:
        name = draft.shown(problems[0].component_id)
        raise InputError(f"{name}: {problems[0].message}")


def _refuse_unsound(before: Mapping[str, Any], draft: Draft) -> None:
    known = set(check_descriptor(before))
    problems = [one for one in check_descriptor(draft.entries) if one not in known]
    if problems:
        raise InputError(
            "The flow would be malformed, so nothing was changed. "
            + " ".join(f"{draft.shown(one.component_id)}: {one.message}" for one in problems)
        )


def _circle(draft: Draft, path: list[str]) -> str:
    names = [draft.shown(one) for one in path[:_MOST_OF_A_CIRCLE]]
    more = ["…"] if len(path) > len(names) else []
    return " -> ".join([*names, *more, names[0]])


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _texts(one)
    elif isinstance(value, dict):
        yield from _texts([*cast("dict[str, object]", value).values()])


_ON_LINKS: Mapping[str, Callable[[Draft, Operation, Callable[[], str]], None]] = {
    "add": on_links.add,
    "connect": on_links.connect,
    "disconnect": lambda draft, one, _: on_links.disconnect(draft, one),
    "insert": on_links.insert,
    "set": on_links.set_fields,
}
_ON_COMPONENTS: Mapping[str, Carry] = {
    "remove": on_components.remove,
    "rename": on_components.rename,
    "error_handling": on_components.handle_errors,
    "move": on_components.move,
    "replace": on_components.replace,
}
