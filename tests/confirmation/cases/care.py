"""One case for each way in which looking after users, accounts, files and messages destroys."""

from typing import Any
from uuid import uuid4

import anyio

from tests.confirmation.case import Api, Arguments, Case

_NOWHERE = {"storeId": "no-such-store", "key": "k", "value": "v"}
_FAILING = {
    "start": {"type": "appmixer.utils.controls.OnStart", "source": {}},
    "save": {
        "type": "appmixer.utils.storage.Set",
        "label": "Save",
        "source": {"in": {"start": ["out"]}},
        "config": {
            "transform": {
                "in": {"start": {"out": {"type": "json2new", "lambda": _NOWHERE, "modifiers": {}}}}
            }
        },
    },
}


async def _make_user(api: Api) -> Arguments:
    who = {"username": f"{uuid4()}@example.com", "password": "a-long-password"}
    return {"user_id": (await api.post("/user", who))["user"]["id"]}


async def _promote(api: Api) -> Arguments:
    return await _make_user(api) | {"scope": ["user", "tester"]}


async def _roles(api: Api, arguments: Arguments) -> Any:
    return (await api.client.users.get_user_by_id(arguments["user_id"])).scope


async def _make_account(api: Api) -> Arguments:
    data = {"service": "acme:crm", "token": {"key": "k"}, "name": str(uuid4())}
    return {"account_id": str((await api.client.accounts.create_account(data)).account_id)}


async def _service(api: Api, arguments: Arguments) -> Any:
    account = await api.client.accounts.get_account(arguments["account_id"], check=False)
    return account.service


async def _make_file(api: Api) -> Arguments:
    return {"file_id": str((await api.client.files.upload_file("may.csv", b"a;b")).file_id)}


async def _content(api: Api, arguments: Arguments) -> Any:
    return await api.client.files.read_file(arguments["file_id"])


async def _make_message(api: Api) -> Arguments:
    flow_id = await api.client.flows.create_flow("Failing", _FAILING)
    await api.client.flows.start_flow(flow_id)
    with anyio.fail_after(10):
        while not (found := await api.client.messages.list_unprocessed(flow_id)):
            await anyio.lowlevel.checkpoint()
    return {"message_ids": [str(found[0].message_id)]}


async def _component(api: Api, arguments: Arguments) -> Any:
    (message_id,) = arguments["message_ids"]
    return (await api.client.messages.get_unprocessed(message_id)).component_id


CASES = (
    Case("update_user", _promote, _roles, ["user"], ["user", "tester"]),
    Case("delete_user", _make_user, _roles, ["user"]),
    Case("delete_account", _make_account, _service, "acme:crm"),
    Case("delete_file", _make_file, _content, b"a;b"),
    Case("delete_unprocessed", _make_message, _component, "save"),
)
