"""What a case of the confirmation tests is: a call that must not act without a yes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.ids import ChartId, FlowId, StoreId, TaskId
from tests.serving import plain_http

if TYPE_CHECKING:
    from appmixer_mcp.journal import Journal

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
        self.journal: Journal
        """Of the servers under test, where there is one."""

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
