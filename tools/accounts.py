"""Accounts: the user's sign-ins to third-party services."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.ids import ComponentId
from appmixer_mcp.results import Facts, Page, Result, Text, Truth
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CHANGE, CREATE, READ, Choice, ToolContext, Toolset

from ._choices import fitting
from ._shared import AccountId, Filters, Name, Offset

if TYPE_CHECKING:
    from appmixer_mcp.api.models.accounts import Account as ApiAccount

TOOLSET = Toolset("accounts", "Accounts at third-party services, and who uses them.")


class Account(Facts):
    """An account; its secrets are never shown."""

    account_id: str
    service: Text = Field(default=None, description="vendor:service.")
    name: Text = Field(default=None, description="What people call it.")
    revoked: Truth = Field(default=None, description="True: the person has to sign in anew.")
    valid: Truth = None


class AccountPage(Page):
    """Accounts."""

    items: list[Account]


class AccountDetail(Result):
    """One account."""

    account_id: str
    service: Text = None
    name: Text = None


class AccountState(AccountDetail):
    """One account, and whether it works."""

    revoked: Truth = None
    valid: Truth = None


class AccountFlow(Facts):
    """A flow that uses an account."""

    flow_id: str
    name: Text = None


class AccountFlowPage(Page):
    """Flows that use an account."""

    items: list[AccountFlow]


@TOOLSET.tool("List accounts", READ, selectable=Selectable(always=("account_id",)))
async def list_accounts(
    ctx: ToolContext,
    filter: Filters = [],
    offset: Offset = 0,
) -> AccountPage:
    """List the connected accounts; filter service:appmixer:slack keeps one service's."""
    return _page(await (await ctx.client()).accounts.list_accounts(filters=filter), offset)


@TOOLSET.tool("Create account", replace(CREATE, open_world=True))  # the service is asked
async def create_account(
    ctx: ToolContext,
    service: Annotated[str, Field(description="Such as appmixer:slack.", min_length=3)],
    token: Annotated[
        dict[str, Any],
        Field(
            description="Secrets by the service's kind: {accessToken, refreshToken}, "
            "{username, password}, or its API key fields."
        ),
    ],
    name: Annotated[str, Field(description="What people call it.")] = "",
    validate_scope: Annotated[bool, Field(description="Check the token's scopes.")] = True,
    request_profile_info: Annotated[
        bool, Field(description="Ask the service whose account it is.")
    ] = True,
) -> AccountDetail:
    """Connect an account from tokens the person gives; they are stored and never shown again."""
    if ":" not in service:
        raise InputError("service must be vendor:service, such as appmixer:slack.")
    data: dict[str, Any] = {"service": service, "token": token}
    if name:
        data |= {"name": name, "displayName": name}
    account = await (await ctx.client()).accounts.create_account(
        data, validate_scope=validate_scope, request_profile_info=request_profile_info
    )
    return AccountDetail(
        account_id=account.account_id, service=account.service or service, name=_name(account)
    )


@TOOLSET.tool("List component accounts", READ)
async def list_component_accounts(
    ctx: ToolContext,
    component_type: Annotated[str, Field(description="A component's type, from get_flow.")],
    component_id: Annotated[
        ComponentId | SkipJsonSchema[None], Field(description="A component of a saved flow.")
    ] = None,
    offset: Offset = 0,
) -> AccountPage:
    """List the accounts that a component type can use."""
    client = await ctx.client()
    found = await client.accounts.list_component_accounts(component_type, component_id)
    return _page(found, offset)


@TOOLSET.tool("List account flows", READ)
async def list_account_flows(
    ctx: ToolContext, account_id: AccountId, offset: Offset = 0
) -> AccountFlowPage:
    """List the flows that use an account."""
    found = await (await ctx.client()).accounts.list_account_flows(account_id)
    items = [AccountFlow(flow_id=flow.flow_id, name=flow.name) for flow in found]
    return AccountFlowPage.rest(items, offset=offset)


@TOOLSET.tool("Rename account", CHANGE)
async def set_account_name(ctx: ToolContext, account_id: AccountId, name: Name) -> AccountDetail:
    """Change the name that people see for an account."""
    await (await ctx.client()).accounts.set_account_name(account_id, name)
    return AccountDetail(account_id=account_id, name=name)


@TOOLSET.resource("appmixer://accounts/{account_id}", "Account")
async def account(ctx: ToolContext, account_id: AccountId) -> AccountState:
    """An account's service, name, and whether the service still accepts it; never its secrets."""
    # Not every tenant has a call for one account.
    for one in (await list_accounts(ctx)).items:
        if one.account_id == account_id:
            return AccountState.model_validate(dict(one))
    raise NotFoundError(
        f"No account has the id {quoted(account_id)}. Call list_accounts for the ids there are."
    )


@TOOLSET.completes("account_id")
async def complete_account(ctx: ToolContext, text: str) -> list[Choice]:
    """Find accounts."""
    found = await (await ctx.client()).accounts.list_accounts()
    return fitting([Choice(one.account_id, _name(one) or "") for one in found], text)


def _page(accounts: "list[ApiAccount]", offset: int) -> AccountPage:
    items = [
        Account(
            account_id=account.account_id,
            service=account.service,
            name=_name(account),
            revoked=account.revoked,
            valid=account.valid,
        )
        for account in accounts
    ]
    return AccountPage.rest(items, offset=offset)


def _name(account: "ApiAccount") -> str | None:
    return account.display_name or account.name
