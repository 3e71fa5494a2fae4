"""The tools that running flows publish through MCP gateways, listed and called as ours are.

Their texts are a stranger's (`published.py`), so all that a call can lead to is assumed of each.
"""

import json
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
from pydantic import BaseModel, ConfigDict, Field, create_model

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import (
    AppmixerError,
    ConflictError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from appmixer_mcp.ids import ComponentId, FlowId
from appmixer_mcp.presets import GATEWAY
from appmixer_mcp.projections import WITHOUT_DESCRIPTOR
from appmixer_mcp.published import PREFIX, Offer, described, named, taken
from appmixer_mcp.redaction import redacted
from appmixer_mcp.results import Result
from appmixer_mcp.schemas import Schema
from appmixer_mcp.toolset import Hints, ToolContext, ToolSpec

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.gateways import Gateway
    from appmixer_mcp.session import Session

logger = logging.getLogger(__name__)

_HINTS = Hints(destructive=True, open_world=True)
_MOST_TOOLS = 40
_MOST_FLOWS = 20
_PATIENCE_S = 5.0
"""How long a list of tools waits for those of flows."""
_KNOWN_FOR_S = 3.0
"""How long calls take what is offered for what was found last."""
_MOST_PRINCIPALS = 1_000
_NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{1,40}}")
_TYPES: dict[str, Any] = {
    "string": str,
    "number": int | float,
    "integer": int,
    "boolean": bool,
    "array": list[Any],
}


class PublishedAnswer(Result):
    """What a flow gave back."""

    answer: str = Field(description="What the flow gave back; whoever it had it from wrote it.")


@dataclass(frozen=True, kw_only=True)
class PublishedTool(ToolSpec):
    """A tool whose schema a flow tells, not the signature of its function."""

    schema: Schema

    @cached_property
    def input_schema(self) -> Schema:
        """What the flow told, flat."""
        return self.schema

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """A model that takes what the schema does."""
        required = self.schema.get("required", ())
        fields: dict[str, Any] = {}
        for name, told in self.schema["properties"].items():
            kind = Literal[*told["enum"]] if "enum" in told else _TYPES[told["type"]]
            # An argument may be called what a model's own attributes are, so it is its alias.
            default = ... if name in required else None
            fields[f"argument_{len(fields)}"] = (kind, Field(default=default, alias=name))
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)


@dataclass(frozen=True, kw_only=True)
class CalledTool(ToolSpec):
    """A tool of a flow of which nothing but the name is known until it is called."""

    find: "Callable[[Session, str], Awaitable[PublishedTool]]"

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Result:
        """Find the tool and call it.

        Raises:
            NotFoundError: There is none.
            InputError: It takes other arguments.
        """
        tool = await self.find(ctx.session, self.name)
        return await tool.call(ctx, arguments)


async def _not_called(_ctx: ToolContext) -> PublishedAnswer:
    raise NotImplementedError


@dataclass(frozen=True)
class _Known:
    tools: dict[str, PublishedTool]
    until: float


class Published:
    """Finds what the flows of a user offer."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def listed(
        self, session: "Session", limited: AbstractAsyncContextManager[None]
    ) -> list[PublishedTool]:
        """Return what is offered now; none if that cannot be told soon.

        Args:
            session: Of whoever asks.
            limited: Holds their place among those who ask the tenant.
        """
        found: dict[str, PublishedTool] = {}
        with anyio.move_on_after(_PATIENCE_S) as scope:
            try:
                async with limited:
                    found = await self._look(session)
            except AppmixerError as error:
                logger.warning("The tools that flows publish cannot be listed: %s", error)
        if scope.cancelled_caught:
            logger.warning("The tools that flows publish took too long to be listed.")
        return list(found.values())

    def named(self, name: str) -> "CalledTool | None":
        """Return a tool of a flow by its name, which is looked for when it is called.

        None for a name that no tool of a flow can have.
        """
        if not _NAME.fullmatch(name):
            return None
        return CalledTool(
            name=name,
            title=name,
            description="",
            group=GATEWAY,
            hints=_HINTS,
            function=_not_called,
            preview=None,
            selectable=None,
            find=self._find,
        )

    async def _find(self, session: "Session", name: str) -> PublishedTool:
        known = self._known.get(session.principal)
        if known is not None and name in known.tools and anyio.current_time() < known.until:
            return known.tools[name]
        found = (await self._look(session)).get(name)
        if found is None:
            raise NotFoundError(
                f"No running flow publishes a tool {quoted(name)}. Flows come and go: tools/list "
                "names the tools there are now."
            )
        return found

    async def _look(self, session: "Session") -> dict[str, PublishedTool]:
        principal = session.principal
        offers = await _offers(await session.client())
        tools = {name: _tool(name, offer) for name, offer in list(offers.items())[:_MOST_TOOLS]}
        if len(offers) > len(tools):
            left_out = len(offers) - len(tools)
            logger.warning("%d tools of flows are left out: more than are served.", left_out)
        self._known[principal] = _Known(tools, anyio.current_time() + _KNOWN_FOR_S)
        self._known.move_to_end(principal)
        if len(self._known) > _MOST_PRINCIPALS:
            self._known.popitem(last=False)
        return tools


async def _offers(client: "AppmixerClient") -> dict[str, Offer]:
    """Return what gateways of the user's own running flows offer on this very tenant."""
    gateways = await client.gateways.list_gateways() or []
    here = [one for one in gateways if client.gateways.is_of_this_tenant(one)]
    if len(here) < len(gateways):
        logger.warning(
            "%d of %d gateways name no address of this tenant; their tools are left out.",
            len(gateways) - len(here),
            len(gateways),
        )
    if not here:
        return {}
    user = await client.users.get_user()
    offers: list[Offer] = []
    flow_ids = sorted({one.flow_id for one in here if one.flow_id})[:_MOST_FLOWS]
    for flow_id in flow_ids:
        try:
            flow = await client.flows.get_flow(flow_id, projection=WITHOUT_DESCRIPTOR)
        except NotFoundError:  # it was deleted, or is a stranger's
            continue
        if flow.stage == "running" and flow.user_id == user.user_id:
            offers += _offered_by(flow, [one for one in here if one.flow_id == flow_id])
    return named(offers)


