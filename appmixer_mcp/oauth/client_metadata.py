"""What a client says of itself, when it registers or in its metadata document."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, ValidationError, model_validator

from appmixer_mcp.api.foreign_text import cleaned
from appmixer_mcp.oauth import redirects
from appmixer_mcp.oauth.types import OAuthError

_LONGEST_NAME = 80

_Words = Annotated[list[str], Field(max_length=20)]


class ClientMetadata(BaseModel):
    """The members of RFC 7591 that matter here; all others are passed over."""

    redirect_uris: list[str] = Field(min_length=1, max_length=redirects.MOST)
    client_id: str = ""
    client_name: str = ""
    application_type: redirects.ApplicationType | None = None
    token_endpoint_auth_method: str | None = None
    token_endpoint_auth_methods_supported: _Words = []
    grant_types: _Words = ["authorization_code"]
    response_types: _Words = ["code"]

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, members: object) -> object:
        if isinstance(members, Mapping):
            given = cast("Mapping[object, object]", members)
            return {name: value for name, value in given.items() if value not in (None, "")}
        return members

    @property
    def name(self) -> str:
        """What it calls itself, fit to be shown: no control or invisible characters, not long."""
        return " ".join(cleaned(self.client_name).split())[:_LONGEST_NAME].rstrip()

    @property
    def type(self) -> redirects.ApplicationType:
        """What it says it is, or what its redirect URIs say."""
        return self.application_type or redirects.inferred_type(self.redirect_uris)


def read(metadata: object) -> ClientMetadata:
    """Check what a client says of itself, redirect URIs aside.

    Raises:
        OAuthError: With a code of RFC 7591; the text names the member, never its value.
    """
    try:
        found = ClientMetadata.model_validate(metadata)
    except ValidationError as error:
        raise _refusal(error.errors(include_input=False, include_url=False)[0]["loc"]) from None
    if "authorization_code" not in found.grant_types:
        raise _invalid("grant_types must contain authorization_code; there is no other way in.")
    if "code" not in found.response_types:
        raise _invalid("response_types must contain code, the only one there is.")
    return found


def _refusal(place: tuple[Any, ...]) -> OAuthError:
    if not place:
        return _invalid("The client metadata must be a JSON object.")
    if place[0] == "redirect_uris":
        return OAuthError(
            "invalid_redirect_uri",
            f"redirect_uris must be a list of 1 to {redirects.MOST} absolute URIs.",
        )
    if place[0] == "application_type":
        return _invalid("application_type must be web or native.")
    return _invalid(f"{place[0]} has a value that cannot be used here.")


def _invalid(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)
