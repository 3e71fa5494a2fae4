"""Accounts: a user's sign-ins to third-party services."""

from typing import cast

from pydantic import AliasChoices, Field, JsonValue, field_validator

from .base import AccountId, ApiModel, ComponentId, FlowId, UserId


class Account(ApiModel):
    """One sign-in to one service. Its tokens are never part of an answer."""

    account_id: AccountId = Field(
        validation_alias=AliasChoices("accountId", "id"), serialization_alias="accountId"
    )
    """24 hexadecimal characters on Appmixer's own tenants."""

    name: str | None = None
    """The name the service knows the account by."""

    display_name: str | None = None
    """The name its user gave it, where there is one."""

    service: str | None = None
    """`vendor:service`, for example `appmixer:slack`."""

    user_id: UserId | None = None
    """Whose account it is."""

    profile_info: dict[str, JsonValue] | None = None
    """What the service says about the account's holder."""

    icon: str | None = None
    """The service's picture as a data URI."""

    label: str | None = None
    """The service's name for people."""

    revoked: bool | None = None
    """True when the service does not accept the account any more."""

    valid: bool | None = None
    """Whether the credentials still work; only in the `openapi` dialect."""

    token_id: str | None = None
    """Which stored token serves the account; not the token itself."""

    access_token_valid: bool | None = None
    """Whether the token still works; only where a component's accounts are listed."""

    scope_valid: bool | None = None
    """Whether the account allows all that the component needs; only there."""

    component_assigned: bool | None = None
    """Whether the component that was asked for uses this account; only there."""

    component_id: ComponentId | None = None
    """The component that was asked for; only there."""

    authorized_scope: list[str] | None = None
    """What the account allows; only there."""


class ComponentAuthentication(ApiModel):
    """The `auth` part of a component's accounts."""

    accounts: list[Account] = Field(default_factory=list[Account])
    """The accounts; empty when there are none.

    Source: documented as a map by account id; a list is read too.
    """

    @field_validator("accounts", mode="before")
    @classmethod
    def _values(cls, accounts: object) -> object:
        if not isinstance(accounts, dict):
            return accounts
        by_id = cast("dict[str, object]", accounts)
        return [
            {"accountId": account_id, **cast("dict[str, object]", account)}
            if isinstance(account, dict)
            else account
            for account_id, account in by_id.items()
        ]


class ComponentAccounts(ApiModel):
    """The accounts that a component can use."""

    component_type: str | None = None
    """The type that was asked for."""

    auth: ComponentAuthentication
    """Where the accounts are."""


class AccountFlow(ApiModel):
    """A flow that uses an account."""

    flow_id: FlowId = Field(
        validation_alias=AliasChoices("flowId", "id"), serialization_alias="flowId"
    )
    """The flow."""

    name: str | None = None
    """Its name."""


class FlowAuthentication(ApiModel):
    """Which accounts a flow's components need and have.

    Source: the two maps are observed, what lies in them is not documented.
    """

    components: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Component id to its state and accounts; empty when no component needs an account."""

    services: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Service id to its accounts."""
