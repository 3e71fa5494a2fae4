"""Reading a flow: it whole, what people call its components, and which ones they mean by a name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from appmixer_mcp.editing.draft import Draft
from appmixer_mcp.ids import ComponentId, FlowId
from appmixer_mcp.projections import WITHOUT_PICTURES

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

_LONGEST = 100


async def whole_flow(client: "AppmixerClient", flow_id: str) -> "Flow":
    """Return a flow with its descriptor, without its pictures."""
    return await client.flows.get_flow(FlowId(flow_id), projection=WITHOUT_PICTURES)


class Labels:
    """The components of a flow by what they are called: a label, else the last word of the type.

    The same names are understood by edit_flow.
    """

    def __init__(self, descriptor: Mapping[str, Any] | None) -> None:
        """Read them from a descriptor, which need not be a sound one."""
        self._draft = Draft(dict(descriptor or {}), {})

    def label(self, component_id: str, component_type: str = "") -> str:
        """Return what a component is called; of one that is gone, what is known of it."""
        if component_id in self._draft.entries:
            return self._draft.name(component_id)[:_LONGEST]
        return (component_type.rpartition(".")[2] or component_id)[:_LONGEST]

    def meant_by(self, name: str) -> list[str]:
        """Return the ids of the components with this id, else with this label; may be empty."""
        return self._draft.meant_by(name)

    def needed_id(self, component_id: str) -> str | None:
        """Return a component's id where its label does not say which it is; None where it does."""
        return None if self.meant_by(self.label(component_id)) == [component_id] else component_id

    def one(self, name: str) -> ComponentId:
        """Return the id of the one component that a label or an id stands for.

        Raises:
            InputError: There is none or more than one; says which there are.
        """
        return ComponentId(self._draft.find(name))

    def variable(self, text: str) -> str | None:
        """Return the variable that `Label.port.path` stands for in edit_flow; see `Draft`."""
        return self._draft.variable(text)
