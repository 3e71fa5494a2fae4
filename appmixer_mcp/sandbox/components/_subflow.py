"""How a flow that calls another one is told the result.

The call brings a URL to answer to: the webhook of the caller, with an id of the call as correlation
id. The flow that is called carries that URL, in base 62, as the correlation id of its messages.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from appmixer_mcp.sandbox import base62
from appmixer_mcp.sandbox.components._inputs import entries
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

_WEBHOOK = re.compile(r"/flows/([^/?#]+)/components/([^/?#]+)")


@dataclass(frozen=True)
class Caller:
    """The component that waits for the result of a call."""

    flow_id: str
    component_id: str
    call_id: str


def callback_url(ctx: Context, call_id: str) -> str:
    """Return the URL at which this component is told the result of a call."""
    return f"{ctx.webhook_url}?{urlencode({'enqueueOnly': 'true', 'correlationId': call_id})}"


def caller_of(ctx: Context, url: str) -> Caller | None:
    """Return who is told the result at a URL; None when it is no webhook of this tenant."""
    tenant_url = ctx.webhook_url.removesuffix(f"/flows/{ctx.flow_id}/components/{ctx.component_id}")
    if not url.startswith(f"{tenant_url}/"):
        return None
    parts = urlsplit(url.removeprefix(tenant_url))
    found = _WEBHOOK.fullmatch(parts.path)
    call_ids = parse_qs(parts.query).get("correlationId")
    return Caller(unquote(found[1]), unquote(found[2]), call_ids[0]) if found and call_ids else None


def caller_of_correlation(ctx: Context) -> Caller | None:
    """Return who waits for what this message leads to; None when no subflow call led to it."""
    try:
        return caller_of(ctx, base62.decode(ctx.correlation_id))
    except ValueError:  # a correlation id of another kind
        return None


def by_name(payload: Json) -> dict[str, Json]:
    """Return what a callback brought, `[{name, type, value}]`, as name -> value.

    Raises:
        ComponentFailedError: It has another shape (retry=False).
    """
    expression: Json = {"ADD": [] if payload is None else payload}
    return {to_text(one.get("name")): one.get("value") for one in entries("payload", expression)}
