"""MCPGateway: offers the chains that are connected to it as tools of MCP servers."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.call_chains import HEADER, link
from appmixer_mcp.sandbox.component import Component, OutPort
from appmixer_mcp.sandbox.components import _tool_chain
from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.context import Context, Follower, Json
from appmixer_mcp.sandbox.javascript import is_object

_PORT = "tools"
_SERVERS_PORT = "mcp"
_SAMPLES = {"string": "text", "number": 1, "boolean": True}


async def _start(ctx: Context) -> None:
    if ctx.followers(_SERVERS_PORT):
        raise ComponentFailedError(
            f"The sandbox has no MCP servers to connect to the port {_SERVERS_PORT!r}.", retry=False
        )
    ctx.announce_gateway([_tool_chain.tool_of(one) for one in _starts(ctx)])


def _starts(ctx: Context) -> list[Follower]:
    followers = list(ctx.followers(_PORT))
    for one in followers:
        if one.type != _tool_chain.START:
            raise ComponentFailedError(
                f"A chain at the port {_PORT!r} begins with {_tool_chain.START}; "
                f"{one.label} ({one.component_id}) is {one.type}.",
                retry=False,
            )
    return followers


async def _on_webhook(ctx: Context) -> None:
    if ctx.webhook is None:
        return
    if link(ctx.flow_id, ctx.component_id) in ctx.webhook.headers.get(HEADER, "").split():
        _refuse(ctx, HTTPStatus.CONFLICT, "A tool of this gateway has called the gateway itself.")
        return
    function = as_object(as_object(ctx.webhook.data).get("function"))
    arguments = _arguments(function.get("arguments"))
    named = [one for one in _starts(ctx) if _tool_chain.name_of(one) == function.get("name")]
    if not isinstance(function.get("name"), str) or arguments is None:
        _refuse(
            ctx,
            HTTPStatus.BAD_REQUEST,
            'A call looks like {"function": {"name": "...", "arguments": {...}}}.',
        )
    elif not named:
        _refuse(ctx, HTTPStatus.NOT_FOUND, "This gateway has no tool of that name.")
    else:
        call = _tool_chain.call_for(named[0], arguments, ctx.correlation_id)
        ctx.send(_PORT, call)


def _arguments(given: Json) -> Mapping[str, Json] | None:
    """Return the arguments of a call, which may be JSON text; None when they are no object."""
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else {}
        except (ValueError, RecursionError):
            return None
    given = {} if given is None else given
    return given if is_object(given) else None


def _refuse(ctx: Context, status: HTTPStatus, message: str) -> None:
    ctx.log({"refused": message})
    body = {"statusCode": status.value, "error": status.phrase, "message": message}
    ctx.respond(body, status=status.value)


async def _sample(ctx: Context) -> None:
    starts = _starts(ctx)
    if not starts:
        ctx.send(_PORT, {"toolCalls": []})
    for start in starts:
        call_id = str(uuid4())  # each its own run, for a run works on one call
        listed = _tool_chain.parameters_of(start.properties)
        arguments = {one["name"]: _SAMPLES.get(one.get("type", ""), "text") for one in listed}
        call = _tool_chain.call_for(start, arguments, call_id)
        ctx.send(_PORT, call, correlation_id=call_id)


COMPONENT = Component(
    type="appmixer.ai.mcptools.MCPGateway",
    label="MCP Gateway",
    description="Offers chains that begin with Tool Start as tools of MCP servers.",
    out_ports=(OutPort(name=_PORT), OutPort(name=_SERVERS_PORT)),
    webhook=True,
    start=_start,
    on_webhook=_on_webhook,
    sample=_sample,
)
