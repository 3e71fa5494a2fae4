"""Accounts of other services."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from appmixer_mcp.sandbox.accounts import NewAccount, UserAccounts
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import MAX_NUMBER, listing
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.flows import owned_flow

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_NAME_FIELDS = ("email", "username", "name", "login", "id")


class _Account(BaseModel):
    service: Annotated[str, StringConstraints(pattern=r"^[\w-]+(:[\w-]+){1,2}$", max_length=200)]
    token: dict[str, Any]
    name: _Text | None = None
    displayName: _Text | None = None  # noqa: N815 - the API's name
    profileInfo: dict[str, Any] = Field(default_factory=dict[str, Any])  # noqa: N815 - likewise


class _Name(BaseModel):
    displayName: _Text  # noqa: N815 - the API's name


async def list_accounts(call: Call) -> Json:
    """List the user's accounts; the documents name no paging, so all come unless asked."""
    asked = listing(call.query, default_limit=MAX_NUMBER)
    found = asked.select(user_accounts(call).every(), pattern_in=("name", "displayName", "service"))
    return asked.page(found)


async def create_account(call: Call) -> Json:
    """Store an account; the sandbox reaches no service, and so checks neither scope nor token."""
    body = await call.body(_Account)
    return user_accounts(call).save(
        NewAccount(
            service=body.service,
            name=body.name or _name_from_profile(body),
            display_name=body.displayName,
            profile=body.profileInfo,
            token=body.token,
        )
    )


async def show_account(call: Call) -> Json:
    """Show one account; `valid` is the other dialect's word for not revoked."""
    return {**user_accounts(call).one(call.path("accountId")), "valid": True}


async def rename_account(call: Call) -> Json:
    """Give an account another display name."""
    body = await call.body(_Name)
    account_id = call.path("accountId")
    user_accounts(call).rename(account_id, body.displayName)
    return {"accountId": account_id}


async def delete_account(call: Call) -> Json:
    """Delete an account, and stop the flows that use it."""
    accounts, account_id = user_accounts(call), call.path("accountId")
    accounts.one(account_id)
    for flow in accounts.flows_using(account_id):
        await call.services.engine.stop_flow(flow["flow_id"])
    accounts.delete(account_id)
    return {"accountId": account_id}


async def test_account(call: Call) -> Json:
    """Say that the account's token is good; it is known by the account's id (ours)."""
    account = user_accounts(call).one(call.path("accountId"))
    return {account["accountId"]: "valid"}


async def list_account_flows(call: Call) -> Json:
    """List the flows that use an account."""
    accounts, account_id = user_accounts(call), call.path("accountId")
    accounts.one(account_id)
    flows = accounts.flows_using(account_id)
    return [{"flowId": flow["flow_id"], "name": flow["name"]} for flow in flows]


async def list_flow_accounts(call: Call) -> Json:
    """List the accounts that a flow's components use, each with their ids (shape ours)."""
    accounts = user_accounts(call)
    descriptor = owned_flow(call)["flow"]
    used: dict[str, list[str]] = {}
    for component_id, account_id in accounts.bindings().items():
        if component_id in descriptor:
            used.setdefault(account_id, []).append(component_id)
    return [accounts.one(account_id) | {"componentIds": ids} for account_id, ids in used.items()]


def user_accounts(call: Call) -> UserAccounts:
    """Return the accounts of who calls."""
    return UserAccounts(call.services.database, call.services.clock, call.user.user_id)


def _name_from_profile(account: _Account) -> str:
    """Return the name that the service itself would give: who the account belongs to."""
    for source in (account.profileInfo, account.token):
        for field in _NAME_FIELDS:
            name = source.get(field)
            if isinstance(name, str) and name.strip():
                return name.strip()[:500]
    return account.service


ENDPOINTS = (
    Endpoint("GET", "/accounts", list_accounts),
    Endpoint("POST", "/accounts", create_account),
    Endpoint("GET", "/accounts/flow/{flowId}", list_flow_accounts),
    Endpoint("GET", "/accounts/{accountId}", show_account),
    Endpoint("PUT", "/accounts/{accountId}", rename_account),
    Endpoint("DELETE", "/accounts/{accountId}", delete_account),
    Endpoint("POST", "/accounts/{accountId}/test", test_account),
    Endpoint("GET", "/accounts/{accountId}/flows", list_account_flows),
)
