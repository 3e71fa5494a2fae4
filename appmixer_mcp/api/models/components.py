"""Component types: what flows are built of."""

from typing import cast

from pydantic import AliasChoices, Field, JsonValue, model_validator

from .base import ApiModel, Instant


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


class App(ApiModel):
    """A service, or one module of a service that has several."""

    name: str
    """`vendor.service` or `vendor.service.module`."""

    label: str | None = None
    """What people call it."""

    category: str | None = None
    """What it is shown under, such as `applications`."""

    description: str | None = None
    """What it is for; may be Markdown."""

    icon: str | None = None
    """A picture as a data URI; large."""


class AppList(ApiModel):
    """Every app; the documented API sends an object by name, the `openapi` dialect a list."""

    apps: list[App]
    """In the tenant's order."""

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, found: object) -> object:
        if not isinstance(found, dict):
            return {"apps": found}
        by_name = cast("dict[str, object]", found)
        return {
            "apps": [
                {"name": name, **cast("dict[str, object]", app)} if isinstance(app, dict) else app
                for name, app in by_name.items()
            ]
        }


class UploadTicket(ApiModel):
    """What an upload is asked about by."""

    ticket: str | None = None
    """None where the tenant has done with it."""


class UploadStatus(ApiModel):
    """What has become of an upload."""

    finished: Instant = None
    """When it ended; None while it goes on."""

    err: str | None = None
    """Why it failed; None when it did not."""

    data: JsonValue = None
    """A text, or the problems of an archive: a list of objects with `message`."""
