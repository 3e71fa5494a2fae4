"""Component types: what flows are built of."""

from pydantic import AliasChoices, Field, model_validator

from .base import ApiModel


class ComponentName(ApiModel):
    """A component type in a list; the documented API sends no more than the type as a text."""

    component_type: str = Field(
        validation_alias=AliasChoices("type", "name"), serialization_alias="type"
    )
    """`vendor.service.module.Component`."""

    label: str | None = None
    """What people call it; only in the `openapi` dialect."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, found: object) -> object:
        return {"type": found} if isinstance(found, str) else found


class ComponentManifest(ApiModel):
    """What describes a component type: its ports, its settings and the account that it needs.

    All further keys are in `model_extra`; a dump by alias gives the manifest as it came.
    """

    name: str
    """The type."""

    label: str | None = None
    """What people call it."""

    description: str | None = None
    """What it does; may be Markdown."""

    icon: str | None = None
    """A picture as a data URI; large."""
