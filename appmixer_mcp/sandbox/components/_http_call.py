"""The HTTP components: what they send, what they make of the answer, and when they fail."""

import base64
import binascii
import json
from collections.abc import Mapping
from email.message import Message
from urllib.parse import parse_qs, urlencode

import httpx2

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import (
    entries,
    is_on,
    parsed_or_same,
    plain_text,
    texts,
    unusable,
)
from appmixer_mcp.sandbox.context import Context, HttpAnswer, Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_text
from appmixer_mcp.sandbox.jsontext import dumps

_SUCCESS = range(200, 300)
_MESSAGE_LENGTH = 200
_MOST_FILE_BYTES = 50_000_000
_FORM = "application/x-www-form-urlencoded"
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
_CHARSETS = {
    "ascii": "ascii", "utf8": "utf-8", "utf16le": "utf-16-le", "latin1": "latin-1",
    "binary": "latin-1",
}  # fmt: skip
_ENCODINGS = (*_CHARSETS, "base64", "hex", "none")

_FIELDS = (
    Field(name="url", required=True),
    Field(name="headers", type="key-value"),
    Field(name="body", type="textarea"),
    Field(name="bodyBase64Encode", type="toggle", tooltip="The body is base64; send its bytes."),
    Field(
        name="responseEncoding",
        type="select",
        options=_ENCODINGS,
        tooltip="How to read the answer; its own charset and JSON when empty or none.",
    ),
)
_BODY_TYPE_FIELDS = (
    Field(name="bodyType", type="select", options=("raw", "form-data", "binary"), default="raw"),
    Field(name="fileId", type="filepicker", tooltip="What a binary body is made of."),
    Field(
        name="bodyFormData",
        type="expression",
        tooltip='{"ADD": [{"name": "a", "type": "text", "text": "b"}]}; types: text, number, '
        "toggle, date-time, filepicker.",
    ),
)


def http_component(name: str) -> Component:
    """Return the component `appmixer.utils.http.<name>`, whose method is its name."""
    method = name.upper()
    more_fields = _BODY_TYPE_FIELDS if method in ("POST", "PUT") else ()

    async def receive(ctx: Context) -> None:
        await _call(ctx, method)

    return Component(
        type=f"appmixer.utils.http.{name}",
        label=name,
        description=f"Makes an HTTP {method} call and sends on what was answered.",
        in_ports=(InPort(fields=(*_FIELDS, *more_fields)),),
        out_ports=(
            OutPort(name="response", variables=("body", "headers", "request", "statusCode")),
        ),
        receive=receive,
    )


async def _call(ctx: Context, method: str) -> None:
    url = to_text(ctx.content.get("url") or "").strip()
    given = texts("headers", ctx.content.get("headers"))
    headers = {name.lower(): text for name, text in given.items()}
    params: dict[str, Json] = {}
    body = b""
    if method == "GET":
        params = _params(ctx.content.get("body"))
    else:
        body, content_type = _body(ctx, headers.get("content-type", ""))
        if body and content_type:
            headers["content-type"] = content_type
    answer = await ctx.request(method, url, headers=headers, params=params, content=body or None)
    if answer.status not in _SUCCESS:
        raise _failure(answer)
    shown = {name: "***" if name in _SECRET_HEADERS else text for name, text in headers.items()}
    ctx.send(
        "response",
        {
            "statusCode": answer.status,
            "headers": _shown_headers(answer.headers),
            "body": _answer_body(answer, ctx.content.get("responseEncoding")),
            # What signs the call is left out, since messages end up in the logs.
            "request": {"uri": answer.url, "method": method, "headers": shown},
        },
    )


def _params(value: Json) -> dict[str, Json]:
    """Return what the body of a GET adds to the query: an object, or text such as `a=1&b=2`."""
    given = parsed_or_same(value)
    if given in (None, ""):
        return {}
    if isinstance(given, str):
        return dict(parse_qs(given, keep_blank_values=True))
    if not is_object(given):
        raise unusable("body", "of a GET must be an object: it becomes the query")
    return {name: _form_value(one) for name, one in given.items()}


