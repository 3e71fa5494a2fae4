"""One case for each way in which a tool destroys or decides something."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.ids import ChartId, FlowId, StoreId, TaskId
from tests.serving import plain_http

ME = "ann@example.com"
ON_START = {"type": "appmixer.utils.controls.OnStart", "source": {}}
TWO = {"a": ON_START, "b": ON_START}

Arguments = dict[str, Any]


class Api:
    """The tenant itself, without anything of ours between: makes objects, and shows them."""

    def __init__(self, url: str, token: str, client: AppmixerClient) -> None:
        self.url = url
        self.token = token
        self.client = client

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send what no client of ours has a method for."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with plain_http(headers) as http:
            answer = await http.post(f"{self.url}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def make_flow(self, name: str = "Flow", *, runs: bool = False) -> Arguments:
        flow_id = await self.client.flows.create_flow(name, TWO)
        if runs:
            await self.client.flows.start_flow(flow_id)
        return {"flow_id": str(flow_id)}

    async def flow(self, flow_id: FlowId) -> Any:
        """Return name, stage and components of a flow."""
        flow = await self.client.flows.get_flow(flow_id)
        return flow.name, flow.stage, sorted(flow.flow or {})

    async def make_store(self, name: str = "Store", **records: str) -> Arguments:
        store_id = await self.client.stores.create_store(name)
        for key, value in records.items():
            await self.client.stores.create_store_item(store_id, key, value)
        return {"store_id": str(store_id)}

    async def write(self, store_id: StoreId, **records: str) -> None:
        for key, value in records.items():
            await self.client.stores.create_store_item(store_id, key, value)

    async def store(self, store_id: StoreId) -> Any:
        """Return the name of a store, and its records."""
        store = await self.client.stores.get_store(store_id)
        records = await self.client.stores.list_store_records(store_id)
        return store.name, {record.key: record.value for record in records}

    async def make_chart(self) -> Arguments:
        made = await self.post("/charts", {"name": "Chart"})
        return {"chart_id": made["chartId"]}

    async def chart(self, chart_id: ChartId) -> Any:
        return (await self.client.charts.get_chart(chart_id)).name

    async def make_task(self, title: str = "Pay?") -> Arguments:
        wanted = {"title": title, "requester": "r@example.com", "approver": ME}
        return {"task_id": (await self.post("/people-task/tasks", wanted))["taskId"]}

    async def task(self, task_id: TaskId) -> Any:
        return (await self.client.tasks.get_task(task_id)).status


@dataclass(frozen=True)
class Case:
    """A call that must not act without a yes."""

    tool: str
    make: Callable[[Api], Awaitable[Arguments]]
    """Makes the object; returns the arguments of the call."""
    look: Callable[[Api, Arguments], Awaitable[Any]]
    before: Any
    after: Any = None
    """What is seen once the call has acted; None for an object that is gone."""
    named: str = ""

    def __str__(self) -> str:
        return self.tool + (f", {self.named}" if self.named else "")

    async def seen(self, api: Api, arguments: Arguments) -> Any:
        """Return what there is of the object; None when it is gone."""
        try:
            return await self.look(api, arguments)
        except NotFoundError:
            return None


def _flow(api: Api, arguments: Arguments) -> Awaitable[Any]:
    return api.flow(arguments["flow_id"])


def _store(api: Api, arguments: Arguments) -> Awaitable[Any]:
    return api.store(arguments["store_id"])


def _chart(api: Api, arguments: Arguments) -> Awaitable[Any]:
    return api.chart(arguments["chart_id"])


def _task(api: Api, arguments: Arguments) -> Awaitable[Any]:
    return api.task(arguments["task_id"])


async def _rename_running(api: Api) -> Arguments:
    return await api.make_flow(runs=True) | {"name": "Renamed"}


async def _remove_component(api: Api) -> Arguments:
    return await api.make_flow() | {"descriptor": {"a": ON_START}}


async def _delete_records(api: Api) -> Arguments:
    return await api.make_store(j="1", k="2", l="3") | {"keys": ["j", "k"]}


async def _overwrite(api: Api) -> Arguments:
    return await api.make_store(k="old") | {"key": "k", "value": "new", "overwrite": True}


CASES = (
    Case("delete_flow", Api.make_flow, _flow, ("Flow", "stopped", ["a", "b"])),
    Case(
        "update_flow",
        _rename_running,
        _flow,
        ("Flow", "running", ["a", "b"]),
        ("Renamed", "running", ["a", "b"]),
        named="which runs",
    ),
    Case(
        "update_flow",
        _remove_component,
        _flow,
        ("Flow", "stopped", ["a", "b"]),
        ("Flow", "stopped", ["a"]),
        named="a component goes",
    ),
    Case("delete_store", lambda api: api.make_store(k="v"), _store, ("Store", {"k": "v"})),
    Case(
        "delete_store_items",
        _delete_records,
        _store,
        ("Store", {"j": "1", "k": "2", "l": "3"}),
        ("Store", {"l": "3"}),
    ),
    Case("create_store_item", _overwrite, _store, ("Store", {"k": "old"}), ("Store", {"k": "new"})),
    Case("delete_chart", Api.make_chart, _chart, "Chart"),
    Case("approve_task", Api.make_task, _task, "pending", "approved"),
    Case("reject_task", Api.make_task, _task, "pending", "rejected"),
)
