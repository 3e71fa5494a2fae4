"""Which accounts the components of flows can use, and which they do use."""

from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.routes.accounts import user_accounts
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.flows import owned_flow


async def list_component_accounts(call: Call) -> Json:
    """List the accounts that a component type can use; `componentId` tells which one it does."""
    component_type = call.path("componentType")
    component_id = call.query.get("componentId", "")
    accounts = user_accounts(call)
    bound = accounts.bindings().get(component_id)
    usable = {
        account["accountId"]: _usable(account, component_id, bound)
        for account in accounts.usable_by(component_type)
    }
    return {"componentType": component_type, "auth": {"accounts": usable}}


async def show_flow_authentication(call: Call) -> Json:
    """Show, for each component of a flow that can use accounts, which ones and which it does.

    The inner shape is ours: that of a single component, plus `accountId` where one is bound.
    """
    accounts = user_accounts(call)
    bindings = accounts.bindings()
    components: dict[str, Json] = {}
    services: dict[str, Json] = {}
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


async def bind_account(call: Call) -> Json:
    """Have a component use an account."""
    component_id, account_id = call.path("componentId"), call.path("accountId")
    user_accounts(call).bind(component_id, account_id)
    return {"componentId": component_id, "accountId": account_id}


async def unbind_account(call: Call) -> Json:
    """Have a component use no account any more, or no longer the one that is named."""
    component_id = call.path("componentId")
    account_id = call.path("accountId") if "accountId" in call.request.path_params else ""
    user_accounts(call).unbind(component_id, account_id)
    return {"componentId": component_id}


def _usable(account: dict[str, Json], component_id: str, bound: str | None) -> dict[str, Json]:
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


ENDPOINTS = (
    Endpoint("GET", "/auth/flow/{flowId}", show_flow_authentication),
    Endpoint("GET", "/auth/{componentType}", list_component_accounts),
    Endpoint("PUT", "/auth/component/{componentId}/{accountId}", bind_account),
    Endpoint("DELETE", "/auth/component/{componentId}", unbind_account),
    Endpoint("DELETE", "/auth/component/{componentId}/{accountId}", unbind_account),
)
