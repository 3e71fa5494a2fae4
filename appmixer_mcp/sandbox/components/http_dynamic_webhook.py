"""DynamicWebhook: has a remote service call it while the flow runs.

At the start one request subscribes, at the stop another one unsubscribes; that one may refer to
the answer to the first with the runtime expressions of OpenAPI. `{$webhookUrl}`, in either
request, is ours: without it a flow would have to know its own address.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, FieldType, OutPort
from appmixer_mcp.sandbox.components._inputs import parsed_or_same, plain_text, texts
from appmixer_mcp.sandbox.components._webhook_call import CALL_VARIABLES, pass_on, sample_call
from appmixer_mcp.sandbox.context import Context, HttpAnswer, Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_text

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DEFAULT_METHODS = {"onStart": "POST", "onStop": "DELETE"}
_EXPRESSION = re.compile(
    r"\{\$(?:(?P<own>webhookUrl)|response\.header\.(?P<header>[\w!#$%&'*+.^`|~-]+)"
    r"|response\.body(?:#(?P<pointer>[^{}]*))?)\}"
)
_REQUEST: dict[str, FieldType] = {
    "Url": "text", "Method": "select", "Headers": "textarea", "Body": "textarea"
}  # fmt: skip
_LONGEST_INDEX = 10
_TOOLTIPS = {
    "onStartUrl": "Called when the flow starts; empty for no call.",
    "onStartHeaders": "A JSON object.",
    "onStartBody": "JSON text; {$webhookUrl} becomes the URL of this component.",
    "onStopUrl": "Called when the flow stops; empty for no call. {$response.body#/id} and "
    "{$response.header.Location} are taken from the answer to the call at the start.",
    "onStopHeaders": "A JSON object; expressions as in the URL.",
    "onStopBody": "JSON text; expressions as in the URL.",
}
_SUCCESS = range(200, 300)


async def _start(ctx: Context) -> None:
    answer = await _request(ctx, "onStart", {})
    if answer is not None:
        body = parsed_or_same(answer.body.decode(errors="replace"))
        ctx.state.set("response", {"headers": dict(answer.headers), "body": body})


async def _stop(ctx: Context) -> None:
    await _request(ctx, "onStop", ctx.state.get("response", {}))


async def _request(ctx: Context, when: str, response: Mapping[str, Json]) -> HttpAnswer | None:
    """Make the request of the start or the stop; None when it has no URL.

    Raises:
        ComponentFailedError: It was not answered with success.
    """
    given = {name: ctx.properties.get(f"{when}Request{name}") for name in _REQUEST}

    def filled(text: str, *, in_url: bool = False) -> str:
        return _EXPRESSION.sub(lambda found: _resolved(ctx, found, response, in_url=in_url), text)

    url = filled(to_text(given["Url"] or "").strip(), in_url=True)
    if not url:
        return None
    headers = {
        name.lower(): filled(text)
        for name, text in texts(f"{when}RequestHeaders", given["Headers"]).items()
    }
    body = filled(plain_text(given["Body"]))
    if body:
        headers.setdefault("content-type", "application/json")
    method = to_text(given["Method"] or _DEFAULT_METHODS[when]).upper()
    content = body.encode(errors="replace") if body else None
    answer = await ctx.request(method, url, headers=headers, content=content)
    if answer.status not in _SUCCESS:
        raise ComponentFailedError(
            f"The {when} request was answered with status {answer.status}.",
            retry=False,
            error_code=str(answer.status),
        )
    return answer


def _resolved(
    ctx: Context, found: re.Match[str], response: Mapping[str, Json], *, in_url: bool
) -> str:
    if found["own"]:
        value: Json = ctx.webhook_url
    elif found["header"]:
        value = response.get("headers", {}).get(found["header"].lower())
    else:
        value = _at(response.get("body"), found["pointer"] or "")
    text = plain_text(value)
    whole_url = in_url and found.start() == 0  # such as the address of what was made
    return quote(text, safe="") if in_url and not whole_url else text


def _at(value: Json, pointer: str) -> Json:
    """Follow a JSON pointer; None when it leads nowhere."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if is_object(value):
            value = value.get(name)
        elif is_list(value) and name.isdecimal() and len(name) < _LONGEST_INDEX:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


async def _on_webhook(ctx: Context) -> None:
    await pass_on(ctx, "request")


async def _sample(ctx: Context) -> None:
    ctx.send("request", sample_call(ctx))


def _check(properties: Mapping[str, Json]) -> list[str]:
    problems: list[str] = []
    for when in _DEFAULT_METHODS:
        method, headers = f"{when}RequestMethod", f"{when}RequestHeaders"
        given = properties.get(method)
        if given and to_text(given).upper() not in _METHODS:
            problems.append(f"{method} must be one of {', '.join(_METHODS)}.")
        try:
            texts(headers, properties.get(headers))
        except ComponentFailedError as error:
            problems.append(str(error))
    return problems


def _request_fields(when: str) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=f"{when}Request{name}",
            type=kind,
            options=_METHODS if name == "Method" else (),
            default=_DEFAULT_METHODS[when] if name == "Method" else None,
            tooltip=_TOOLTIPS.get(when + name, ""),
        )
        for name, kind in _REQUEST.items()
    )


COMPONENT = Component(
    type="appmixer.utils.http.DynamicWebhook",
    label="Dynamic Webhook",
    description="Subscribes to a remote service when the flow starts, and triggers for its calls.",
    properties=(
        *_request_fields("onStart"),
        *_request_fields("onStop"),
        Field(
            name="immediateResponse",
            type="toggle",
            default=True,
            tooltip="Answer at once with what was received; else http.Response answers.",
        ),
    ),
    out_ports=(OutPort(name="request", variables=CALL_VARIABLES),),
    webhook=True,
    check=_check,
    start=_start,
    stop=_stop,
    on_webhook=_on_webhook,
    sample=_sample,
)
