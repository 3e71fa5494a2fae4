"""What a tenant says about itself."""

from .base import ApiModel


class ApiInfo(ApiModel):
    """That the tenant lives, and which version it is."""

    name: str | None = None
    """What serves the API, where it says so."""

    version: str | None = None
    """For example `6.1.0`."""

    status: str | None = None
    """For example `ok`."""
