"""CallFlow: calls another flow and goes on with its result."""

from uuid import uuid4

from appmixer_mcp.sandbox import base62
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.components._subflow import by_name, callback_url
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

_TARGET = ("flowId", "componentId")


async def _receive(ctx: Context) -> None:
    flow_id, component_id = (to_text(ctx.content.get(name)) for name in _TARGET)
    call_id = str(uuid4())
    url = callback_url(ctx, call_id)
    payload = {name: value for name, value in ctx.content.items() if name not in _TARGET}
    ctx.listen(_topic(call_id))  # keeps what can be referred to after the answer
    ctx.trigger(
        flow_id,
        component_id,
        {"callerWebhookUrl": url, "payload": payload},
        correlation_id=base62.encode(url),
    )


async def _on_webhook(ctx: Context) -> None:
    answer = as_object(ctx.webhook.data if ctx.webhook else None)
    output = by_name(answer.get("payload"))
    call_id = to_text(answer.get("correlationId") or ctx.correlation_id)
    ctx.publish(_topic(call_id), {"callId": call_id, "output": output})
    ctx.respond({})


async def _on_event(ctx: Context, answer: Json) -> None:
    ctx.unlisten(_topic(answer["callId"]))
    ctx.send("out", {"output": answer["output"]})


def _topic(call_id: str) -> str:
    return f"call:{call_id}"


COMPONENT = Component(
    type="appmixer.utils.subflows.CallFlow",
    label="Call Flow",
    description="Calls another flow, and goes on with the output that it gives back.",
    in_ports=(
        InPort(
            fields=(
                Field(name="flowId", required=True, tooltip="The flow to call; it must run."),
                Field(
                    name="componentId",
                    required=True,
                    tooltip="Its On Flow Call. Further fields are handed to it as its input.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("output",)),),
    webhook=True,
    receive=_receive,
    on_webhook=_on_webhook,
    on_event=_on_event,
)
