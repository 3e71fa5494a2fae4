"""A change that is taken back, and a record that is changed."""

from typing import Any

from appmixer_mcp.ids import FlowId, StoreId
from appmixer_mcp.journal import flow_state
from tests.confirmation.case import Api, Arguments, Case


async def _owner(api: Api) -> str:
    async def user_id() -> str:
        return (await api.client.users.get_user()).user_id

    return await api.journal.owner("", api.url, user_id)


async def _renamed(api: Api) -> Arguments:
    """Rename a flow as a tool does, and return the change."""
    flows, owner = api.client.flows, await _owner(api)
    flow_id = FlowId((await api.make_flow())["flow_id"])
    before = flow_state(await flows.get_flow(flow_id))
    change_id = await api.journal.begin(owner, "flow", flow_id, "Flow", before, tool="update_flow")
    await flows.update_flow(flow_id, {"name": "Renamed"})
    await api.journal.finish(change_id, flow_id, flow_state(await flows.get_flow(flow_id)))
    return {"change_id": change_id}


async def _flow(api: Api, arguments: Arguments) -> Any:
    change, _ = await api.journal.find(await _owner(api), arguments["change_id"])
    return await api.flow(FlowId(change.object_id))


async def _update_record(api: Api) -> Arguments:
    return await api.make_store(k="old") | {"key": "k", "value": "new"}


async def _store(api: Api, arguments: Arguments) -> Any:
    return await api.store(StoreId(arguments["store_id"]))


CASES = (
    Case(
        "undo_change",
        _renamed,
        _flow,
        ("Renamed", "stopped", ["a", "b"]),
        ("Flow", "stopped", ["a", "b"]),
    ),
    Case(
        "update_store_item",
        _update_record,
        _store,
        ("Store", {"k": "old"}),
        ("Store", {"k": "new"}),
    ),
)
