"""Copies of flows."""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams
from typing_extensions import TypedDict

from appmixer_mcp.errors import ForbiddenError
from appmixer_mcp.sandbox.cloning import clone
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.routes.accounts import user_accounts
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint
from appmixer_mcp.sandbox.routes.sharing import (
    MOST_SHARES,
    ShareEntry,
    permitted_flow,
    user_flows,
)
from appmixer_mcp.sandbox.sharing import Share, shares_of_flow
from appmixer_mcp.sandbox.user_flows import EXTRA_FIELDS, NAME_MAX, FlowType


class Cloned(TypedDict):
    """The id of the copy."""

    cloneId: str


class _Additional(BaseModel):
    sharedWith: Annotated[list[ShareEntry], Field(max_length=MOST_SHARES)] | None = None  # noqa: N815 - the API's name
    type: FlowType | None = None
    wizard: dict[str, Any] | None = None

    def shares(self, copied: list[Share]) -> list[Share]:
        """Return whom the copy is shared with: what was sent, or else what is copied."""
        return copied if self.sharedWith is None else [one.share() for one in self.sharedWith]


class _Clone(BaseModel):
    prefix: str = Field(default="Copy of ", max_length=NAME_MAX)
    """The default is ours: no document names one, and two flows of one name help nobody."""
    projection: str = ""
    connectAccounts: bool = False  # noqa: N815 - the API's name, as those below
    isTemplateInstance: bool = False  # noqa: N815
    setOriginFlowId: bool = False  # noqa: N815
    setComponentIdMap: bool = True  # noqa: N815
    additional: _Additional = Field(default_factory=_Additional)


async def clone_flow(call: Call) -> Cloned:
    """Copy a flow, one's own or one shared for reading, with fresh component ids."""
    options = await call.body(_Clone)
    original = permitted_flow(call, "read")
    is_own = original["userId"] == call.user.user_id
    if options.connectAccounts and not is_own:
        raise ForbiddenError("connectAccounts is for copies of one's own flows.")
    descriptor, component_ids = clone(original["flow"])
    kept = listing(QueryParams(projection=options.projection)).project(original)
    extra = {name: kept[name] for name in EXTRA_FIELDS if name in kept}
    with call.services.database.transaction() as connection:
        copied = shares_of_flow(connection, original["flowId"]) if "sharedWith" in kept else []
        copy = user_flows(call).create(
            f"{options.prefix}{original['name']}"[:NAME_MAX],
            descriptor,
            extra | _origin(options, original["flowId"], component_ids),
            # Whom somebody else's flow is shared with is none of the copy's business.
            shares=options.additional.shares(copied if is_own else []),
        )
        if options.connectAccounts:
            user_accounts(call).copy_bindings(component_ids)
    return {"cloneId": copy["flowId"]}


def _origin(options: _Clone, original_id: str, component_ids: dict[str, str]) -> dict[str, Json]:
    """Return the fields of the copy that are not those of the original; None: it has none."""
    origin: dict[str, Json] = {
        "componentIdMap": component_ids if options.setComponentIdMap else None
    }
    if options.setOriginFlowId:
        origin["originFlowId"] = original_id
    if options.isTemplateInstance:
        origin |= {"templateId": original_id, "type": "integration-instance"}
    return origin | options.additional.model_dump(include={"type", "wizard"}, exclude_unset=True)


ENDPOINTS = (
    Endpoint(
        "POST", "/flows/{flowId}/clone", clone_flow, body=_Clone, answer=Cloned, statuses=(403,)
    ),
)
