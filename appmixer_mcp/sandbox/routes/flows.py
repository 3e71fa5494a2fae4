"""Flows: listed, saved, deleted."""

import re
import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints
from starlette.datastructures import QueryParams
from typing_extensions import TypedDict

from appmixer_mcp.descriptor import check_entries
from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.flows import MOST_PROBLEMS
from appmixer_mcp.sandbox.listing import Listing, every_value, flag, listing
from appmixer_mcp.sandbox.routes.endpoint import (
    LISTING,
    SELECTION,
    Call,
    Count,
    Endpoint,
    Parameter,
)
from appmixer_mcp.sandbox.routes.flow_changes import change_flow, remove_flow
from appmixer_mcp.sandbox.routes.flow_problems import refuse
from appmixer_mcp.sandbox.routes.sharing import (
    MOST_SHARES,
    ShareEntry,
    owned_flow,
    permitted_flow,
    user_flows,
)
from appmixer_mcp.sandbox.sharing import PERMISSIONS, Grant, Share, grants
from appmixer_mcp.sandbox.user_flows import (
    EXTRA_FIELDS,
    NAME_MAX,
    FlowChange,
    FlowListed,
    FlowShown,
    FlowType,
    UserFlows,
    add_descriptors,
)
from appmixer_mcp.sandbox.users import User

_IDENTITY = "flowId"
_MOST_CATEGORIES = 1_000
_PATTERN_IN = ("name", _IDENTITY)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class FlowId(TypedDict):
    """Which flow it was."""

    flowId: str


class FlowUpdated(TypedDict):
    """Which flow was changed."""

    flowId: str
    id: str
    result: str


class _Flow(BaseModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX)] | None = None
    flow: Any = None
    description: str | None = None
    customFields: dict[str, Any] | None = None  # noqa: N815 - the API's name, as those below
    thumbnail: str | None = None
    sharedWith: Annotated[list[ShareEntry], Field(max_length=MOST_SHARES)] | None = None  # noqa: N815
    type: FlowType | None = None
    wizard: dict[str, Any] | None = None
    svg: str | None = None
    categories: Annotated[list[str], Field(max_length=_MOST_CATEGORIES)] | None = None
    notes: Any = None
    componentIdMap: dict[str, str] | None = None  # noqa: N815
    revision: Any = None

    def change(self) -> FlowChange:
        """Return what was sent."""
        return FlowChange(
            name=self.name,
            descriptor=self._descriptor(),
            extra=self.model_dump(include=set(EXTRA_FIELDS), exclude_unset=True),
            shares=self._shares(),
        )

    def _descriptor(self) -> dict[str, Json] | None:
        if "flow" not in self.model_fields_set:
            return None
        refuse(check_entries(self.flow, most=MOST_PROBLEMS))
        checked: dict[str, Json] = self.flow
        return checked

    def _shares(self) -> list[Share] | None:
        if "sharedWith" not in self.model_fields_set:
            return None
        return [entry.share() for entry in self.sharedWith or ()]


async def list_flows(call: Call) -> list[dict[str, Json]]:
    """List the user's flows and those shared with them, the latest change first."""
    asked, flows = listing(call.query, identity=_IDENTITY), user_flows(call)
    user, wanted = call.user, _wanted_permissions(call)

    def read(connection: sqlite3.Connection) -> list[dict[str, Json]]:
        shared = _shared(connection, user, wanted)
        page = asked.page(_selected(connection, flows, asked, shared))
        if asked.returns("flow") and not asked.judges("flow"):
            # Large as they are, the descriptors of the page alone are read.
            hidden = {one for one, grant in shared.items() if "read" not in grant.permissions}
            add_descriptors(connection, (one for one in page if one[_IDENTITY] not in hidden))
        return page

    return await call.services.database.read(read)


async def count_flows(call: Call) -> Count:
    """Count the user's flows and those shared with them."""
    asked, flows = listing(call.query), user_flows(call)
    user, wanted = call.user, _wanted_permissions(call)

    def read(connection: sqlite3.Connection) -> int:
        shared = _shared(connection, user, wanted)
        return len(_selected(connection, flows, asked, shared))

    return {"count": await call.services.database.read(read)}


