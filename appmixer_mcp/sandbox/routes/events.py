"""App events: what an application tells the flows of its user."""

from typing import Annotated, NotRequired

from pydantic import BaseModel, StringConstraints
from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import iso
from appmixer_mcp.sandbox.context import Json, WebhookCall
from appmixer_mcp.sandbox.event_triggers import EventTrigger, EventTriggers
from appmixer_mcp.sandbox.messages import new_id
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint, Parameter

_MOUNT = "/plugins/appmixer/utils/appevents"

_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class AppEventTrigger(TypedDict):
    """A component that is told of an event."""

    userId: str
    event: str
    componentId: str
    flowId: str
    createdAt: str
    correlationId: NotRequired[str]


class TriggerFailure(TypedDict):
    """A component that could not be told."""

    message: str
    code: str
    trigger: AppEventTrigger
    err: Json


class AppEventResult(TypedDict):
    """Who was told; `errors` is left out when nobody listens."""

    triggers: list[AppEventTrigger]
    errors: NotRequired[list[TriggerFailure]]


class _NewTrigger(BaseModel):
    event: _Text
    componentId: _Text  # noqa: N815 - the API's name, as the next
    flowId: _Text  # noqa: N815


async def send_app_event(call: Call) -> AppEventResult:
    """Fire an event into all flows of the user that listen, or into one of them."""
    user_id, event, payload = call.user.user_id, call.path("event"), await call.json()
    flow_id = call.query.get("flowId")
    told = call.services.engine.publish(f"event:{event}", payload, user_id=user_id, flow_id=flow_id)
    triggers: list[AppEventTrigger] = [
        {
            "userId": user_id,
            "event": event,
            "componentId": listener.component_id,
            "flowId": listener.flow_id,
            "createdAt": iso(listener.created_ms),
            "correlationId": listener.correlation_id,
        }
        for listener in told
    ]
    errors: list[TriggerFailure] = []
    listening = {(listener.flow_id, listener.component_id) for listener in told}
    for subscribed in _triggers(call).of(event, flow_id or ""):
        if (subscribed.flow_id, subscribed.component_id) not in listening:
            trigger = _shown(subscribed, user_id, new_id())
            failure = await _tell(call, trigger, payload)
            triggers.append(trigger)
            errors += [] if failure is None else [failure]
    return {"triggers": triggers, "errors": errors} if triggers else {"triggers": []}


async def create_app_event_trigger(call: Call) -> AppEventTrigger:
    """Subscribe a component with a webhook to an event, until it is deleted."""
    triggers, body = _triggers(call), await call.body(_NewTrigger)
    added = triggers.add(body.event, body.flowId, body.componentId)
    return _shown(added, call.user.user_id)


async def delete_app_event_trigger(call: Call) -> Empty:
    """End every subscription of a component."""
    _triggers(call).remove(call.path("componentId"))
    return {}


async def _tell(call: Call, trigger: AppEventTrigger, payload: Json) -> TriggerFailure | None:
    """Call a subscribed component's webhook without waiting; return why it could not be called."""
    try:
        await call.services.engine.call_webhook(
            trigger["flowId"],
            trigger["componentId"],
            WebhookCall(
                method="POST",
                hostname=call.request.url.hostname or "",
                headers={},
                query={},
                data=payload,
            ),
            correlation_id=trigger.get("correlationId"),
            enqueue_only=True,
        )
    except NotFoundError as error:
        return {
            "message": f"The component {trigger['componentId']} could not be triggered.",
            "code": "TRIGGER_FAILURE",
            "trigger": trigger,
            "err": {"message": str(error)},
        }
    return None


def _shown(trigger: EventTrigger, user_id: str, correlation_id: str = "") -> AppEventTrigger:
    shown: AppEventTrigger = {
        "userId": user_id,
        "event": trigger.event,
        "componentId": trigger.component_id,
        "flowId": trigger.flow_id,
        "createdAt": iso(trigger.created_ms),
    }
    if correlation_id:
        shown["correlationId"] = correlation_id
    return shown


def _triggers(call: Call) -> EventTriggers:
    return EventTriggers(call.services.database, call.services.clock, call.user.user_id)


ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_MOUNT}/events/{{event}}",
        send_app_event,
        auth="optional",
        query=(Parameter(name="flowId"),),
        body=Json,
        answer=AppEventResult,
    ),
    Endpoint(
        "POST",
        f"{_MOUNT}/triggers",
        create_app_event_trigger,
        auth="optional",
        body=_NewTrigger,
        answer=AppEventTrigger,
        statuses=(404,),
    ),
    Endpoint(
        "DELETE",
        f"{_MOUNT}/triggers/{{componentId}}",
        delete_app_event_trigger,
        auth="optional",
        answer=Empty,
    ),
)
