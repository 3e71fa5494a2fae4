"""WebhookTrigger: sends a message for each HTTP request to its URL."""

from appmixer_mcp.sandbox.component import Component, Context, Field, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on


async def _on_webhook(ctx: Context) -> None:
    call = ctx.webhook
    if call is None:
        return
    request = {
        "method": call.method,
        "hostname": call.hostname,
        "headers": dict(call.headers),
        "query": dict(call.query),
        "data": call.data,
    }
    ctx.send("request", request)
    if is_on(ctx.properties.get("immediateResponse", True)):
        ctx.respond(call.data)


COMPONENT = Component(
    type="appmixer.utils.http.WebhookTrigger",
    label="Webhook",
    description="Triggers for each HTTP request to its URL.",
    properties=(
        Field(
            name="immediateResponse",
            type="toggle",
            default=True,
            tooltip="Answer at once with what was received; else http.Response answers.",
        ),
        Field(name="url", tooltip="Read only: the URL to call."),
    ),
    out_ports=(OutPort(name="request", variables=("method", "data", "query", "headers")),),
    webhook=True,
    on_webhook=_on_webhook,
)
