"""The subflows plugin: one flow calls another and gets its result.

The caller's webhook URL, written in base 62, is the correlation id of the call. Whoever answers
sends it back, and so says where the result belongs.
"""

import re
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox import base62
from appmixer_mcp.sandbox.context import Json, WebhookCall
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint, Handler, Method
from appmixer_mcp.sandbox.routes.sharing import owned_flow, user_flows
from appmixer_mcp.sandbox.subflows import Subflow, SubflowField

_MOUNT = "/plugins/appmixer/utils/subflows"
_URL_MAX = 1_000
_PARAMETERS_MAX = 100
_FIELDS_MAX = 1_000
_NO_CALLER = "correlationId is none that a call of a subflow of this tenant has returned."


_Url = Annotated[str, StringConstraints(min_length=1, max_length=_URL_MAX)]
_Encoded = Annotated[str, StringConstraints(max_length=6 * _URL_MAX)]  # 4 bytes a character


class _Field(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str = ""
    type: str = ""
    value: Any = None


class _Fields(BaseModel):
    fields: list[_Field] = Field(default_factory=list[_Field], max_length=_FIELDS_MAX)


class _Trigger(BaseModel):
    callerWebhookUrl: _Url  # noqa: N815 - the API's name
    payload: dict[str, Any] = Field(default_factory=dict[str, Any])


class _Result(BaseModel):
    name: str = ""
    type: str = ""
    value: Any = None


class _Callback(BaseModel):
    correlationId: _Encoded  # noqa: N815 - the API's name
    payload: list[_Result] = Field(default_factory=list[_Result], max_length=_FIELDS_MAX)


class SubflowFields(TypedDict):
    """What a flow takes or gives back."""

    fields: list[SubflowField]


class Correlation(TypedDict):
    """Under which id a call is answered."""

    correlationId: str


async def get_subflow_input(call: Call) -> SubflowFields:
    """Show what a callable flow takes."""
    return {"fields": _subflow(call).inputs(call.path("componentId"))}


async def set_subflow_input(call: Call) -> Empty:
    """Say what a callable flow takes."""
    return await _say(call, "input")


async def get_subflow_output(call: Call) -> SubflowFields:
    """Show what a callable flow gives back."""
    return {"fields": _subflow(call).outputs()}


async def set_subflow_output(call: Call) -> Empty:
    """Say what a component of a callable flow gives back."""
    return await _say(call, "output")


async def trigger_subflow(call: Call) -> Correlation:
    """Call one of the user's flows, without waiting; its result goes to the caller's webhook."""
    flow_id = owned_flow(call)["flowId"]
    body = await call.body(_Trigger)
    correlation_id = base62.encode(body.callerWebhookUrl)
    await call.services.engine.call_webhook(
        flow_id,
        call.path("componentId"),
        _posted(call, {"callerWebhookUrl": body.callerWebhookUrl, "payload": body.payload}),
        correlation_id=correlation_id,
        enqueue_only=True,
    )
    return {"correlationId": correlation_id}


async def subflow_callback(call: Call) -> Empty:
    """Return a result to the flow that has called; it must be one of the user's own."""
    flows, body = user_flows(call), await call.body(_Callback)
    flow_id, component_id, correlation_id = _caller(call, body.correlationId)
    flows.one(flow_id)
    payload = [result.model_dump() for result in body.payload]
    await call.services.engine.call_webhook(
        flow_id,
        component_id,
        _posted(call, {"correlationId": correlation_id, "payload": payload}),
        correlation_id=correlation_id,
        enqueue_only=True,
    )
    return {}


async def _say(call: Call, side: str) -> Empty:
    subflow, body = _subflow(call), await call.body(_Fields)
    fields = [one.model_dump(exclude_unset=True) for one in body.fields]
    subflow.say(side, call.path("componentId"), cast("list[SubflowField]", fields))
    return {}


def _caller(call: Call, encoded: str) -> tuple[str, str, str | None]:
    """Return flow id, component id and correlation id of the webhook URL that was encoded.

    Raises:
        InputError: It is no webhook URL of this tenant.
    """
    own = re.escape(call.services.config.public_url.rstrip("/"))
    webhook = re.compile(rf"{own}/flows/([^/?#]+)/components/([^/?#]+)(?:\?([^#]*))?")
    try:
        match = webhook.fullmatch(base62.decode(encoded))
        query = {} if match is None else dict(parse_qsl(match[3], max_num_fields=_PARAMETERS_MAX))
    except ValueError as error:
        raise InputError(_NO_CALLER) from error
    if match is None:
        raise InputError(_NO_CALLER)
    return unquote(match[1]), unquote(match[2]), query.get("correlationId")


def _posted(call: Call, data: Json) -> WebhookCall:
    hostname = call.request.url.hostname or ""
    return WebhookCall(method="POST", hostname=hostname, headers={}, query={}, data=data)


def _subflow(call: Call) -> Subflow:
    return Subflow(call.services.database, owned_flow(call))


_ROUTES: tuple[tuple[Method, str, Handler, object, object], ...] = (
    ("GET", "/input/{flowId}/{componentId}", get_subflow_input, None, SubflowFields),
    ("POST", "/input/{flowId}/{componentId}", set_subflow_input, _Fields, Empty),
    ("GET", "/output/{flowId}", get_subflow_output, None, SubflowFields),
    ("POST", "/output/{flowId}/{componentId}", set_subflow_output, _Fields, Empty),
    ("POST", "/trigger/{flowId}/{componentId}", trigger_subflow, _Trigger, Correlation),
)
ENDPOINTS = (
    *(
        Endpoint(method, _MOUNT + path, handler, auth="optional", body=body, answer=answer)
        for method, path, handler, body, answer in _ROUTES
    ),
    Endpoint(
        "POST",
        f"{_MOUNT}/callback",
        subflow_callback,
        auth="optional",
        body=_Callback,
        answer=Empty,
        statuses=(404,),
    ),
)
