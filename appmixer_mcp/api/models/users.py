"""Users, and what signing in answers."""

import re
from typing import Annotated, cast

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    JsonValue,
    SecretStr,
    model_validator,
)

from .base import ApiModel, Instant, UserId


def fits_header(token: str) -> bool:
    """Say whether a text can be sent as a bearer token: visible ASCII, at least one character."""
    return re.fullmatch(r"[!-~]+", token) is not None


def _usable(token: SecretStr) -> SecretStr:
    if not fits_header(token.get_secret_value()):
        raise ValueError("not usable as a bearer token")
    return token


AccessToken = Annotated[SecretStr, AfterValidator(_usable)]
"""A token that fits into a header; shown as asterisks."""


class User(ApiModel):
    """A user of the tenant."""

    user_id: UserId = Field(validation_alias=AliasChoices("id", "userId"), serialization_alias="id")
    """24 hexadecimal characters on Appmixer's own tenants."""

    username: str | None = None
    """The name to sign in with, usually an e-mail address."""

    email: str | None = None
    """The e-mail address; people tasks are matched by it."""

    is_active: bool | None = None
    """False when the user may not sign in any more."""

    plan: str | None = None
    """The name of the plan, for example `free`."""

    scope: list[str] | None = None
    """The user's roles, for example `user` and `admin`."""

    vendor: str | list[str] | None = None
    """Whose components the user may publish."""

    metadata: dict[str, JsonValue] | None = None
    """Free data that the tenant keeps with the user."""

    created_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("created", "createdAt"),
        serialization_alias="created",
    )
    """When the user signed up."""

    token: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """An access token, which only the `openapi` dialect puts here; never dumped."""


class _UserAnswer(ApiModel):
    user: User | None = None
    """The user, where the tenant sends one."""

    @model_validator(mode="before")
    @classmethod
    def _user_at_the_top(cls, answer: object) -> object:
        """Move the fields of a bare user under `user`, as the `openapi` dialect sends them."""
        if not isinstance(answer, dict):
            return answer
        fields = cast("dict[str, object]", answer)
        if "user" in fields or "id" not in fields:
            return fields
        user = {name: value for name, value in fields.items() if name != "token"}
        return {"token": fields.get("token"), "user": user}


class AuthResult(_UserAnswer):
    """The answer to a sign-in."""

    token: AccessToken
    """The access token, a JWT, to be sent as a bearer token."""


class SignUpResult(_UserAnswer):
    """The answer to a sign-up; some tenants answer with the bare user and no token."""

    token: AccessToken | None = None
    """The new user's access token, a JWT; None when the tenant expects a sign-in first."""


class DeletionTicket(ApiModel):
    """The answer to the deletion of a user."""

    ticket: str | None = None
    """What to ask by how far it is; absent where it is done at once."""


class Deletion(ApiModel):
    """How far the deletion of a user is."""

    status: str | None = Field(default=None, validation_alias=AliasChoices("status", "state"))
    """`in-progress`, `completed`, `failed` or `cancelled`."""
