"""Messages that a flow could not process."""

from pydantic import AliasChoices, Field, JsonValue

from .base import ApiModel, ComponentId, FlowId, Instant, MessageId


class UnprocessedMessage(ApiModel):
    """A message kept aside after its last retry, to be tried again or deleted."""

    message_id: MessageId = Field(
        validation_alias=AliasChoices("messageId", "id"), serialization_alias="messageId"
    )
    """The record, not one engine message."""

    flow_id: FlowId | None = None
    """The flow it belongs to."""

    component_id: ComponentId | None = None
    """The component that failed."""

    messages: JsonValue = None
    """Input port to the messages that waited there; a text where the tenant cut what is long."""

    data: JsonValue = None
    """The message's content; only in the `openapi` dialect."""

    err: JsonValue = None
    """Why it failed, often as text."""

    created_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("created", "createdAt"),
        serialization_alias="created",
    )
    """When it was put aside."""