def _offered_by(flow: "Flow", gateways: list["Gateway"]) -> Iterator[Offer]:
    for gateway in gateways:
        for function in (tool.function for tool in gateway.tools):
            if function is not None:
                yield Offer(
                    flow_id=str(flow.flow_id),
                    flow_name=flow.name or "",
                    component_id=str(gateway.component_id),
                    name=function.name,
                    description=function.description or "",
                    parameters=function.parameters,
                )


def _tool(name: str, offer: Offer) -> PublishedTool:
    takes = taken(offer.parameters)

    async def call(ctx: ToolContext, **given: Any) -> PublishedAnswer:
        arguments = {
            original: _object(name, value) if name in takes.objects else value
            for (name, original), value in zip(takes.originals.items(), given.values(), strict=True)
            if value is not None
        }
        return await _call(await ctx.client(), offer, arguments)

    return PublishedTool(
        name=name,
        title=f"Flow tool {name.removeprefix(PREFIX)}",
        description=described(offer),
        group=GATEWAY,
        hints=_HINTS,
        function=call,
        preview=None,
        selectable=None,
        schema=takes.schema,
    )


def _object(name: str, text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InputError(f"{name} must be a JSON object, written as text.")
    return cast("object", value)


async def _call(
    client: "AppmixerClient", offer: Offer, arguments: dict[str, Any]
) -> PublishedAnswer:
    body = {"function": {"name": offer.name, "arguments": arguments}}
    try:
        content = json.dumps(body, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError("The arguments cannot be sent as JSON; send plain values.") from error
    answer = await client.events.call_webhook(
        FlowId(offer.flow_id), ComponentId(offer.component_id), body=content
    )
    if answer.status == HTTPStatus.OK:
        return PublishedAnswer(answer=answer.body.decode(errors="replace"))
    raise await _failure(client, offer, answer.status)


async def _failure(client: "AppmixerClient", offer: Offer, status: int) -> AppmixerError:
    flow = f"the flow {offer.flow_id} ({quoted(offer.flow_name)})"
    log = f"Its log tells more: query_logs with flow_id={offer.flow_id}."
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(
            f"There is no such tool any more: {flow} was stopped or changed. tools/list names the "
            "tools there are now.",
            status=status,
        )
    if status in (HTTPStatus.ACCEPTED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT):
        return UnavailableError(
            f"No answer came in time; {flow} may still be at work on it, so do not call again "
            f"before you know. {log}",
            may_have_happened=True,
            status=status,
        )
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConflictError(f"The call was refused by {flow} (status {status}). {log}")
    error = await _newest_error(client, offer.flow_id)
    because = f" The newest error in its log: {error}." if error else ""
    return UnavailableError(
        f"The tool failed: {flow} ended with an error, and may have done a part of its work."
        f"{because} {log}",
        may_have_happened=True,
        status=status,
    )


async def _newest_error(client: "AppmixerClient", flow_id: str) -> str:
    """Return what went wrong last in a flow, quoted; empty if that cannot be told."""
    try:
        page = await client.logs.query_logs(
            query="severity:error", flow_ids=[FlowId(flow_id)], sort=["@timestamp:desc"], size=1
        )
    except AppmixerError:
        return ""
    text = next((hit.msg for hit in page.hits if isinstance(hit.msg, str)), "")
    try:
        told: object = json.loads(text)  # what flows log is JSON, also when it is a text
    except (ValueError, RecursionError):
        told = text
    return quoted(redacted(told)) if isinstance(told, str) and told else ""
