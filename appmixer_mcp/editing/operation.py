"""What an operation is: one of a few kinds, with only those fields that its kind takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import is_map
from appmixer_mcp.errors import InputError

_OBJECTS = ("fields", "properties")
_NUMBERS = ("x", "y")


@dataclass(frozen=True)
class Kind:
    """The fields of one kind of operation."""

    needs: tuple[str, ...]
    may_have: tuple[str, ...] = ()

    def __str__(self) -> str:
        further = f", and if wanted {', '.join(self.may_have)}" if self.may_have else ""
        return ", ".join(self.needs) + further


KINDS: Mapping[str, Kind] = {
    "add": Kind(
        ("type",),
        ("component", "label", "properties", "x", "y", "from", "out_port", "in_port", "fields"),
    ),
    "remove": Kind(("component",)),
    "rename": Kind(("component", "label")),
    "configure": Kind(("component", "properties")),
    "connect": Kind(("from", "to"), ("out_port", "in_port", "fields")),
    "disconnect": Kind(("from", "to"), ("out_port", "in_port")),
    "insert": Kind(
        ("from", "to"),
        ("component", "type", "label", "properties", "out_port", "in_port", "fields"),
    ),
    "set": Kind(("component", "fields"), ("from", "out_port", "in_port")),
    "error_handling": Kind(("component", "properties")),
    "move": Kind(("component", "x", "y")),
    "replace": Kind(("component", "to"), ("out_port",)),
}
"""What each kind of operation takes, by its name."""


@dataclass(frozen=True)
class Operation:
    """One operation, checked for its form."""

    number: int
    """From 1."""
    op: str
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a text; empty when it was not given."""
        return str(self.values.get(name, ""))

    def object(self, name: str) -> Mapping[str, Any]:
        """Return an object; empty when it was not given."""
        return cast("Mapping[str, Any]", self.values.get(name, {}))

    def number_of(self, name: str) -> float | None:
        """Return a number, if it was given."""
        return self.values.get(name)


def parsed(operations: Sequence[Mapping[str, Any]]) -> list[Operation]:
    """Check the form of operations; values that are null count as not given.

    Raises:
        InputError: One is not of the form of its kind; says all that is wrong, and what it takes.
    """
    found: list[Operation] = []
    problems: list[str] = []
    for number, raw in enumerate(operations, start=1):
        values = {key: _value(key, one) for key, one in raw.items() if one is not None}
        op = values.pop("op", None)
        kind = KINDS.get(op) if isinstance(op, str) else None
        if kind is None:
            problems.append(f"Operation {number}: op must be one of {', '.join(KINDS)}.")
            continue
        wrong = _problem(kind, values)
        if wrong:
            problems.append(f"Operation {number} ({op}): {wrong} {op} takes {kind}.")
        found.append(Operation(number, str(op), values))
    if problems:
        raise InputError("\n".join([*problems, "Nothing was changed."]))
    return found


def _problem(kind: Kind, values: Mapping[str, Any]) -> str:
    missing = [name for name in kind.needs if name not in values]
    if missing:
        return f"{' and '.join(missing)} is missing."
    unknown = [name for name in values if name not in (*kind.needs, *kind.may_have)]
    if unknown:
        return f"it has no field {quoted(unknown[0])}."
    for name, value in values.items():
        if name in _OBJECTS:
            sound, form = is_map(value), "an object"
        elif name in _NUMBERS:
            sound, form = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:
            sound, form = isinstance(value, str) and bool(value.strip()), "a text"
        if not sound:
            return f"{name} must be {form}."
    return ""


def _value(name: str, value: object) -> object:
    """Read an object that a client sent as JSON text."""
    if name in _OBJECTS and isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
