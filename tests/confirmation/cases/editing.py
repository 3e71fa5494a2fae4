"""Edits that take more than they leave, and edits of what runs."""

from collections.abc import Awaitable
from typing import Any

from appmixer_mcp.ids import FlowId
from appmixer_mcp.journal import digest_of, flow_state
from tests.confirmation.case import Api, Arguments, Case


def _flow(api: Api, arguments: Arguments) -> Awaitable[Any]:
    return api.flow(arguments["flow_id"])


async def _edit(api: Api, *operations: dict[str, str], runs: bool = False) -> Arguments:
    made = await api.make_flow(runs=runs)
    flow = await api.client.flows.get_flow(FlowId(made["flow_id"]))
    version = digest_of(flow_state(flow))
    return made | {"base_version": version, "operations": list(operations)}


async def _remove_both(api: Api) -> Arguments:
    return await _edit(api, *({"op": "remove", "component": one} for one in "ab"))


async def _remove_one_running(api: Api) -> Arguments:
    return await _edit(api, {"op": "remove", "component": "a"}, runs=True)


CASES = (
    Case(
        "edit_flow",
        _remove_both,
        _flow,
        ("Flow", "stopped", ["a", "b"]),
        ("Flow", "stopped", []),
        named="over half goes",
    ),
    Case(
        "edit_flow",
        _remove_one_running,
        _flow,
        ("Flow", "running", ["a", "b"]),
        ("Flow", "running", ["b"]),
        named="which runs",
    ),
)
