"""The webhook URL of a component: open to anybody, answered by the flow."""

from collections.abc import Iterable
from typing import get_args
from urllib.parse import parse_qsl

from starlette.responses import Response

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json, WebhookCall
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes import multipart
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Method, Parameter, parse_json

_CORRELATION_ID_MAX = 500
_FIELDS_MAX = 1_000


async def call_webhook(call: Call) -> Response:
    """Hand a request to a component, and its answer back."""
    request = call.request
    correlation_id = call.query.get("correlationId") or None
    if correlation_id is not None and len(correlation_id) > _CORRELATION_ID_MAX:
        raise InputError(f"correlationId must have at most {_CORRELATION_ID_MAX} characters.")
    answer = await call.services.engine.call_webhook(
        call.path("flowId"),
        call.path("componentId"),
        WebhookCall(
            method=request.method,
            hostname=request.url.hostname or "",
            headers={name.lower(): value for name, value in request.headers.items()},
            query=_collected(call.query.multi_items()),
            data=await _data(call),
        ),
        correlation_id=correlation_id,
        enqueue_only=flag(call.query, "enqueueOnly"),
    )
    return Response(answer.body, answer.status, dict(answer.headers))


async def _data(call: Call) -> Json:
    """Return the body as a component sees it: JSON and forms parsed, else text, None when empty."""
    content = await call.content(call.services.config.webhook_max_bytes)
    if not content:
        return None
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return parse_json(content)
    if media_type == "application/x-www-form-urlencoded":
        try:
            fields = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
        except ValueError as error:
            raise InputError(f"The form cannot be read: {error}") from error
        return _collected(fields)
    if media_type == "multipart/form-data":
        return await _multipart(call, content)
    return content.decode(errors="replace")


async def _multipart(call: Call, content: bytes) -> Json:
    """Return the fields of a form; of a file only its name, type and size (ours)."""
    async with multipart.small_form(call.request.headers, content) as form:
        return _collected(
            (
                name,
                value
                if isinstance(value, str)
                else {
                    "filename": value.filename,
                    "contentType": value.content_type,
                    "size": value.size,
                },
            )
            for name, value in form.multi_items()
        )


def _collected(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Return name -> value, or the list of values where a name occurs more than once."""
    values: dict[str, list[Json]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


_QUERY = (
    Parameter(name="enqueueOnly", options=("true", "false")),
    Parameter(name="correlationId"),
    # These two the component reads, from the query that it is handed.
    Parameter(name="correlationInPort"),
    Parameter(name="action"),
)
_BODIES = "application/json, text/plain, application/x-www-form-urlencoded, multipart/form-data"
ENDPOINTS = tuple(
    Endpoint(
        method,
        "/flows/{flowId}/components/{componentId}",
        call_webhook,
        auth="none",
        query=_QUERY,
        body_type="application/json" if method in ("GET", "DELETE") else _BODIES,
        answer_type="*/*",
        statuses=(202, 413, 500, 503, 504),
    )
    for method in get_args(Method)
)
