"""What an object is at one moment, as the journal keeps it and compares it.

A state is None where there is no object. A flow's has the API's own names; a store's has `name`,
and `records` (key -> value) where they matter; that of some records of a store has `entries`: key
-> a list of the value alone, or null for a key that the store does not have.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow

State = dict[str, Any] | None

ABSENT = "absent"
"""The digest of what is not there."""

OF_A_FLOW = ("name", "description", "flow", "customFields", "categories", "notes")
"""What people and tools change of a flow."""
PICTURES = ("wizard", "thumbnail", "svg", "type")
"""What is seldom changed and large; kept where it is what changes, and of a deleted flow."""
_NOT_KEPT = {
    "flowId", "id", "userId", "stage", "mode", "btime", "mtime", "started", "stopped",
    "runtimeErrors", "stageChangeInfo",
}  # fmt: skip
"""What no update can set."""


def flow_state(flow: "Flow", also: Iterable[str] = ()) -> dict[str, Any]:
    """Return what can be changed of a flow.

    Args:
        flow: As the API sent it.
        also: Further fields to keep, by the API's names.
    """
    told = _told(flow)
    return {name: told[name] for name in (*OF_A_FLOW, *also) if told.get(name) not in (None, "")}


def whole_flow_state(flow: "Flow") -> dict[str, Any]:
    """Return all that it takes to make a flow again."""
    return {name: value for name, value in _told(flow).items() if name not in _NOT_KEPT}


def digest_of(state: State) -> str:
    """Return 12 hexadecimal digits that tell one state from another.

    Of a flow, the fields that people and tools change; order and empty fields do not matter.
    """
    if state is None:
        return ABSENT
    told = state
    if "flow" in state:
        told = {name: state[name] for name in OF_A_FLOW if state.get(name)}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def json_size(state: Mapping[str, Any]) -> int:
    """Return how many bytes a state has as JSON."""
    return len(json.dumps(state, separators=(",", ":")))


def _told(flow: "Flow") -> dict[str, Any]:
    return flow.model_dump(mode="json", by_alias=True, exclude_none=True)
