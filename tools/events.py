"""What starts flows from outside: requests to their components, and app events."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl
from uuid import uuid4

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp import ids
from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import ConflictError, InputError, UnexpectedAnswerError
from appmixer_mcp.projections import WITHOUT_PICTURES
from appmixer_mcp.results import Facts, Number, Outcome, Text
from appmixer_mcp.toolset import DECIDE, ToolContext, Toolset

from ._flow_reading import Labels, whole_flow
from ._json_values import cut, table
from ._shared import LOGS_OF_FLOW, FlowId, plural

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.events import WebhookAnswer
    from appmixer_mcp.api.models.events import EventResult
    from appmixer_mcp.api.models.flows import Flow

TOOLSET = Toolset("events", "Start flows from outside: requests to components, app events.")

Event = Annotated[
    str, Field(description="As its OnAppEvent components name it.", min_length=1, max_length=500)
]
Method = Annotated[
    Literal["GET", "POST", "PUT", "PATCH", "DELETE"], Field(description="Of the request.")
]
JsonBody = Annotated[dict[str, Any] | SkipJsonSchema[None], Field(description="JSON body.")]

_LISTENER = ".OnAppEvent"
_MOST_LISTENERS = 10  # that are named
_MOST_FLOWS = 100  # that are looked through for listeners
_MOST_CHARACTERS = 10_000
_NOT_TAKEN_BACK = "What the flow then does to the world outside cannot be taken back."


class ComponentTriggered(Outcome):
    """What became of a request to a component."""

    status: Number = Field(default=None, description="Of the answer; 202: accepted, no answer.")
    content_type: Text = None
    location: Text = Field(default=None, description="Where a redirect points; not followed.")
    answer: Text = Field(default=None, description="The answer's body, written by the flow.")
    correlation_id: Text = Field(default=None, description="Of the run; get_run takes it.")


class Listener(Facts):
    """A component that listens for an event."""

    flow_id: Text = None
    component_id: Text = None
    correlation_id: Text = Field(default=None, description="Of the run; get_run takes it.")
    error: Text = Field(default=None, description="Why it could not be told.")


class AppEventSent(Outcome):
    """What became of an event."""

    listeners: list[Listener] = Field(
        default_factory=list[Listener], exclude_if=lambda found: not found
    )


async def _trigger_impact(
    ctx: ToolContext,
    flow_id: FlowId,
    component: str,
    method: str,
    query: str,
    body: dict[str, Any] | None,
    text: str,
    wait: bool,
) -> Impact:
    if body is not None and text:
        raise InputError("Give body or text, not both.")
    sent = text if body is None else json.dumps(body, ensure_ascii=False)
    if sent and method == "GET":
        raise InputError("A GET request has no body. Take another method, or put it into query.")
    flow = await whole_flow(await ctx.client(), flow_id)
    labels = Labels(flow.flow)
    component_id = labels.one(component)
    _refuse_stopped(flow)
    more = f"?{query}" if query else ""
    return Impact(
        question=f"Send a {method} request to the component "
        f"{quoted(labels.label(component_id))} of the flow {quoted(flow.name)}?",
        losses=[
            "The flow runs with it.",
            _NOT_TAKEN_BACK,
            *([f"Query: {quoted(more)}"] if more else []),
            *([f"Body: {quoted(sent)}"] if sent else []),
        ],
        identity=_identity([flow]) | {"component_id": component_id},
    )


@TOOLSET.tool("Trigger component", DECIDE, preview=_trigger_impact, changes=(LOGS_OF_FLOW,))
async def trigger_component(
    ctx: ToolContext,
    flow_id: FlowId,
    component: Annotated[
        str, Field(description="A webhook or other trigger: its label or id.", min_length=1)
    ],
    method: Method = "POST",
    query: Annotated[str, Field(description="Such as a=1&b=x%20y.", max_length=4000)] = "",
    body: JsonBody = None,
    text: Annotated[str, Field(description="Plain text instead of body.")] = "",
    wait: Annotated[bool, Field(description="False: do not wait for the flow's answer.")] = True,
) -> ComponentTriggered:
    """Send a request to a webhook of a running flow, and show its answer. Asks first.

    The flow acts on the world outside as it would for anybody else's request.
    """
    correlation_id = str(uuid4())
    parameters = _parameters(query)
    parameters["correlationId"] = correlation_id
    if not wait:
        parameters["enqueueOnly"] = "true"
    sent = text.encode("utf-8", "replace") if text else None
    if body is not None:
        sent = json.dumps(body).encode()
    answer = await (await ctx.client()).events.call_webhook(
        flow_id,
        await _agreed_component(ctx, flow_id, component),
        method,
        parameters=parameters,
        body=sent,
        content_type="text/plain; charset=utf-8" if text else "application/json",
    )
    return ComponentTriggered(
        done=True,
        message=f"Sent; the answer has the status {answer.status}.",
        next_step=_next_step(answer.status),
        status=answer.status,
        content_type=answer.content_type or None,
        location=answer.location or None,
        answer=_shown(answer),
        correlation_id=correlation_id,
    )


async def _agreed_component(ctx: ToolContext, flow_id: FlowId, component: str) -> ids.ComponentId:
    """Return the component that was asked about, whatever has that label by now."""
    if ctx.agreed is not None:
        return ids.ComponentId(ctx.agreed.identity["component_id"])
    return Labels((await whole_flow(await ctx.client(), flow_id)).flow).one(component)


async def _event_impact(
    ctx: ToolContext, event: str, data: dict[str, Any], flow_id: ids.FlowId | None
) -> Impact:
    client = await ctx.client()
    to = ""
    listening: list[Flow] | None
    if flow_id:
        flow = await whole_flow(client, flow_id)
        _refuse_stopped(flow)
        listening = [flow]
        to = f" to the flow {quoted(flow.name)}"
    else:
        listening = await _listening(client, event)
    sent = json.dumps(data, ensure_ascii=False)
    return Impact(
        question=f"Send the event {quoted(event)}{to}?",
        losses=[*_who_listens(listening), _NOT_TAKEN_BACK, f"Data: {quoted(sent)}"],
        identity=_identity(listening or []) | {"event": event},
    )


@TOOLSET.tool("Send app event", DECIDE, preview=_event_impact, changes=(LOGS_OF_FLOW,))
async def send_app_event(
    ctx: ToolContext,
    event: Event,
    data: Annotated[dict[str, Any], Field(description="What the event brings.")] = {},
    flow_id: Annotated[
        ids.FlowId | SkipJsonSchema[None], Field(description="Tell this flow alone.")
    ] = None,
) -> AppEventSent:
    """Send an app event to all running flows that listen for it, or to one. Asks first."""
    found = await (await ctx.client()).events.send_app_event(event, data, flow_id=flow_id)
    listeners = _listeners(found)
    told = sum(one.error is None for one in listeners)
    failed = len(listeners) - told
    message = f"Told {plural(told, 'component')} of the event {quoted(event)}."
    if failed:
        message += f" {plural(failed, 'component')} could not be told."
    nobody = "Nobody listens: start_flow a flow with an OnAppEvent component for it."
    return AppEventSent(
        done=True,
        message=message,
        next_step=None if listeners else nobody,
        listeners=listeners,
    )


def _refuse_stopped(flow: "Flow") -> None:
    if flow.stage != "running":
        raise ConflictError(
            f"The flow {quoted(flow.name)} is {quoted(flow.stage)} and takes nothing from outside. "
            "Call start_flow first."
        )


def _parameters(query: str) -> dict[str, str | Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return dict(found)


def _next_step(status: int) -> str | None:
    match status:
        case 404:
            return (
                "404 may be the flow's own answer, or mean that the component takes no requests; "
                "get_flow shows a webhook_url for those that do."
            )
        case _ if status >= 500:  # noqa: PLR2004 - where HTTP's failures begin
            return "Nobody answered, or the flow failed: query_logs with the flow_id shows why."
        case _:
            return None


def _shown(answer: "WebhookAnswer") -> str | None:
    """Return the body of an answer as text, cut; None when there is none."""
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        return f"[{len(answer.body):,} bytes that are no text]"
    return cut(text, _MOST_CHARACTERS) or None


async def _listening(client: "AppmixerClient", event: str) -> "list[Flow] | None":
    """Return the running flows that listen for an event; None where they are too large to look."""
    try:
        flows = await client.flows.list_flows(
            filters=["stage:running"], projection=WITHOUT_PICTURES, limit=_MOST_FLOWS
        )
    except UnexpectedAnswerError:
        return None
    return [
        flow for flow in flows if any(_listens(one, event) for one in table(flow.flow).values())
    ]


def _listens(entry: Any, event: str) -> bool:
    properties = table(table(table(entry).get("config")).get("properties"))
    return str(table(entry).get("type")).endswith(_LISTENER) and properties.get("event") == event


def _who_listens(flows: "Sequence[Flow] | None") -> list[str]:
    if flows is None:
        return ["Every running flow that listens for it runs; which these are could not be read."]
    if not flows:
        return ["No running flow was found that listens for it."]
    named = [f"Runs the flow {quoted(flow.name)}" for flow in flows[:_MOST_LISTENERS]]
    left = len(flows) - len(named)
    return [*named, *([f"and {plural(left, 'more flow')}"] if left else [])]


def _identity(flows: "Sequence[Flow]") -> dict[str, str]:
    return {
        "flows": ",".join(sorted(flow.flow_id for flow in flows)),
        "names": ",".join(sorted(flow.name or "" for flow in flows)),
        "modified_at": ",".join(sorted(str(flow.modified_at) for flow in flows)),
    }


def _listeners(found: "EventResult") -> list[Listener]:
    errors = {
        (one.trigger.flow_id, one.trigger.component_id): one.message or one.code or "unknown"
        for one in found.errors
    }
    return [
        Listener(
            flow_id=one.flow_id,
            component_id=one.component_id,
            correlation_id=one.correlation_id,
            error=errors.get((one.flow_id, one.component_id)),
        )
        for one in found.triggers
    ]
