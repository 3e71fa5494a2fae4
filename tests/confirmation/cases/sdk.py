"""One case for each way in which a tool of the SDK destroys or decides something."""

from collections.abc import Awaitable
from typing import Any

from tests.confirmation.case import ON_START, Api, Arguments, Case


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
