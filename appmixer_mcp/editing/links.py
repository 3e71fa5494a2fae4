"""The links of one component, which stand in its entry: in `source`, and in `config.transform`."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from appmixer_mcp.descriptor import link_transforms, source_links

Entry = dict[str, Any]
"""A component's entry; of a form that `check_entries` finds nothing wrong with."""


class Link(NamedTuple):
    """Where messages come from, seen from the component that gets them."""

    in_port: str
    sender: str
    out_port: str


def links_of(entry: Mapping[str, Any]) -> list[Link]:
    """Return the links that end at a component."""
    return [Link(*one) for one in source_links(entry.get("source"))]


def map_at(part: Entry, key: str) -> Entry:
    """Return the map under a key; puts one there where there is none."""
    if part.get(key) is None:
        part[key] = {}
    return cast("Entry", part[key])


def add_link(entry: Entry, link: Link) -> None:
    """Add a link; one that is there stays so."""
    senders = map_at(map_at(entry, "source"), link.in_port)
    ports = _ports(senders.get(link.sender, []))
    senders[link.sender] = [*ports, *([] if link.out_port in ports else [link.out_port])]


def remove_link(entry: Entry, link: Link) -> Entry | None:
    """Remove a link, which has to be there, and return its transform, if it has one."""
    senders = map_at(entry["source"], link.in_port)
    rest = [one for one in _ports(senders.pop(link.sender)) if one != link.out_port]
    if rest:
        senders[link.sender] = rest
    if not senders:
        del entry["source"][link.in_port]
    return _remove_transform(entry, link)


def transform_of(entry: Mapping[str, Any], link: Link) -> Entry | None:
    """Return what a link makes of its messages; None where it hands them on as they are."""
    found = (one for path, one in link_transforms(entry) if path == link)
    return cast("Entry | None", next(found, None))


def set_transform(entry: Entry, link: Link, transform: Entry) -> None:
    """Say what a link makes of its messages."""
    of_port = map_at(map_at(map_at(entry, "config"), "transform"), link.in_port)
    map_at(of_port, link.sender)[link.out_port] = transform


def _remove_transform(entry: Entry, link: Link) -> Entry | None:
    found = transform_of(entry, link)
    if found is not None:
        of_port = map_at(entry["config"]["transform"], link.in_port)
        of_sender = map_at(of_port, link.sender)
        del of_sender[link.out_port]
        if not of_sender:
            del of_port[link.sender]
        if not of_port:
            del entry["config"]["transform"][link.in_port]
    return found


def _ports(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found
