"""The plugin that tells MCP servers which tools flows offer.

The sandbox has no component that is a gateway, so what is listed is what was announced (ours).
"""

from typing import Annotated, Any, cast
from urllib.parse import quote

from pydantic import AnyHttpUrl, BaseModel, Field, StringConstraints
from starlette.responses import Response

from appmixer_mcp.sandbox.gateways import Gateway, UserGateways
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
    return _gateways(call).every()


async def announce_mcp_gateway(call: Call) -> Gateway:
    """Keep a gateway, and tell who listens to the events."""
    body = await call.body(_Announcement)
    gateway = cast("Gateway", body.model_dump(mode="json", exclude_none=True))
    if body.webhook is None and body.flowId and body.componentId:
        gateway["webhook"] = (
            f"{call.services.config.public_url}/flows/{quote(body.flowId, safe='')}"
            f"/components/{quote(body.componentId, safe='')}"
        )
    kept = _gateways(call).announce(gateway)
    _publish(call, "gateway-add", kept)
    return kept


async def retract_mcp_gateway(call: Call) -> Empty:
    """Forget a gateway, and tell who listens to the events."""
    gateway_id = call.path("gatewayId")
    _gateways(call).retract(gateway_id)
    _publish(call, "gateway-delete", {"gatewayId": gateway_id})
    return {}


async def stream_mcp_events(call: Call) -> Response:
    """Tell each announced and forgotten gateway from now on; the token stands in the query."""
    user = call.services.users.of_token(call.query.get("token", ""))
    return event_stream(call.services.streams, _topic(user.user_id))


def _publish(call: Call, kind: str, gateway: Gateway) -> None:
    call.services.streams.publish(_topic(call.user.user_id), {"type": kind, "data": gateway})


def _gateways(call: Call) -> UserGateways:
    return UserGateways(call.services.database, call.user.user_id)


def _topic(user_id: str) -> str:
    return f"gateways:{user_id}"


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
