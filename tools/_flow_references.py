"""What a flow refers to beyond itself, and what of it another user or tenant does not have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.flow_diff import component_name

from ._shared import listed

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

_KINDS = {"storeId": "store", "flowId": "flow", "fileId": "file"}
"""A field that holds an id -> of what."""

Users = dict[str, list[str]]
"""What is referred to -> which components do, as a person knows them."""


@dataclass(frozen=True)
class References:
    """What a flow refers to."""

    component_types: Users = field(default_factory=Users)
    stores: Users = field(default_factory=Users)
    flows: Users = field(default_factory=Users)
    files: Users = field(default_factory=Users)
    accounts: list[str] = field(default_factory=list[str])
    """Components that use an account."""
    store_names: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_json(self) -> dict[str, Any]:
        """Return what an exported document says of it; what there is none of is left out."""
        found = {
            "component_types": list(self.component_types),
            "stores": [
                {"store_id": one, "name": self.store_names.get(one, ""), "used_by": users}
                for one, users in self.stores.items()
            ],
            "flows": [{"flow_id": one, "used_by": users} for one, users in self.flows.items()],
            "files": [{"file_id": one, "used_by": users} for one, users in self.files.items()],
            "accounts": self.accounts,
        }
        return {name: one for name, one in found.items() if one}


async def references_of(client: "AppmixerClient", flow: "Flow") -> References:
    """Return what a saved flow refers to; stores with their names, where they can be read."""
    descriptor = flow.flow or {}
    found = references_in(descriptor)
    accounts: list[str] = []
    if client.dialect == "appmixer":
        authentication = await client.flows.get_flow_authentication(flow.flow_id)
        named = [one for one in authentication.components if one in descriptor]
        accounts = [component_name(descriptor, one) for one in named]
    names = await _store_names(client) if found.stores else {}
    return References(
        found.component_types, found.stores, found.flows, found.files, accounts, names
    )


def references_in(descriptor: Mapping[str, Any]) -> References:
    """Return what a descriptor refers to; accounts are not part of one."""
    found = References()
    by_kind = {"store": found.stores, "flow": found.flows, "file": found.files}
    for component_id, entry in descriptor.items():
        name = component_name(descriptor, component_id)
        found.component_types.setdefault(str(entry.get("type")), []).append(name)
        for kind, value in _named(entry.get("config")):
            users = by_kind[kind].setdefault(value, [])
            if name not in users:
                users.append(name)
    return found


async def fitted(
    client: "AppmixerClient", descriptor: Mapping[str, Any], found: References
) -> tuple[dict[str, Any], list[str]]:
    """Return a descriptor for where it goes, and a sentence for each thing to see to there.

    A store that is not there is replaced by the one of its name, if there is exactly one.

    Args:
        client: Of where the flow goes.
        descriptor: What goes there.
        found: What it refers to.
    """
    known = {one.component_type for one in await client.components.list_components()}
    said = [
        f"There is no component {quoted(one)} there, for {listed(users)}."
        for one, users in found.component_types.items()
        if one not in known
    ]
    stores, said_of_stores = _stores_there(
        found, await _store_names(client) if found.stores else {}
    )
    said += said_of_stores
    said += [
        f"See that the {kind} {quoted(one)} is there, or name another in {listed(users)}."
        for kind, table in (("flow", found.flows), ("file", found.files))
        for one, users in table.items()
    ]
    if found.accounts:
        said.append(f"Accounts do not travel; one is needed there for {listed(found.accounts)}.")
    return _with_stores(dict(descriptor), stores), said


def _stores_there(found: References, there: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return which store takes the place of which, and what to say of each that is not there."""
    instead: dict[str, str] = {}
    said: list[str] = []
    for store_id, users in found.stores.items():
        if store_id in there:
            continue
        name = found.store_names.get(store_id, "")
        same = [one for one, other in there.items() if name and other == name]
        if len(same) == 1:
            instead[store_id] = same[0]
            said.append(
                f"The store {quoted(name)} becomes the one of that name there; records do not "
                "travel."
            )
        else:
            shown = f"{quoted(name)} ({quoted(store_id)})" if name else quoted(store_id)
            said.append(f"The store {shown} does not travel; name one there in {listed(users)}.")
    return instead, said


def _with_stores(value: Any, instead: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_stores(one, instead) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {
            key: instead[one]
            if key == "storeId" and isinstance(one, str) and one in instead
            else _with_stores(one, instead)
            for key, one in cast("dict[str, object]", value).items()
        }
    return value


async def _store_names(client: "AppmixerClient") -> dict[str, str]:
    return {str(one.store_id): one.name or "" for one in await client.stores.list_stores()}


def _named(value: object) -> Iterator[tuple[str, str]]:
    """Yield the kind and id of whatever a configuration names by its id, however deep."""
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _named(one)
    elif isinstance(value, dict):
        for key, one in cast("dict[str, object]", value).items():
            if key in _KINDS and isinstance(one, str) and one and "{{{" not in one:
                yield _KINDS[key], one
            else:
                yield from _named(one)
