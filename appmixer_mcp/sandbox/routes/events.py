"""App events: what an application tells the flows of its user."""

from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint


async def publish_event(call: Call) -> Json:
    """Fire an event into all flows of the user that listen, or into one of them."""
    event, payload = call.path("event"), await call.json()
    triggered = call.services.engine.publish(
        f"event:{event}",
        payload,
        user_id=call.user.user_id,
        flow_id=call.query.get("flowId"),
    )
    if not triggered:
        return {"triggers": []}
    triggers = [
        {
            "userId": call.user.user_id,
            "event": event,
            "componentId": listener.component_id,
            "flowId": listener.flow_id,
            "createdAt": iso(listener.created_ms),
            "correlationId": listener.correlation_id,
        }
        for listener in triggered
    ]
    return {"triggers": triggers, "errors": []}


ENDPOINTS = (Endpoint("POST", "/plugins/appmixer/utils/appevents/events/{event}", publish_event),)
