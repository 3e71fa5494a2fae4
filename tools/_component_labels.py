"""What people call the components of a flow, and which ones they mean by a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow

_LONGEST = 100


@dataclass(frozen=True)
class Labels:
    """The components of a flow by what they are called."""

    of_id: Mapping[str, str]
    """Component id -> label, else the last part of the type."""

    @classmethod
    def of(cls, flow: "Flow") -> Self:
        """Read them from a flow with its descriptor."""
        return cls({one: _label(entry) or one for one, entry in (flow.flow or {}).items()})

    def label(self, component_id: str, component_type: str = "") -> str:
        """Return what a component is called; of one that is gone, what is known of it."""
        return self.of_id.get(component_id) or _last(component_type) or component_id[:_LONGEST]

    def meant_by(self, name: str) -> list[str]:
        """Return the ids of the components with this id, else with this label; may be empty."""
        if name in self.of_id:
            return [name]
        wanted = name.strip().casefold()
        return [one for one, label in self.of_id.items() if label.strip().casefold() == wanted]


def _label(entry: Any) -> str:
    if not isinstance(entry, dict):
        return ""
    known = cast("dict[str, object]", entry)
    label = known.get("label")
    found = label if isinstance(label, str) and label.strip() else _last(str(known.get("type", "")))
    return found[:_LONGEST]


def _last(component_type: str) -> str:
    return component_type.rpartition(".")[2][:_LONGEST]
