"""Which accounts the components of flows can use and do use, and how one is connected."""

import re
from typing import NotRequired
from urllib.parse import quote, urlencode

from starlette.responses import Response
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.accounts import Account
from appmixer_mcp.sandbox.auth_tickets import AuthStatus, AuthTickets
from appmixer_mcp.sandbox.jobs import Ticket
from appmixer_mcp.sandbox.routes.accounts import user_accounts
from appmixer_mcp.sandbox.routes.auth_pages import outcome_page
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.sharing import owned_flow

_COMPONENT_TYPE = re.compile(r"[A-Za-z0-9_-]+([.:][A-Za-z0-9_-]+){1,3}")
_COMPONENT_TYPE_MAX = 200
_ERROR_MAX = 500


class ComponentAccount(TypedDict):
    """An account that a component can use."""

    accountId: str
    tokenId: str
    accessTokenValid: bool
    scopeValid: bool
    componentAssigned: bool
    componentId: str
    authorizedScope: list[str]
    name: str
    displayName: str | None


class _Accounts(TypedDict):
    accounts: dict[str, ComponentAccount]


class ComponentAccounts(TypedDict):
    """The accounts that a component type can use, by their ids."""

    componentType: str
    auth: _Accounts


class ComponentAuthentication(TypedDict):
    """What one component of a flow can use, and what it does."""

    componentType: str
    accountId: str | None
    accounts: dict[str, ComponentAccount]


class FlowAuthentication(TypedDict):
    """The same of a whole flow, and all accounts of the services it can use, by service."""

    components: dict[str, ComponentAuthentication]
    services: dict[str, dict[str, Account]]


class Binding(TypedDict):
    """Which component was changed, and which account it has now."""

    componentId: str
    accountId: NotRequired[str]


class AuthUrl(TypedDict):
    """Where the person authorises the service."""

    authUrl: str


async def get_component_accounts(call: Call) -> ComponentAccounts:
    """List the accounts that a component type can use; `componentId` tells which one it does."""
    component_type = _component_type(call)
    component_id = call.query.get("componentId", "")
    accounts = user_accounts(call)
    bound = accounts.bindings().get(component_id)
    usable = {
        account["accountId"]: _usable(account, component_id, bound)
        for account in accounts.usable_by(component_type)
    }
    return {"componentType": component_type, "auth": {"accounts": usable}}


async def get_flow_authentication(call: Call) -> FlowAuthentication:
    """Show, for each component of a flow that can use accounts, which ones and which it does.

    The inner shape is ours: that of a single component, plus `accountId` where one is bound.
    """
    accounts = user_accounts(call)
    bindings = accounts.bindings()
    components: dict[str, ComponentAuthentication] = {}
    services: dict[str, dict[str, Account]] = {}
    for component_id, entry in owned_flow(call)["flow"].items():
        bound = bindings.get(component_id)
        usable = accounts.usable_by(entry["type"])
        if not usable and bound is None:
            continue
        components[component_id] = {
            "componentType": entry["type"],
            "accountId": bound,
            "accounts": {
                account["accountId"]: _usable(account, component_id, bound) for account in usable
            },
        }
        for account in usable:
            services.setdefault(account["service"], {})[account["accountId"]] = account
    return {"components": components, "services": services}


async def assign_account(call: Call) -> Binding:
    """Have a component use an account."""
    component_id, account_id = call.path("componentId"), call.path("accountId")
    user_accounts(call).bind(component_id, account_id)
    return {"componentId": component_id, "accountId": account_id}


async def unassign_account(call: Call) -> Binding:
    """Have a component use no account any more, or no longer the one that is named."""
    component_id = call.path("componentId")
    account_id = call.path("accountId") if "accountId" in call.request.path_params else ""
    user_accounts(call).unbind(component_id, account_id)
    return {"componentId": component_id}


async def create_auth_ticket(call: Call) -> Ticket:
    """Begin a session in which an account is connected with a browser."""
    return {"ticket": _tickets(call).create(call.user.user_id)}


async def get_auth_url(call: Call) -> AuthUrl:
    """Give the URL that a browser has to open; `componentId` is bound to the account (ours)."""
    component_type = _component_type(call)
    component_id = call.query.get("componentId", "")
    state = _tickets(call).open(
        call.user.user_id, call.path("ticket"), component_type, component_id
    )
    path = f"/auth/{quote(component_type, safe='')}/callback"
    query = urlencode({"code": "sandbox", "state": state})
    return {"authUrl": f"{call.services.config.public_url}{path}?{query}"}


async def auth_callback(call: Call) -> Response:
    """Connect a made-up account, and show a page that says so: there is no service to ask."""
    error = call.query.get("error", "")[:_ERROR_MAX]
    if not error and not call.query.get("code"):
        raise InputError("This URL needs a code, or an error. Ask for a new one.")
    outcome = _tickets(call).finish(call.query.get("state", ""), _component_type(call), error)
    return outcome_page(outcome)


async def get_auth_status(call: Call) -> AuthStatus:
    """Tell how far a session is, and which account came of it."""
    return _tickets(call).status(call.user.user_id, call.path("ticket"))


def _component_type(call: Call) -> str:
    found = call.path("componentType")
    if len(found) > _COMPONENT_TYPE_MAX or not _COMPONENT_TYPE.fullmatch(found):
        raise NotFoundError(f"{found[:_COMPONENT_TYPE_MAX]!r} is no component type, nor a service.")
    return found


def _tickets(call: Call) -> AuthTickets:
    return AuthTickets(call.services.database, call.services.clock)


def _usable(account: Account, component_id: str, bound: str | None) -> ComponentAccount:
    account_id = account["accountId"]
    return {
        "accountId": account_id,
        "tokenId": account_id,
        "accessTokenValid": True,
        "scopeValid": True,
        "componentAssigned": account_id == bound,
        "componentId": component_id,
        "authorizedScope": [],
        "name": account["name"],
        "displayName": account["displayName"],
    }


_COMPONENT_ID = (Parameter(name="componentId"),)

ENDPOINTS = (
    Endpoint("GET", "/auth/flow/{flowId}", get_flow_authentication, answer=FlowAuthentication),
    Endpoint(
        "GET",
        "/auth/{componentType}",
        get_component_accounts,
        query=_COMPONENT_ID,
        answer=ComponentAccounts,
    ),
    Endpoint("PUT", "/auth/component/{componentId}/{accountId}", assign_account, answer=Binding),
    Endpoint("DELETE", "/auth/component/{componentId}", unassign_account, answer=Binding),
    Endpoint(
        "DELETE",
        "/auth/component/{componentId}/{accountId}",
        unassign_account,
        answer=Binding,
        ours=True,
    ),
    Endpoint("POST", "/auth/ticket", create_auth_ticket, answer=Ticket),
    Endpoint("GET", "/auth/status/{ticket}", get_auth_status, answer=AuthStatus),
    Endpoint(
        "GET",
        "/auth/{componentType}/auth-url/{ticket}",
        get_auth_url,
        query=_COMPONENT_ID,
        answer=AuthUrl,
    ),
    Endpoint(
        "GET",
        "/auth/{componentType}/callback",
        auth_callback,
        auth="none",
        query=(Parameter(name="code"), Parameter(name="state"), Parameter(name="error")),
        answer_type="text/html",
    ),
)
