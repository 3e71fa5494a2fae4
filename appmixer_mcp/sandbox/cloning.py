"""A copy of a flow: the same descriptor, with a fresh id wherever a component is named."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import uuid4

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object

_VARIABLE = re.compile(r"\$\.([\w\s-]+)(?=[.}]|$)")

Rename = Callable[[str], str]


def clone(
    descriptor: Mapping[str, Json], known: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, Json], dict[str, str]]:
    """Return a copy of a descriptor, and component id -> its id in the copy.

    Renamed are the entries, the senders in `source` and `config.transform`, and variables
    (`$.id.port.path`) in any text of `config`, bound by modifiers or written out in the older way.
    Other text that happens to be a component's id stays as it is.

    Args:
        descriptor: What is copied.
        known: Ids in the copy that are given already, as when an older copy is renewed.
    """
    ids = {component_id: known.get(component_id) or str(uuid4()) for component_id in descriptor}

    def rename(component_id: str) -> str:
        return ids.get(component_id, component_id)

    copy = {
        rename(component_id): _entry(entry, rename) for component_id, entry in descriptor.items()
    }
    return copy, ids


def _entry(entry: Mapping[str, Json], rename: Rename) -> dict[str, Json]:
    copy = dict(entry)
    if "source" in entry:
        copy["source"] = _by_sender(entry["source"], rename)
    if isinstance(entry.get("config"), dict):
        config: dict[str, Json] = _variables(entry["config"], rename)
        if "transform" in config:
            config["transform"] = _by_sender(config["transform"], rename)
        copy["config"] = config
    return copy


def _by_sender(ports: Mapping[str, Mapping[str, Json]], rename: Rename) -> dict[str, Json]:
    return {
        port: {rename(sender_id): value for sender_id, value in senders.items()}
        for port, senders in ports.items()
    }


def _variables(value: Json, rename: Rename) -> Json:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: f"$.{rename(found[1])}", value)
    if is_list(value):
        return [_variables(one, rename) for one in value]
    if is_object(value):
        return {key: _variables(one, rename) for key, one in value.items()}
    return value
