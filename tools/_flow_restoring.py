"""Deleted flows: what is kept of one, and how it is made again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from appmixer_mcp.errors import (
    AppmixerError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    UnexpectedAnswerError,
)
from appmixer_mcp.ids import AccountId, ComponentId, FlowId
from appmixer_mcp.journal.states import whole_flow_state

from ._flow_reading import whole_flow
from ._shared import plural

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow

_ACCOUNTS = "accounts"
_NO_CHOICE = (NotFoundError, ForbiddenError, InputError, ConflictError)
"""How tenants refuse an id that somebody else chose."""
_NO_ANSWER = (NotFoundError, ForbiddenError, InputError, UnexpectedAnswerError)
_LAST_RESORT = ("customFields", "description")


async def deleted_state(client: "AppmixerClient", flow: "Flow") -> dict[str, Any]:
    """Return all that it takes to make a flow again.

    Args:
        client: Of the flow's owner, who is asked which accounts its components use.
        flow: With its pictures.
    """
    state = whole_flow_state(flow)
    accounts = await _accounts(client, flow.flow_id)
    return state | {_ACCOUNTS: accounts} if accounts else state


async def restored(
    client: "AppmixerClient", flow_id: str, state: Mapping[str, Any]
) -> tuple[FlowId, list[str]]:
    """Make a deleted flow again, stopped; under its old id where the tenant lets one choose.

    Args:
        client: Of the flow's owner.
        flow_id: Its old id.
        state: From `deleted_state`.

    Returns:
        Its id now, and sentences about what is not as it was.
    """
    content = {name: value for name, value in state.items() if name != _ACCOUNTS}
    name, old_id = str(content.get("name", "")), FlowId(flow_id)
    try:
        await client.flows.update_flow(old_id, content)
        await whole_flow(client, old_id)  # some accept it and do nothing
    except _NO_CHOICE:
        own = {one: content[one] for one in _LAST_RESORT if one in content}
        new_id = await client.flows.create_flow(name, content.get("flow"), own)
        note = (
            f"This tenant gave it another id, {new_id}: its webhooks have new URLs, and whatever "
            f"names the old id, {flow_id}, has to be changed."
        )
    else:
        new_id, note = old_id, ""
    lost = await _assigned_again(client, state.get(_ACCOUNTS, {}))
    return new_id, [one for one in (note, lost) if one]


async def _accounts(client: "AppmixerClient", flow_id: FlowId) -> dict[str, str]:
    """Return component id -> the account that it uses, as far as the tenant tells.

    Source: `accountId` is the sandbox's; `componentAssigned` is documented for one component.
    """
    if client.dialect != "appmixer":
        return {}
    try:
        found = await client.flows.get_flow_authentication(flow_id)
    except _NO_ANSWER:  # older tenants do not tell, and of a flow of somebody else's none does
        return {}
    used = {one: _account(entry) for one, entry in found.components.items()}
    return {one: account for one, account in used.items() if account}


def _account(entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    known = cast("dict[str, Any]", entry)
    if isinstance(known.get("accountId"), str):
        return str(known["accountId"])
    usable = known.get("accounts")
    if not isinstance(usable, dict):
        return ""
    for account_id, account in cast("dict[str, Any]", usable).items():
        if isinstance(account, dict):
            about = cast("dict[str, Any]", account)
            if about.get("componentAssigned") is True:
                return account_id
    return ""


async def _assigned_again(client: "AppmixerClient", accounts: Mapping[str, str]) -> str:
    failed = 0
    for component_id, account_id in accounts.items():
        try:
            await client.accounts.assign_account(ComponentId(component_id), AccountId(account_id))
        except AppmixerError:  # such as one that was deleted, too; the flow is back all the same
            failed += 1
    if not failed:
        return ""
    return f"{plural(failed, 'component')} lost the account; assign_account gives it another."
