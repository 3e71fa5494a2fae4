"""What the components that are called from outside tell of a call."""

from urllib.parse import urlsplit

from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Context, Json, WebhookCall

CALL_VARIABLES = ("method", "data", "query", "headers", "hostname")


def told(call: WebhookCall) -> dict[str, Json]:
    """Return a call as a flow sees it."""
    return {
        "method": call.method,
        "hostname": call.hostname,
        "headers": dict(call.headers),
        "query": dict(call.query),
        "data": call.data,
    }


async def pass_on(ctx: Context, port: str) -> None:
    """Send the call from a port; answer it with its own data when that shall be at once."""
    if ctx.webhook is None:
        return
    ctx.send(port, told(ctx.webhook))
    if is_on(ctx.properties.get("immediateResponse", True)):
        ctx.respond(ctx.webhook.data)


def sample_call(ctx: Context) -> dict[str, Json]:
    """Return a call as one might come in."""
    hostname = urlsplit(ctx.webhook_url).hostname or ""
    headers = {"content-type": "application/json"}
    return told(WebhookCall(method="POST", hostname=hostname, headers=headers, query={}, data={}))
