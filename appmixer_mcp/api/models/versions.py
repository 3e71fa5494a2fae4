"""Versions of a flow: what its descriptor was."""

from .base import ApiModel, Instant


class FlowVersion(ApiModel):
    """A kept descriptor, without the descriptor itself, which the API does not show."""

    version_id: str
    """What `restore_flow_version` takes."""

    version_number: int | None = None
    """Counts from 1 within the flow."""

    type: str | None = None
    """`manual`, or `autosave` for one that the tenant kept by itself."""

    label: str | None = None
    """What somebody called it."""

    btime: Instant = None
    """When it was kept."""


class FlowVersionPage(ApiModel):
    """A page of versions, the newest first."""

    items: list[FlowVersion]
    """Empty when there are none (more)."""

    total_count: int
    """How many there are in all."""
