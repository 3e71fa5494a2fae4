"""Accounts at third-party services, and who uses them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import JsonValue

from appmixer_mcp.errors import NotFoundError

from .call import Call, json_body, no_such, path, query, shown
from .dialect import refuse_arguments
from .models.accounts import Account, AccountFlow, ComponentAccounts
from .models.base import AccountId, ComponentId
from .resource import Resource


class Accounts(Resource):
    """The accounts of the signed-in user; the `openapi` dialect lists, shows and deletes them."""

    async def list_accounts(self, *, filters: Sequence[str] = ()) -> list[Account]:
        """Return all accounts, without their tokens; empty when there are none.

        Args:
            filters: `field:value`, for example `service:appmixer:slack`; all have to hold. Not in
                the `openapi` dialect.
        """
        if self._openapi:
            refuse_arguments("list_accounts", filters=tuple(filters))
        call = Call("GET", path("accounts"), query({"filter": filters}))
        return await self._transport.request(call, list[Account])

    async def get_account(self, account_id: AccountId, *, check: bool = True) -> Account:
        """Return one account.

        Args:
            account_id: Which one.
            check: Have the tenant ask the service whether the account still works, and say so in
                `valid`; a tenant that cannot leaves it None. The `openapi` dialect always checks.

        Raises:
            NotFoundError: There is none.

        Source: the two dialects have a call each; that every value but `valid` is a token that
        does not work is ours, the documentation names no other.
        """
        if self._openapi:
            call = Call("GET", path("accounts", account_id), advice=_no_account(account_id))
            return await self._transport.request(call, Account)
        for account in await self.list_accounts():
            if account.account_id == account_id:
                valid = await self._works(account_id) if check else account.valid
                return account.model_copy(update={"valid": valid})
        raise NotFoundError(_no_account(account_id)[404])

    async def create_account(
        self,
        data: Mapping[str, Any],
        *,
        validate_scope: bool = True,
        request_profile_info: bool = True,
    ) -> Account:
        """Create an account from tokens that were got elsewhere.

        Args:
            data: `service`, `token` (its fields depend on the service), optionally `name`,
                `displayName` and `profileInfo`.
            validate_scope: Have the API check what the token allows.
            request_profile_info: Have the API ask the service whose account it is.

        Source: documented; that the SDK's first argument is the query is ours, from its name.
        """
        self._needs_appmixer("create_account")
        asked = query({"validateScope": validate_scope, "requestProfileInfo": request_profile_info})
        call = Call(
            "POST",
            path("accounts"),
            asked,
            json_body(dict(data)),
            secrets=tuple(_texts(data.get("token"))),
        )
        return await self._transport.request(call, Account)

    async def list_component_accounts(
        self, component_type: str, component_id: ComponentId | None = None
    ) -> list[Account]:
        """Return the accounts that a component can use; empty when there are none.

        Args:
            component_type: For example `appmixer.slack.list.SendChannelMessage`.
            component_id: A component of a saved flow, to learn which account it has.
        """
        self._needs_appmixer("list_component_accounts")
        asked = query({"componentId": component_id})
        call = Call(
            "GET",
            path("auth", component_type),
            asked,
            advice={
                404: f"The API knows no component {shown(component_type)} that takes an account. "
                "Use a component's `type` from get_flow."
            },
        )
        return (await self._transport.request(call, ComponentAccounts)).auth.accounts

    async def assign_account(self, component_id: ComponentId, account_id: AccountId) -> None:
        """Have a component of a saved flow use an account, instead of the one it had.

        Raises:
            InputError: The account does not fit the component.
            NotFoundError: No flow of the user has such a component, or there is no such account.
        """
        self._needs_appmixer("assign_account")
        call = Call(
            "PUT",
            path("auth", "component", component_id, account_id),
            body=json_body({}),
            advice={
                404: f"No flow of this user has the component {shown(component_id)}, or there is "
                f"no account {shown(account_id)}. See get_flow and list_accounts."
            },
        )
        await self._transport.send(call)

    async def unassign_account(self, component_id: ComponentId) -> None:
        """Take the account away from a component of a saved flow."""
        self._needs_appmixer("unassign_account")
        call = Call(
            "DELETE",
            path("auth", "component", component_id),
            advice={404: f"No flow of this user has the component {shown(component_id)}."},
        )
        await self._transport.send(call)

    async def list_account_flows(self, account_id: AccountId) -> list[AccountFlow]:
        """Return the flows that use an account; empty when none does."""
        self._needs_appmixer("list_account_flows")
        call = Call("GET", path("accounts", account_id, "flows"), advice=_no_account(account_id))
        return await self._transport.request(call, list[AccountFlow])

    async def delete_account(self, account_id: AccountId) -> None:
        """Delete an account; the flows that use it stop."""
        await self._transport.send(
            Call("DELETE", path("accounts", account_id), advice=_no_account(account_id))
        )

    async def set_account_name(self, account_id: AccountId, new_name: str) -> None:
        """Set the name that people see."""
        self._needs_appmixer("set_account_name")
        call = Call(
            "PUT",
            path("accounts", account_id),
            body=json_body({"displayName": new_name}),
            advice=_no_account(account_id),
        )
        await self._transport.send(call)

    async def _works(self, account_id: AccountId) -> bool | None:
        """Have the tenant ask the service; None where it cannot."""
        call = Call("POST", path("accounts", account_id, "test"))
        tokens = await self._transport.find(call, dict[str, JsonValue])
        return all(one == "valid" for one in tokens.values()) if tokens else None


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a token, which may be nested and hold scopes beside secrets."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[object, object]", value).values():
            yield from _texts(item)


def _no_account(account_id: AccountId) -> dict[int, str]:
    return no_such("account", account_id, "list_accounts")
