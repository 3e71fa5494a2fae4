"""What the components of a flow can refer to, and where their webhooks are."""

import sqlite3
from functools import partial
from typing import Annotated, NotRequired

import anyio.to_thread
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox import components, modifiers
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.flow_variables import ComponentVariables, FlowVariables
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.sharing import owned_flow


class FlowVariable(TypedDict):
    """Something that every component can refer to."""

    label: str
    category: list[str]
    name: str


class Variables(TypedDict):
    """What the components of a flow can refer to."""

    components: dict[str, ComponentVariables]
    flow: NotRequired[list[FlowVariable]]


class TriggerUrl(TypedDict):
    """Where a component takes calls."""

    url: str


class _Wanted(BaseModel):
    IDs: Annotated[list[str], Field(max_length=10_000)] | None = None
    links: bool = True
    properties: bool = True


class _Fetch(BaseModel):
    useCache: bool = True  # noqa: N815 - the API's name; there is nothing to cache here
    flow: bool = True
    components: _Wanted = Field(default_factory=_Wanted)


async def fetch_variables(call: Call) -> Variables:
    """Tell what the components of a flow, or those that are named, can refer to."""
    body = await call.body(_Fetch)
    descriptor = owned_flow(call)["flow"]
    found = await anyio.to_thread.run_sync(partial(_found, descriptor, body.components))
    answer: Variables = {"components": found}
    if body.flow:
        answer["flow"] = [
            {"label": one.label, "category": list(one.categories), "name": one.id}
            for one in modifiers.every()
            if one.flow_variable
        ]
    return answer


async def get_trigger_url(call: Call) -> TriggerUrl:
    """Tell where a component of the caller's flows takes calls (the shape is ours)."""
    component_id = call.path("componentId")
    sought = (call.user.user_id, component_id)

    def found(connection: sqlite3.Connection) -> sqlite3.Row | None:
        row: sqlite3.Row | None = connection.execute(
            "SELECT flow_id, json_extract(json_each.value, '$.type') AS type"
            " FROM flow, json_each(descriptor_json) WHERE user_id = ? AND key = ?"
            " ORDER BY mtime_ms DESC",
            sought,
        ).fetchone()
        return row

    row = await call.services.database.read(found)
    component = None if row is None else components.find(row["type"])
    if row is None or component is None or component.on_webhook is None:
        raise NotFoundError("Component not found in any of your flows, or without a webhook.")
    base = call.services.config.public_url
    return {"url": f"{base}/flows/{row['flow_id']}/components/{component_id}"}


def _found(descriptor: dict[str, Json], wanted: _Wanted) -> dict[str, ComponentVariables]:
    flow_variables = FlowVariables(descriptor)
    ids = descriptor if wanted.IDs is None else [one for one in wanted.IDs if one in descriptor]
    return {
        component_id: flow_variables.of(
            component_id, links=wanted.links, properties=wanted.properties
        )
        for component_id in ids
    }


ENDPOINTS = (
    Endpoint(
        "POST", "/variables/{flowId}/fetch", fetch_variables,
        body=_Fetch, answer=Variables, statuses=(403,),
    ),
    Endpoint("GET", "/triggers/{componentId}/url", get_trigger_url, answer=TriggerUrl),
)  # fmt: skip
