"""WebhookTrigger (Webhook): sends a message for each HTTP request to its URL."""

from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._webhook_call import CALL_VARIABLES, pass_on, sample_call
from appmixer_mcp.sandbox.context import Context


async def _on_webhook(ctx: Context) -> None:
    await pass_on(ctx, "request")


async def _sample(ctx: Context) -> None:
    ctx.send("request", sample_call(ctx))


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
    out_ports=(OutPort(name="request", variables=CALL_VARIABLES),),
    webhook=True,
    on_webhook=_on_webhook,
    sample=_sample,
)
