"""DownloadFile: stores what a link leads to as a file."""

from collections.abc import Mapping
from email.message import Message
from urllib.parse import unquote, urlsplit

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.context import Context
from appmixer_mcp.sandbox.javascript import to_text

_SUCCESS = range(200, 300)
_UNNAMED = "download"


async def _receive(ctx: Context) -> None:
    link = to_text(ctx.content.get("link") or "").strip()
    if not link.lower().startswith(("http://", "https://")):
        raise unusable("link", "must be a URL that begins with http:// or https://")
    answer = await ctx.request("GET", link)
    if answer.status not in _SUCCESS:
        host = urlsplit(answer.url).hostname
        raise ComponentFailedError(
            f"{host} answered with status {answer.status} instead of a file.",
            status=answer.status,
        )
    custom = to_text(ctx.content.get("customFileName") or "").strip()
    name = custom or _named_by(answer.headers) or _last_part(answer.url)
    file = ctx.files.create(name, answer.body, answer.headers.get("content-type", ""))
    ctx.send("out", {key: file[key] for key in ("fileId", "filename", "contentType")})


def _named_by(headers: Mapping[str, str]) -> str:
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    return message.get_filename("").strip()


def _last_part(url: str) -> str:
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or _UNNAMED


COMPONENT = Component(
    type="appmixer.utils.files.DownloadFile",
    label="Download File",
    description="Downloads what a link leads to and stores it as a file.",
    in_ports=(
        InPort(
            fields=(
                Field(name="link", required=True, tooltip="A URL; at most 10 MB are downloaded."),
                Field(
                    name="customFileName",
                    tooltip="Empty: the name that the server gives, or the end of the link.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "filename", "contentType")),),
    receive=_receive,
)
