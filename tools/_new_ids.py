"""A flow's descriptor under the component ids that it has elsewhere.

An account is assigned to a component by the component's id alone, so two flows must never share
one; and a component that is there already keeps its id, or it would lose its account.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4, uuid5

from appmixer_mcp.editing.variables import renamed, split

Descriptor = Mapping[str, Any]


def as_new(descriptor: Descriptor) -> dict[str, Any]:
    """Return a copy with a new id for each component."""
    return with_ids(descriptor, {one: str(uuid4()) for one in descriptor})


def as_in(descriptor: Descriptor, there: Descriptor, flow_id: str) -> dict[str, Any]:
    """Return a copy for a flow that is there: known components have its ids, others new ones.

    A component is known by its id, else by type and label where both flows have one such.

    Args:
        descriptor: What is copied.
        there: The descriptor of the flow that it is to replace.
        flow_id: Of that flow; new ids come of it, so that they are the same when it is asked again.
    """
    ids = {
        one: one
        for one, entry in descriptor.items()
        if one in there and there[one].get("type") == entry.get("type")
    }
    ours, theirs = _by_label(descriptor), _by_label(there)
    ids |= {
        one: theirs[label]
        for label, one in ours.items()
        if one not in ids and label in theirs and theirs[label] not in ids
    }
    fresh = {one: str(uuid5(_namespace(flow_id), one)) for one in descriptor if one not in ids}
    return with_ids(descriptor, ids | fresh)


def with_ids(descriptor: Descriptor, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return a copy in which components have other ids, wherever they are named.

    Args:
        descriptor: A sound one.
        ids: Component id -> its id in the copy, for each component.
    """

    def rename(variable: str) -> str:
        component_id, _, _ = split(variable)
        return f"$.{ids.get(component_id, component_id)}{variable[len(component_id) + 2 :]}"

    def by_sender(ports: Any) -> Any:
        return {
            port: {ids.get(sender, sender): value for sender, value in senders.items()}
            for port, senders in ports.items()
        }

    copy: dict[str, Any] = {}
    for component_id, entry in descriptor.items():
        copied = dict(entry)
        if "source" in entry:
            copied["source"] = by_sender(entry["source"])
        if isinstance(entry.get("config"), dict):
            copied["config"] = renamed(entry["config"], rename)
            if "transform" in entry["config"]:
                copied["config"]["transform"] = by_sender(copied["config"]["transform"])
        copy[ids[component_id]] = copied
    return copy


def _by_label(descriptor: Descriptor) -> dict[tuple[str, str], str]:
    """Return type and label -> component id, of those that no two components share."""
    named = {
        one: (str(entry.get("type")), str(entry.get("label"))) for one, entry in descriptor.items()
    }
    count = Counter(named.values())
    return {name: one for one, name in named.items() if count[name] == 1}


def _namespace(flow_id: str) -> UUID:
    return uuid5(UUID(int=0), flow_id)
