"""What differs between two descriptors of a flow, in short lines that name components by label."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import is_map, source_links

_LONGEST_VALUE = 80
_BEFORE_THE_CHANGE = 20  # characters of a long value that are shown before where it changes
_MOST_LINES = 40
_PLACE = ("x", "y")

Entry = Mapping[str, Any]


def is_same(before: Any, after: Any) -> bool:
    """Say whether two JSON values are the same; to Python, 1 and true are."""
    if is_map(before) and is_map(after):
        return before.keys() == after.keys() and all(
            is_same(before[key], after[key]) for key in before
        )
    if isinstance(before, list) and isinstance(after, list):
        old, new = cast("list[object]", before), cast("list[object]", after)
        return len(old) == len(new) and all(map(is_same, old, new))
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def flow_diff(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    most: int = _MOST_LINES,
    whole: bool = False,
) -> list[str]:
    """Return one line for each difference; empty when there is none.

    Components that were added, removed and moved come first, then what changed within each.

    Args:
        before: A descriptor, component id to component entry.
        after: Likewise.
        most: So many lines at most; a last one then says how many more there are.
        whole: Whether to show what is in the components that were added, too.
    """
    lines = list(_differences(before, after, whole=whole))
    if len(lines) <= most:
        return lines
    return [*lines[:most], f"and {len(lines) - most} more differences"]


def component_name(descriptor: Mapping[str, Any], component_id: str) -> str:
    """Return how a person knows a component: by its label, with its id unless no other has it."""
    label = _label(descriptor.get(component_id))
    shared = sum(_label(entry) == label for entry in descriptor.values()) if label else 0
    return _called(label, component_id, shared)


def value_diff(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each leaf of two JSON values that differs, led by its path."""
    if is_map(before) and is_map(after):
        for key in [*before, *(key for key in after if key not in before)]:
            at = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield f"{_shown(at)} removed, was {_value(before[key])}"
            elif key not in before:
                yield f"{_shown(at)} = {_value(after[key])}"
            else:
                yield from value_diff(before[key], after[key], at)
    elif not is_same(before, after):
        yield f"{_shown(path)}: {_change(before, after)}"


class _Names:
    """What the components of a descriptor are called; there may be thousands."""

    def __init__(self, descriptor: Mapping[str, Any]) -> None:
        self._labels = {one: _label(entry) for one, entry in descriptor.items()}
        self._shared = Counter(self._labels.values())

    def __getitem__(self, component_id: str) -> str:
        label = self._labels.get(component_id, "")
        return _called(label, component_id, self._shared[label])


def _called(label: str, component_id: str, shared: int) -> str:
    if not label:
        return quoted(component_id)
    return quoted(label) if shared == 1 else f"{quoted(label)} ({quoted(component_id)})"


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, whole: bool
) -> Iterator[str]:
    old, new = _Names(before), _Names(after)
    for one in before:
        if one not in after:
            yield f"- removed {old[one]}, {_type(before[one])}"
    for one in after:
        if one not in before:
            yield f"+ added {new[one]} ({quoted(one)}), {_type(after[one])}"
    moved = [one for one in after if one in before and _moved(before[one], after[one])]
    if moved:
        yield "~ moved " + ", ".join(new[one] for one in moved)
    for one, entry in after.items():
        was = before.get(one, {})
        if one in before and is_same(was, entry):
            continue
        yield from _rewired(one, was, entry, old, new)
        if one in before:
            yield from (
                f"~ {new[one]}: {line}" for line in value_diff(_contents(was), _contents(entry))
            )
        elif whole and is_map(entry):
            told = {key: entry.get(key) for key in ("type", "label")}
            yield from (
                f"+ {new[one]}: {line}" for line in value_diff(told, told | _contents(entry))
            )


def _rewired(
    component_id: str, before: Any, after: Any, old_names: _Names, new_names: _Names
) -> Iterator[str]:
    old, new, name = _links(before), _links(after), new_names[component_id]
    for sign, links, others, names in (("-", old, new, old_names), ("+", new, old, new_names)):
        for link in links:
            if link not in others:
                in_port, sender, out_port = link
                yield f"{sign} {names[sender]}.{out_port} -> {name}.{in_port}"


def _contents(entry: Any) -> Any:
    """Return an entry without what has lines of its own."""
    if not is_map(entry):
        return entry
    return {key: one for key, one in entry.items() if key != "source" and key not in _PLACE}


def _moved(before: Any, after: Any) -> bool:
    if not (is_map(before) and is_map(after)):
        return False
    return any(before.get(axis) != after.get(axis) for axis in _PLACE)


def _links(entry: Any) -> dict[tuple[str, str, str], None]:
    return dict.fromkeys(source_links(entry.get("source"))) if is_map(entry) else {}


def _label(entry: Any) -> str:
    label = entry.get("label") if is_map(entry) else None
    return label if isinstance(label, str) else ""


def _type(entry: Any) -> str:
    return quoted(str(entry.get("type"))) if is_map(entry) else "no component"


def _change(before: Any, after: Any) -> str:
    """Return both values, cut to where they begin to differ."""
    was, now = _text(before), _text(after)
    pairs = enumerate(zip_longest(was, now))
    alike = next((place for place, (one, other) in pairs if one != other), 0)
    start = alike - _BEFORE_THE_CHANGE if alike >= _LONGEST_VALUE else 0
    old, new = _value(before, start), _value(after, start)
    if old == new:  # they differ in what nobody sees
        shown = slice(start, start + _LONGEST_VALUE)
        old, new = ascii(was[shown]), ascii(now[shown])
    return f"{old} -> {new}"


def _value(value: Any, start: int = 0) -> str:
    text, end = _text(value), start + _LONGEST_VALUE
    cut = f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"
    return quoted(cut) if isinstance(value, str) else quoted(cut)[1:-1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(path: str) -> str:
    """Return a path of keys, which may be anybody's, as part of a line."""
    return quoted(path)[1:-1]
