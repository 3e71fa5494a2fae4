"""Flows: listed, saved, copied, deleted."""

from typing import Annotated, Any

import anyio
from pydantic import BaseModel, Field, StringConstraints
from starlette.datastructures import QueryParams

from appmixer_mcp.descriptor import check_entries
from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.accounts import UserAccounts
from appmixer_mcp.sandbox.cloning import clone
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.listing import Listing, flag, listing
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.flow_problems import refuse
from appmixer_mcp.sandbox.user_flows import EXTRA_FIELDS, UserFlows

_PATTERN_IN = ("name", "flowId")


class _Flow(BaseModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None
    flow: Any = None
    description: str | None = None
    customFields: dict[str, Any] | None = None  # noqa: N815 - the API's name, as those below
    thumbnail: str | None = None
    sharedWith: list[Any] | None = None  # noqa: N815
    type: str | None = None
    wizard: dict[str, Any] | None = None
    svg: str | None = None
    categories: list[str] | None = None
    notes: Any = None
    componentIdMap: dict[str, str] | None = None  # noqa: N815
    revision: Any = None

    def descriptor(self) -> dict[str, Json] | None:
        """Return the descriptor that was sent, or None when none was."""
        if "flow" not in self.model_fields_set:
            return None
        refuse(check_entries(self.flow))
        checked: dict[str, Json] = self.flow
        return checked

    def extra(self) -> dict[str, Json]:
        """Return what else was sent to be kept."""
        return self.model_dump(include=set(EXTRA_FIELDS), exclude_unset=True)


class _Additional(BaseModel):
    sharedWith: list[Any] | None = None  # noqa: N815 - the API's name
    type: str | None = None
    wizard: dict[str, Any] | None = None


class _Clone(BaseModel):
    prefix: str = "Copy of "
    """The default is ours: no document names one, and two flows of one name help nobody."""
    projection: str = ""
    connectAccounts: bool = False  # noqa: N815 - the API's name, as those below
    isTemplateInstance: bool = False  # noqa: N815
    setOriginFlowId: bool = False  # noqa: N815
    setComponentIdMap: bool = True  # noqa: N815
    additional: _Additional = Field(default_factory=_Additional)


async def list_flows(call: Call) -> Json:
    """List the user's flows, the latest change first; none is shared with anybody yet."""
    asked = listing(call.query)
    return asked.page(await _selected(call, asked))


async def count_flows(call: Call) -> Json:
    """Count the user's flows."""
    return {"count": len(await _selected(call, listing(call.query)))}


async def create_flow(call: Call) -> Json:
    """Save a new flow, which does not run; a draft with loose ends is fine."""
    body = await call.body(_Flow, call.services.config.flow_max_bytes)
    return user_flows(call).create(body.name or "New flow", body.descriptor() or {}, body.extra())


async def show_flow(call: Call) -> Json:
    """Show one flow with its descriptor."""
    return listing(call.query).project(owned_flow(call))


async def update_flow(call: Call) -> Json:
    """Replace the parts of a flow that are sent.

    A running flow needs `forceUpdate`. It then goes on with the new descriptor by being stopped
    and started, so that what was on its way is dropped (ours; no document says what happens).
    """
    body = await call.body(_Flow, call.services.config.flow_max_bytes)
    descriptor, before, engine = body.descriptor(), owned_flow(call), call.services.engine
    running = before["stage"] == "running"
    if running and not flag(call.query, "forceUpdate"):
        raise InputError("The flow is running. Stop it first, or send forceUpdate=true.")
    flow_id: str = before["flowId"]
    renewed = descriptor if running else None
    if renewed is not None:
        refuse(engine.validate(renewed))
    with anyio.CancelScope(shield=True):  # a caller who leaves must not leave it half done
        if renewed is not None:
            await engine.stop_flow(flow_id)
        user_flows(call).update(flow_id, name=body.name, descriptor=descriptor, extra=body.extra())
        if renewed is not None:
            await engine.start_flow(flow_id)
    return {"flowId": flow_id, "id": flow_id, "result": "updated"}


async def delete_flow(call: Call) -> Json:
    """Delete a flow with its messages, state and logs; a running one is stopped first."""
    services, flow_id = call.services, owned_flow(call)["flowId"]
    with anyio.CancelScope(shield=True):
        await services.engine.stop_flow(flow_id)
        with services.database.transaction():
            services.engine.delete_flow_data(flow_id)
            user_flows(call).delete(flow_id)
    return {"flowId": flow_id}


async def clone_flow(call: Call) -> Json:
    """Copy a flow, with fresh component ids; the copy does not run."""
    options = await call.body(_Clone)
    original = owned_flow(call)
    descriptor, component_ids = clone(original["flow"])
    kept = listing(QueryParams(projection=options.projection)).project(original)
    extra = {name: kept[name] for name in EXTRA_FIELDS if name in kept and name != "componentIdMap"}
    if options.setComponentIdMap:
        extra["componentIdMap"] = component_ids
    if options.setOriginFlowId:
        extra["originFlowId"] = original["flowId"]
    if options.isTemplateInstance:
        extra["templateId"] = original["flowId"]
    extra |= options.additional.model_dump(exclude_unset=True)
    with call.services.database.transaction():
        copy = user_flows(call).create(f"{options.prefix}{original['name']}", descriptor, extra)
        if options.connectAccounts:
            _connect_accounts(call, component_ids)
    return {"cloneId": copy["flowId"]}


def user_flows(call: Call) -> UserFlows:
    """Return the flows of who calls."""
    return UserFlows(call.services.database, call.services.clock, call.user.user_id)


def owned_flow(call: Call) -> dict[str, Json]:
    """Return the flow that the path names, descriptor and all.

    Raises:
        NotFoundError: The user has no such flow.
    """
    return user_flows(call).one(call.path("flowId"))


async def _selected(call: Call, asked: Listing) -> list[dict[str, Json]]:
    flows, with_descriptors = user_flows(call), asked.needs("flow")
    found = await call.services.database.read(
        lambda connection: flows.every(connection, with_descriptors=with_descriptors)
    )
    return asked.select(found, pattern_in=_PATTERN_IN)


def _connect_accounts(call: Call, component_ids: dict[str, str]) -> None:
    accounts = UserAccounts(call.services.database, call.services.clock, call.user.user_id)
    for component_id, account_id in accounts.bindings().items():
        if component_id in component_ids:
            accounts.bind(component_ids[component_id], account_id)


ENDPOINTS = (
    Endpoint("GET", "/flows", list_flows),
    Endpoint("POST", "/flows", create_flow),
    Endpoint("GET", "/flows/count", count_flows),
    Endpoint("GET", "/flows/{flowId}", show_flow),
    Endpoint("PUT", "/flows/{flowId}", update_flow),
    Endpoint("DELETE", "/flows/{flowId}", delete_flow),
    Endpoint("POST", "/flows/{flowId}/clone", clone_flow),
)