def _body(ctx: Context, content_type: str) -> tuple[bytes, str]:
    """Return the body of any other call, empty when there is none, and its content type.

    The type in the headers wins over what is written here, save for form-data, whose type holds
    the boundary.
    """
    fields = ctx.content
    kind = fields.get("bodyType") or "raw"
    if kind == "binary":
        _check_size(ctx, [fields.get("fileId")])
        content = ctx.files.read(to_text(fields.get("fileId")))
        return content, content_type or "application/octet-stream"
    if kind == "form-data":
        return _form_data(ctx)
    given = fields.get("body")
    if given in (None, ""):
        return b"", ""
    if is_on(fields.get("bodyBase64Encode")):
        return _from_base64(given), content_type or "application/octet-stream"
    value = parsed_or_same(given)
    if is_object(value) and content_type.partition(";")[0].strip().lower() == _FORM:
        form = {name: _form_value(one) for name, one in value.items()}
        return urlencode(form, doseq=True).encode(), content_type
    is_text = value is given and isinstance(given, str)
    # JSON text goes out as it was written: read and written anew, its numbers might change.
    sent = given if isinstance(given, str) else dumps(given)
    kind = "text/plain; charset=utf-8" if is_text else "application/json"
    return sent.encode(errors="replace"), content_type or kind


def _form_data(ctx: Context) -> tuple[bytes, str]:
    listed = entries("bodyFormData", ctx.content.get("bodyFormData"))
    _check_size(ctx, [one.get("filepicker") for one in listed if one.get("type") == "filepicker"])
    parts: list[tuple[str, tuple[str | None, bytes, str | None]]] = []
    for one in listed:
        name, kind = to_text(one.get("name", "")), to_text(one.get("type", "text"))
        value = one.get(kind)
        if kind == "filepicker":
            file = ctx.files.info(to_text(value))
            content = ctx.files.read(file["fileId"])
            parts.append((name, (file["filename"], content, file["contentType"])))
        else:
            parts.append((name, (None, plain_text(value).encode(errors="replace"), None)))
    if not parts:
        return b"", ""
    encoded = httpx2.Request("POST", "http://form.invalid", files=parts)
    return encoded.read(), encoded.headers["content-type"]


def _check_size(ctx: Context, file_ids: list[Json]) -> None:
    """Refuse files that are too large together: they are held in memory all at once."""
    size = sum(ctx.files.info(to_text(file_id or ""))["length"] for file_id in file_ids)
    if size > _MOST_FILE_BYTES:
        raise ComponentFailedError(
            f"The files have {size:,} bytes; one request takes {_MOST_FILE_BYTES:,} (a limit of "
            "the sandbox). Send smaller ones, or one at a time.",
            retry=False,
        )


def _form_value(value: Json) -> str | list[str]:
    if is_list(value):
        return [plain_text(one) for one in value]
    return plain_text(value)


def _from_base64(value: Json) -> bytes:
    try:
        return base64.b64decode(to_text(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unusable("body", "is no valid base64") from error


def _failure(answer: HttpAnswer) -> ComponentFailedError:
    host = httpx2.URL(answer.url).host
    remote = _answer_body(answer, None)
    said = remote.get("message") if is_object(remote) else None
    reason = f": {to_text(said)[:_MESSAGE_LENGTH]}" if said else ""
    return ComponentFailedError(
        f"{host} answered with status {answer.status}{reason}.",
        status=answer.status,
    )


def _shown_headers(headers: Mapping[str, str]) -> dict[str, Json]:
    shown: dict[str, Json] = dict(headers)
    if "content-type" in headers:
        media = _media_type(headers)
        parameters = dict((media.get_params() or [])[1:])
        shown["content-type"] = {"type": media.get_content_type(), "parameters": parameters}
    return shown


def _answer_body(answer: HttpAnswer, encoding: Json) -> Json:
    if encoding in ("base64", "hex"):
        return base64.b64encode(answer.body).decode() if encoding == "base64" else answer.body.hex()
    if encoding in _CHARSETS:
        text = answer.body.decode(_CHARSETS[encoding], errors="replace")
    else:
        text = _decoded(answer)
    is_json = _media_type(answer.headers).get_content_type().endswith(("/json", "+json"))
    # Many servers send JSON under another type, so objects and lists are recognised in any text.
    if is_json or text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _decoded(answer: HttpAnswer) -> str:
    charset = _media_type(answer.headers).get_content_charset("utf-8")
    try:
        return answer.body.decode(charset, errors="replace")
    except LookupError:
        return answer.body.decode(errors="replace")


def _media_type(headers: Mapping[str, str]) -> Message:
    media = Message()
    media["content-type"] = headers.get("content-type", "")
    return media
