"""Single accounts: whether they still work, and removing them."""

from dataclasses import replace
from typing import TYPE_CHECKING

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.results import Outcome, Text
from appmixer_mcp.toolset import DESTROY, READ, ToolContext

from ._shared import AccountId, plural
from .accounts import TOOLSET, AccountState

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.accounts import AccountFlow


class AccountChecked(AccountState):
    """One account, and whether the service still accepts it."""

    next_step: Text = None


class AccountDeleted(Outcome):
    """What became of an account."""

    account_id: Text = None


@TOOLSET.tool("Get account", replace(READ, open_world=True))  # the service is asked
async def get_account(ctx: ToolContext, account_id: AccountId) -> AccountChecked:
    """Check whether the service still accepts an account; its secrets are never shown."""
    account = await (await ctx.client()).accounts.get_account(account_id)
    is_broken = account.revoked or account.valid is False
    return AccountChecked(
        account_id=account.account_id,
        service=account.service,
        name=account.display_name or account.name,
        revoked=account.revoked,
        valid=account.valid,
        next_step="The person has to connect it again in Appmixer; list_account_flows shows the "
        "flows that wait for it."
        if is_broken
        else None,
    )


async def _delete_impact(ctx: ToolContext, account_id: AccountId) -> Impact:
    client = await ctx.client()
    account = await client.accounts.get_account(account_id, check=False)
    flows = await _flows_using(client, account_id)
    name = account.display_name or account.name or account_id
    losses = ["The sign-in, for good: only the person can connect the account again"]
    if flows is None:
        losses.append("The flows that use it stop; this tenant does not tell which.")
    elif flows:
        losses.append(f"{plural(len(flows), 'flow')} can no longer run with it")
        losses += [f"The flow {quoted(one.name)} uses it, and stops." for one in flows]
    return Impact(
        question=f"Delete the account {quoted(name)} of {quoted(account.service)}?",
        losses=losses,
        identity={
            "account_id": account_id,
            "name": name,
            "service": account.service or "",
            "flows": ",".join(sorted(one.flow_id for one in flows or [])),
        },
    )


@TOOLSET.tool("Delete account", DESTROY, preview=_delete_impact)
async def delete_account(ctx: ToolContext, account_id: AccountId) -> AccountDeleted:
    """Delete an account for good; the flows that use it stop, and are shown first."""
    await (await ctx.client()).accounts.delete_account(account_id)
    return AccountDeleted(
        done=True, message=f"Deleted the account {quoted(account_id)}.", account_id=account_id
    )


async def _flows_using(
    client: "AppmixerClient", account_id: AccountId
) -> "list[AccountFlow] | None":
    if client.dialect == "openapi":  # it has no call for that
        return None
    return await client.accounts.list_account_flows(account_id)
