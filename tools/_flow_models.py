"""What the tools of the group `flows` give back."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.results import Facts, Instant, Object, Outcome, Page, Result, Text

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow


class FlowSummary(Facts):
    """A flow in a list."""

    flow_id: str
    name: str
    stage: str = Field(description="running or stopped.")
    modified_at: Instant = None
    started_at: Instant = None


class FlowPage(Page):
    """Flows, without their descriptors."""

    items: list[FlowSummary]


class FlowCount(Result):
    """How many flows."""

    count: int


class FlowComponent(Facts):
    """A component of a flow."""

    component_id: str
    type: str
    label: Text = None
    sources: list[str] = Field(
        default_factory=list, description="Where messages come from: `id.port -> in port`."
    )
    webhook_url: Text = Field(default=None, description="Where to send requests to.")


class FlowDetail(Result):
    """One flow, in as much detail as was asked for."""

    flow_id: str
    name: str
    stage: str
    version: str = Field(description="Changes with every edit.")
    description: Text = None
    created_at: Instant = None
    modified_at: Instant = None
    started_at: Instant = None
    stopped_at: Instant = None
    component_count: int
    unknown_components: list[str] | SkipJsonSchema[None] = Field(
        default=None, description="Asked-for ids that the flow does not have."
    )
    custom_fields: Object | SkipJsonSchema[None] = None
    components: list[FlowComponent] | SkipJsonSchema[None] = None
    descriptor: Object | SkipJsonSchema[None] = Field(
        default=None, description="Component id -> entry, as update_flow takes it."
    )

    more_by: ClassVar[str] = "name the component_ids you want"
    entries_whole: ClassVar[bool] = True  # a descriptor is edited and written back


class FlowChanged(Outcome):
    """What became of a flow."""

    flow_id: Text = None
    stage: Text = None
    version: Text = None
    change_id: Text = Field(default=None, description="undo_change takes it back.")


class FlowAuthentication(Result):
    """Which accounts a flow's components need and have."""

    flow_id: str
    components: Object = Field(description="Component id -> its state and accounts.")
    services: Object = Field(description="Service -> accounts.")


def summary(flow: "Flow") -> FlowSummary:
    """Return a flow as lists show it."""
    return FlowSummary(
        flow_id=flow.flow_id,
        name=flow.name or "",
        stage=flow.stage or "",
        modified_at=flow.modified_at,
        started_at=flow.started_at,
    )
