"""Flows and what the calls about them answer."""

from pydantic import AliasChoices, Field, JsonValue

from .base import ApiModel, ComponentId, FlowId, Instant, UserId


class Share(ApiModel):
    """Somebody a flow is shared with: exactly one of `email`, `domain` and `scope` is set."""

    email: str | None = None
    """One user, by e-mail address."""

    domain: str | None = None
    """Everybody whose e-mail address ends in this domain."""

    scope: str | None = None
    """Everybody with this role."""

    permissions: list[str] | None = None
    """Out of `read`, `start` and `stop`."""


class FlowReference(ApiModel):
    """An answer that only names a flow."""

    flow_id: FlowId = Field(
        validation_alias=AliasChoices("cloneId", "flowId", "id"), serialization_alias="flowId"
    )
    """The flow that was made or changed."""


class Flow(ApiModel):
    """A flow; what a projection left out is None."""

    flow_id: FlowId = Field(
        validation_alias=AliasChoices("flowId", "id"), serialization_alias="flowId"
    )
    """A UUID on Appmixer's own tenants."""

    user_id: UserId | None = None
    """The owner, who may be another user when the flow is shared."""

    name: str | None = None
    """The name people see; not unique."""

    description: str | None = None
    """What the flow is for, in its author's words."""

    stage: str | None = None
    """`running` or `stopped`."""

    flow: dict[str, JsonValue] | None = None
    """The descriptor: component id to component entry."""

    created_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("btime", "createdAt"),
        serialization_alias="btime",
    )
    """When the flow was made."""

    modified_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("mtime", "updatedAt"),
        serialization_alias="mtime",
    )
    """When the flow was last changed."""

    started_at: Instant = Field(
        default=None, validation_alias="started", serialization_alias="started"
    )
    """When the flow was last started."""

    stopped_at: Instant = Field(
        default=None, validation_alias="stopped", serialization_alias="stopped"
    )
    """When the flow was last stopped."""

    shared_with: list[Share] | None = None
    """Whom the flow is shared with; a recipient sees only the own entry."""

    thumbnail: str | None = None
    """A picture of the flow as a data URI; large."""

    svg: str | None = None
    """A picture of the flow as SVG text; large."""

    type: str | None = None
    """`automation`, or one of the `integration-…` types."""

    custom_fields: dict[str, JsonValue] | None = None
    """Free data of the flow's author; `filter` can search it."""

    wizard: dict[str, JsonValue] | None = None
    """How an integration asks its users for settings."""

    categories: list[str] | None = None
    """Labels to group flows by."""

    notes: JsonValue = None
    """Remarks on the canvas."""

    runtime_errors: JsonValue = None
    """What went wrong since the last start; shape not documented."""

    stage_change_info: JsonValue = None
    """Why the stage last changed; shape not documented."""


class Problem(ApiModel):
    """One thing that is wrong with a component."""

    message: str
    """What is wrong, for people."""

    keyword: str | None = None
    """A short word for programs, such as `required` or `missingAccount`."""

    data_path: str | None = None
    """Where in the component, where the tenant says so."""


class ComponentProblems(ApiModel):
    """Everything that is wrong with one component of a flow."""

    component_id: ComponentId | None = None
    """The component; None or empty for the flow as a whole."""

    errors: list[Problem] = Field(default_factory=list[Problem])
    """What is wrong with it."""


class Validation(ApiModel):
    """The answer of a check of a flow."""

    errors: list[ComponentProblems]
    """The components with which something is wrong; empty when the flow can start."""
