"""Response: answers the HTTP request that a webhook of this flow received."""

from appmixer_mcp.sandbox.component import Component, Field, InPort
from appmixer_mcp.sandbox.components._inputs import parsed, texts, unusable
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_number

_STATUSES = range(200, 600)


async def _receive(ctx: Context) -> None:
    headers = texts("headers", ctx.content.get("headers"))
    body = ctx.content.get("body", "")
    if headers.get("Content-type") == "application/json":
        body = parsed("body", body)
    ctx.respond(body, status=_status(ctx.content.get("statusCode")), headers=headers)


def _status(value: Json) -> int:
    status = 200 if value in (None, "") else to_number(value)
    if status not in _STATUSES:
        raise unusable("statusCode", "must be an HTTP status from 200 to 599")
    return int(status)


COMPONENT = Component(
    type="appmixer.utils.http.Response",
    label="Response",
    description="Answers the request that the Webhook of this flow received.",
    in_ports=(
        InPort(
            fields=(
                Field(name="body", type="textarea"),
                Field(name="statusCode", type="number", default=200),
                Field(
                    name="headers",
                    type="key-value",
                    tooltip='With {"Content-type": "application/json"} the body must be JSON.',
                ),
            )
        ),
    ),
    receive=_receive,
)
