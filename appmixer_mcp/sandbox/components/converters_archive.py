"""Archive: packs files into a zip or tar archive."""

import anyio

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._archives import Entries, add_to_tar, add_to_zip
from appmixer_mcp.sandbox.components._inputs import entries, unusable
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

_FORMATS = {
    "zip": (add_to_zip, "application/zip"),
    "tar": (add_to_tar, "application/x-tar"),
}
_MOST_FILES = 1_000
_MOST_BYTES = 50_000_000


async def _receive(ctx: Context) -> None:
    output_format = to_text(ctx.content.get("outputFormat") or "zip")
    if output_format not in _FORMATS:
        raise unusable("outputFormat", f"must be {' or '.join(_FORMATS)}")
    add, media_type = _FORMATS[output_format]
    archive_id = to_text(ctx.content.get("archiveFileID") or "")
    if archive_id:
        await ctx.lock(f"file:{archive_id}")
    ids = _file_ids(ctx.content.get("files"))
    _check_total(ctx, [*ids, archive_id] if archive_id else ids)
    archive = ctx.files.read(archive_id) if archive_id else b""
    added: Entries = [(str(ctx.files.info(one)["filename"]), ctx.files.read(one)) for one in ids]
    content = await anyio.to_thread.run_sync(add, archive, added, ctx.now)
    if archive_id:
        made = ctx.files.replace(archive_id, content)
    else:
        made = ctx.files.create(to_text(ctx.content.get("fileName", "")), content, media_type)
    ctx.send("out", {"fileId": made["fileId"], "fileName": made["filename"]})


def _file_ids(value: Json) -> list[str]:
    listed = entries("files", value, "AND")
    if len(listed) > _MOST_FILES:
        raise unusable("files", f"may hold {_MOST_FILES:,} files at most")
    return [to_text(one.get("fileId", "")) for one in listed]


def _check_total(ctx: Context, ids: list[str]) -> None:
    total = sum(int(ctx.files.info(one)["length"]) for one in ids)
    if total > _MOST_BYTES:
        raise ComponentFailedError(
            f"The files have {total:,} bytes together; at most {_MOST_BYTES:,} are packed at once.",
            retry=False,
        )


COMPONENT = Component(
    type="appmixer.utils.converters.Archive",
    label="Archive",
    description="Packs files into a zip or tar archive.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="outputFormat",
                    type="select",
                    required=True,
                    default="zip",
                    options=tuple(_FORMATS),
                ),
                Field(name="fileName", required=True, tooltip="With its extension."),
                Field(
                    name="archiveFileID",
                    type="filepicker",
                    tooltip="An archive of the same format to add to; empty: a new one.",
                ),
                Field(
                    name="files",
                    type="expression",
                    tooltip='{"AND": [{"fileId": "…"}]}',
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("fileId", "fileName")),),
    receive=_receive,
)
