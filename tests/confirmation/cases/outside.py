"""What starts flows from outside, imports into stores, and versions that replace a flow."""

from typing import Any

from appmixer_mcp.ids import ComponentId, FlowId, StoreId
from tests.confirmation.case import ON_START, TWO, Api, Arguments, Case
from tests.tools.conftest import ECHO


def _writing(store_id: str, sender: str, port: str) -> dict[str, Any]:
    """Return a component that writes a record for each message of another one."""
    record = {"storeId": store_id, "key": "k", "value": "v"}
    link = {"type": "json2new", "lambda": record, "modifiers": {}}
    return {
        "type": "appmixer.utils.storage.Set",
        "source": {"in": {sender: [port]}},
        "config": {"transform": {"in": {sender: {port: link}}}},
    }


async def _running(api: Api, descriptor: dict[str, Any]) -> str:
    flow_id = await api.client.flows.create_flow("Flow", descriptor)
    await api.client.flows.start_flow(flow_id)
    return str(flow_id)


async def _trigger(api: Api) -> Arguments:
    """Make a flow that answers once it has written a record."""
    store_id = (await api.make_store())["store_id"]
    flow_id = await _running(
        api,
        {
            "hook": ECHO["hook"],
            "set": _writing(store_id, "hook", "request"),
            "reply": {"type": ECHO["reply"]["type"], "source": {"in": {"set": ["out"]}}},
        },
    )
    return {"flow_id": flow_id, "component": "hook", "body": {"store": store_id}}


async def _records(api: Api, arguments: Arguments) -> Any:
    return (await api.store(StoreId(arguments["body"]["store"])))[1]


async def _event(api: Api) -> Arguments:
    """Make a flow that writes a record when it hears of an event, and answers requests."""
    store_id = (await api.make_store())["store_id"]
    ear = {
        "type": "appmixer.utils.appevents.OnAppEvent",
        "source": {},
        "config": {"properties": {"event": store_id}},
    }
    heard = {"ear": ear, "set": _writing(store_id, "ear", "out")}
    return {"event": store_id, "flow_id": await _running(api, ECHO | heard)}


async def _written(api: Api, arguments: Arguments) -> Any:
    """Return the records, once the flow has done what it was to do before."""
    for _ in range(2):
        answer = await api.client.events.call_webhook(
            FlowId(arguments["flow_id"]), ComponentId("hook"), body=b"{}"
        )
        assert answer.status == 200
    return (await api.store(StoreId(arguments["event"])))[1]


async def _import(api: Api) -> Arguments:
    items = [{"key": "k", "value": "new"}, {"key": "l", "value": "more"}]
    return await api.make_store(k="old") | {"items": items, "overwrite": True}


def _store(api: Api, arguments: Arguments) -> Any:
    return api.store(StoreId(arguments["store_id"]))


async def _version(api: Api) -> Arguments:
    flow_id = await api.client.flows.create_flow("Flow", TWO)
    version = await api.client.versions.save_flow_version(flow_id)
    assert version is not None
    await api.client.flows.update_flow(flow_id, {"flow": {"a": ON_START}})
    return {"flow_id": str(flow_id), "version_id": version.version_id}


async def _components(api: Api, arguments: Arguments) -> Any:
    return (await api.flow(FlowId(arguments["flow_id"])))[2]


CASES = (
    Case("trigger_component", _trigger, _records, {}, {"k": "v"}),
    Case("send_app_event", _event, _written, {}, {"k": "v"}),
    Case(
        "import_store_items",
        _import,
        _store,
        ("Store", {"k": "old"}),
        ("Store", {"k": "new", "l": "more"}),
    ),
    Case("restore_flow_version", _version, _components, ["a"], ["a", "b"]),
)
