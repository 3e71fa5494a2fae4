"""The plugin that tells MCP servers which tools flows offer.

What is listed is what gateways of running flows, and programs, have announced (ours).
"""

from typing import Annotated, Any, cast
from urllib.parse import quote

from pydantic import AnyHttpUrl, BaseModel, Field, StringConstraints
from starlette.responses import Response

from appmixer_mcp.sandbox.gateways import Gateway, UserGateways, topic_of
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.event_stream import event_stream

_MOUNT = "/plugins/appmixer/ai/mcptools"
_TOOLS_MAX = 1_000

_Text = Annotated[str, StringConstraints(max_length=200)]


class _Function(BaseModel):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(BaseModel):
    type: str | None = None
    function: _Function | None = None


class _Announcement(BaseModel):
    gatewayId: _Text | None = None  # noqa: N815 - the API's name, as those below
    flowId: _Text | None = None  # noqa: N815
    componentId: _Text | None = None  # noqa: N815
    webhook: AnyHttpUrl | None = None
    tools: list[_Tool] = Field(default_factory=list[_Tool], max_length=_TOOLS_MAX)


async def list_mcp_gateways(call: Call) -> list[Gateway]:
    """List the gateways that the user has announced."""
    return [_shown(call, one) for one in _gateways(call).every()]


async def announce_mcp_gateway(call: Call) -> Gateway:
    """Keep a gateway, and tell who listens to the events."""
    body = await call.body(_Announcement)
    gateway = cast("Gateway", body.model_dump(mode="json", exclude_none=True))
    return _shown(call, _gateways(call).announce(gateway))


async def retract_mcp_gateway(call: Call) -> Empty:
    """Forget a gateway, and tell who listens to the events."""
    _gateways(call).retract(call.path("gatewayId"))
    return {}


async def stream_mcp_events(call: Call) -> Response:
    """Tell each announced and forgotten gateway from now on; the token stands in the query."""
    user = call.services.users.of_token(call.query.get("token", ""))
    return event_stream(call.services.streams, topic_of(user.user_id))


def _shown(call: Call, gateway: Gateway) -> Gateway:
    """Return a gateway with its webhook, whose address may be another since it was announced."""
    flow_id, component_id = gateway.get("flowId"), gateway.get("componentId")
    if "webhook" in gateway or not (flow_id and component_id):
        return gateway
    shown = gateway.copy()
    shown["webhook"] = (
        f"{call.services.config.public_url}/flows/{quote(flow_id, safe='')}"
        f"/components/{quote(component_id, safe='')}"
    )
    return shown


def _gateways(call: Call) -> UserGateways:
    return UserGateways(call.services.database, call.services.streams, call.user.user_id)


ENDPOINTS = (
    Endpoint("GET", f"{_MOUNT}/gateways", list_mcp_gateways, answer=list[Gateway]),
    Endpoint(
        "POST", f"{_MOUNT}/gateways", announce_mcp_gateway, body=_Announcement, answer=Gateway
    ),
    Endpoint(
        "DELETE",
        f"{_MOUNT}/gateways/{{gatewayId}}",
        retract_mcp_gateway,
        answer=Empty,
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/events",
        stream_mcp_events,
        auth="none",
        query=(Parameter(name="token", required=True),),
        answer_type="text/event-stream",
        statuses=(401,),
    ),
)
