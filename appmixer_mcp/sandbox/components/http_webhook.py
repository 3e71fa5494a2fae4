"""Webhook (legacy): sends a message for each HTTP request, and answers it with one."""

from appmixer_mcp.sandbox.component import Component, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import whole
from appmixer_mcp.sandbox.components._webhook_call import CALL_VARIABLES, sample_call, told
from appmixer_mcp.sandbox.context import Context


async def _on_webhook(ctx: Context) -> None:
    if ctx.webhook is not None:
        ctx.send("trigger", told(ctx.webhook))


async def _receive(ctx: Context) -> None:
    ctx.respond(whole(ctx))


async def _sample(ctx: Context) -> None:
    ctx.send("trigger", sample_call(ctx))


COMPONENT = Component(
    type="appmixer.utils.http.Webhook",
    label="Webhook (legacy)",
    description="Triggers for each HTTP request and answers it with what comes to response.",
    in_ports=(InPort(name="response"),),
    out_ports=(OutPort(name="trigger", variables=CALL_VARIABLES),),
    webhook=True,
    begins=True,
    receive=_receive,
    on_webhook=_on_webhook,
    sample=_sample,
)