async def create_flow(call: Call) -> FlowShown:
    """Save a new flow, which does not run; a draft with loose ends is fine."""
    body = await call.body(_Flow, call.services.config.flow_max_bytes)
    return _created(call, body.change())


async def get_flow(call: Call) -> dict[str, Json]:
    """Show one flow with its descriptor."""
    projection = QueryParams(projection=call.query.get("projection", ""))
    return listing(projection, identity=_IDENTITY).project(permitted_flow(call, "read"))


async def update_flow(call: Call) -> FlowUpdated:
    """Replace the parts of a flow that are sent, or create it under a chosen id.

    A flow is created when it is sent as a whole, descriptor and all, under a UUID that no flow has
    (seen in a client; which ids may be chosen, and that the descriptor is needed, are ours).
    """
    body = await call.body(_Flow, call.services.config.flow_max_bytes)
    change, flow_id, force = body.change(), call.path("flowId"), flag(call.query, "forceUpdate")
    if change.descriptor is not None and _UUID.fullmatch(flow_id) and _is_free(call, flow_id):
        _created(call, change, flow_id)
    else:
        await change_flow(call.services, owned_flow(call), change, force=force)
    return {"flowId": flow_id, "id": flow_id, "result": "updated"}


async def delete_flow(call: Call) -> FlowId:
    """Delete a flow with its messages, state, logs and versions; it is stopped first."""
    flow = owned_flow(call)
    await remove_flow(call.services, flow)
    return {"flowId": flow["flowId"]}


def _created(call: Call, change: FlowChange, flow_id: str = "") -> FlowShown:
    return user_flows(call).create(
        change.name or "New flow",
        change.descriptor or {},
        change.extra,
        shares=change.shares or (),
        flow_id=flow_id,
    )


def _is_free(call: Call, flow_id: str) -> bool:
    statement = "SELECT 1 FROM flow WHERE flow_id = ?"
    return call.services.database.row(statement, (flow_id,)) is None


def _selected(
    connection: sqlite3.Connection, flows: UserFlows, asked: Listing, shared: Mapping[str, Grant]
) -> list[FlowListed]:
    found = flows.every(connection, with_descriptors=asked.judges("flow"), shared=shared)
    return asked.select(found, pattern_in=_PATTERN_IN)


def _shared(
    connection: sqlite3.Connection, user: User, wanted: frozenset[str]
) -> Mapping[str, Grant]:
    """Return what the user may do with those flows of others that belong into the list."""
    return {
        flow_id: grant
        for flow_id, grant in grants(connection, user).items()
        if grant.permissions and grant.permissions >= wanted
    }


def _wanted_permissions(call: Call) -> frozenset[str]:
    """Return what the caller must be permitted to do with the flows that are listed.

    Source: documented; that one's own flows stay in the list, as one may do anything with them, is
    ours. The SDK's text has the name without the last letter.
    """
    texts = [
        *every_value(call.query, "sharedWithPermissions"),
        *every_value(call.query, "sharedWithPermission"),
    ]
    wanted = {name.strip() for text in texts for name in text.split(",") if name.strip()}
    if not wanted <= set(PERMISSIONS):
        raise InputError(f"sharedWithPermissions is a list of {', '.join(PERMISSIONS)}.")
    return frozenset(wanted)


_SHARED = (Parameter(name="sharedWithPermissions"), Parameter(name="sharedWithPermission"))

ENDPOINTS = (
    Endpoint("GET", "/flows", list_flows, query=(*LISTING, *_SHARED), answer=list[FlowListed]),
    Endpoint("POST", "/flows", create_flow, body=_Flow, answer=FlowShown),
    Endpoint("GET", "/flows/count", count_flows, query=(*SELECTION, *_SHARED), answer=Count),
    Endpoint(
        "GET", "/flows/{flowId}", get_flow,
        query=(Parameter(name="projection"),), answer=FlowListed, statuses=(403,),
    ),
    Endpoint(
        "PUT", "/flows/{flowId}", update_flow,
        query=(Parameter(name="forceUpdate", kind="boolean"),),
        body=_Flow, answer=FlowUpdated, statuses=(403, 409),
    ),
    Endpoint("DELETE", "/flows/{flowId}", delete_flow, answer=FlowId, statuses=(403,)),
)  # fmt: skip
