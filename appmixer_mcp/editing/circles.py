"""Links that close a circle: legal, and yet a flow may then run for ever."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, cast

from .links import links_of


def new_circles(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield for each link that is new and closes a circle the ids along it, from its receiver."""
    follows: dict[str, list[str]] = defaultdict(list)
    for receiver, sender in _pairs(after):
        follows[sender].append(receiver)
    for receiver, sender in dict.fromkeys(_pairs(after)).keys() - set(_pairs(before)):
        path = _path(follows, receiver, sender)
        if path:
            yield path


def _path(follows: Mapping[str, list[str]], start: str, end: str) -> list[str]:
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    for one in waiting:  # which grows meanwhile
        if one == end:
            break
        for following in follows.get(one, ()):
            if following not in came_from:
                came_from[following] = one
                waiting.append(following)
    path: list[str] = []
    step = end if end in came_from else None
    while step is not None:
        path.append(step)
        step = came_from[step]
    return path[::-1]


def _pairs(descriptor: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (receiver, sender) of each link."""
    for component_id, entry in descriptor.items():
        if isinstance(entry, dict):
            links = links_of(cast("dict[str, Any]", entry))
            yield from ((component_id, link.sender) for link in links)
