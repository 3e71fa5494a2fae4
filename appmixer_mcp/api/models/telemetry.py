"""Telemetry: how much a user's flows do."""

from pydantic import Field

from .base import ApiModel


class MessageCounts(ApiModel):
    """How many messages components have received."""

    first_day: str | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """`YYYY-MM-DD`."""

    last_day: str | None = Field(default=None, validation_alias="to", serialization_alias="to")
    """`YYYY-MM-DD`, included."""

    count: int | None = None
    """0 or more."""


class UserCount(ApiModel):
    """How many there are of something."""

    count: int | None = None
    """0 or more."""


class Usage(ApiModel):
    """What the signed-in user's flows do."""

    message_counts: MessageCounts = MessageCounts()
    """Messages of the time that was asked for."""

    running_flows: UserCount = UserCount()
    """Flows that run now."""

    active_connectors: UserCount = UserCount()
    """Apps of which a running flow has a component."""

    used_apps: list[str] = Field(default_factory=list[str])
    """Apps of which any flow has a component."""
