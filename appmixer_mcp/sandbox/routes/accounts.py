"""Accounts of other services."""

from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from pydantic import BaseModel, Field, StringConstraints
from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.accounts import Account, NewAccount, UserAccounts
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.listing import MAX_NUMBER, flag, listing
from appmixer_mcp.sandbox.routes.endpoint import LISTING, Call, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.sharing import owned_flow

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_PATTERN_IN = ("name", "displayName", "service")
_NAME_FIELDS = ("email", "username", "name", "login", "id")


class _NewAccount(BaseModel):
    service: Annotated[str, StringConstraints(pattern=r"^[\w-]+(:[\w-]+){1,2}$", max_length=200)]
    token: dict[str, Any]
    name: _Text | None = None
    displayName: _Text | None = None  # noqa: N815 - the API's name
    profileInfo: dict[str, Any] = Field(default_factory=dict[str, Any])  # noqa: N815 - likewise


class _Name(BaseModel):
    displayName: _Text  # noqa: N815 - the API's name


class FlowAccount(Account):
    """An account, and which components of a flow use it."""

    componentIds: list[str]  # noqa: N815 - the API's name


class AccountId(TypedDict):
    """Which account was changed."""

    accountId: str


class FlowName(TypedDict):
    """Which flow it is."""

    flowId: str
    name: str


async def list_accounts(call: Call) -> Json:
    """List the user's accounts; the documents name no paging, so all come unless asked."""
    asked = listing(call.query, identity="accountId", default_limit=MAX_NUMBER)
    return await anyio.to_thread.run_sync(
        partial(asked.listed, user_accounts(call).every(), pattern_in=_PATTERN_IN)
    )


async def create_account(call: Call) -> Account:
    """Store an account; the sandbox reaches no service, and so checks neither scope nor token."""
    flag(call.query, "validateScope")
    flag(call.query, "requestProfileInfo")
    body = await call.body(_NewAccount)
    return user_accounts(call).save(
        NewAccount(
            service=body.service,
            name=body.name or _name_from_profile(body),
            display_name=body.displayName,
            profile=body.profileInfo,
            token=body.token,
        )
    )


async def get_account(call: Call) -> Account:
    """Show one account."""
    return user_accounts(call).one(call.path("accountId"))


async def update_account(call: Call) -> AccountId:
    """Give an account another display name."""
    body = await call.body(_Name)
    account_id = call.path("accountId")
    user_accounts(call).rename(account_id, body.displayName)
    return {"accountId": account_id}


async def delete_account(call: Call) -> AccountId:
    """Delete an account, and stop the flows that use it."""
    accounts, account_id = user_accounts(call), call.path("accountId")
    accounts.one(account_id)
    using = partial(accounts.flows_using, account_id=account_id)
    with anyio.CancelScope(shield=True):  # a caller who leaves must not leave it half done
        for flow in await call.services.database.read(using):
            with suppress(NotFoundError):  # it was deleted meanwhile
                await call.services.engine.stop_flow(flow["flow_id"])
        accounts.delete(account_id)
    return {"accountId": account_id}


async def test_account(call: Call) -> dict[str, str]:
    """Say that the account's token is good; it is known by the account's id (ours)."""
    account = user_accounts(call).one(call.path("accountId"))
    return {account["accountId"]: "valid"}


async def list_account_flows(call: Call) -> list[FlowName]:
    """List the flows that use an account."""
    accounts, account_id = user_accounts(call), call.path("accountId")
    accounts.one(account_id)
    using = partial(accounts.flows_using, account_id=account_id)
    flows = await call.services.database.read(using)
    return [{"flowId": flow["flow_id"], "name": flow["name"]} for flow in flows]


async def list_flow_accounts(call: Call) -> list[FlowAccount]:
    """List the accounts that a flow's components use, each with their ids (shape ours)."""
    accounts = user_accounts(call)
    descriptor = owned_flow(call)["flow"]
    used: dict[str, list[str]] = {}
    for component_id, account_id in accounts.bindings().items():
        if component_id in descriptor:
            used.setdefault(account_id, []).append(component_id)
    return [{**accounts.one(account_id), "componentIds": ids} for account_id, ids in used.items()]


def user_accounts(call: Call) -> UserAccounts:
    """Return the accounts of who calls."""
    return UserAccounts(call.services.database, call.services.clock, call.user.user_id)


def _name_from_profile(account: _NewAccount) -> str:
    """Return the name that the service itself would give: who the account belongs to."""
    for source in (account.profileInfo, account.token):
        for field in _NAME_FIELDS:
            name = source.get(field)
            if isinstance(name, str) and name.strip():
                return name.strip()[:500]
    return account.service


_CHECKS = tuple(
    Parameter(name=name, options=("true", "false"))
    for name in ("validateScope", "requestProfileInfo")
)

ENDPOINTS = (
    Endpoint("GET", "/accounts", list_accounts, query=LISTING, answer=list[Account]),
    Endpoint("POST", "/accounts", create_account, query=_CHECKS, body=_NewAccount, answer=Account),
    Endpoint("GET", "/accounts/flow/{flowId}", list_flow_accounts, answer=list[FlowAccount]),
    Endpoint("GET", "/accounts/{accountId}", get_account, answer=Account),
    Endpoint("PUT", "/accounts/{accountId}", update_account, body=_Name, answer=AccountId),
    Endpoint("DELETE", "/accounts/{accountId}", delete_account, answer=AccountId),
    Endpoint("POST", "/accounts/{accountId}/test", test_account, answer=dict[str, str]),
    Endpoint("GET", "/accounts/{accountId}/flows", list_account_flows, answer=list[FlowName]),
)
