"""Accounts at third-party services, and who uses them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from .call import Call, json_body, no_such, path, query, shown
from .dialect import refuse_arguments
from .models.accounts import Account, AccountFlow, ComponentAccounts
from .models.base import AccountId, ComponentId
from .resource import Resource


class Accounts(Resource):
    """The accounts of the signed-in user; the `openapi` dialect can only list them."""

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

    async def list_account_flows(self, account_id: AccountId) -> list[AccountFlow]:
        """Return the flows that use an account; empty when none does."""
        self._needs_appmixer("list_account_flows")
        call = Call("GET", path("accounts", account_id, "flows"), advice=_no_account(account_id))
        return await self._transport.request(call, list[AccountFlow])

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


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a token, which may be nested and hold scopes beside secrets."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[object, object]", value).values():
            yield from _texts(item)


def _no_account(account_id: AccountId) -> dict[int, str]:
    return no_such("account", account_id, "list_accounts")
