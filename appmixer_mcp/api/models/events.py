"""App events, and what came of them."""

from pydantic import Field, JsonValue

from .base import ApiModel, ComponentId, FlowId


class EventTrigger(ApiModel):
    """A component that listens for an event."""

    flow_id: FlowId | None = None
    """Its flow."""

    component_id: ComponentId | None = None
    """The component."""

    correlation_id: str | None = None
    """The same for all messages that the event sets off there."""


class EventFailure(ApiModel):
    """A component that listens and could not be told."""

    message: str | None = None
    """The cause, for people."""

    code: str | None = None
    """For example `TRIGGER_FAILURE`."""

    trigger: EventTrigger = EventTrigger()
    """Which one."""

    err: JsonValue = None
    """More about the cause."""


class EventResult(ApiModel):
    """Who was told of an event."""

    triggers: list[EventTrigger]
    """Whoever listens, those of `errors` too; empty when nobody does."""

    errors: list[EventFailure] = Field(default_factory=list[EventFailure])
    """Those who could not be told."""
