"""Files: what flows read and write."""

import base64
import binascii
import json
import mimetypes
from typing import TYPE_CHECKING, Annotated, ClassVar

from anyio import to_thread
from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import InputError
from appmixer_mcp.results import Facts, Instant, Number, Outcome, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CREATE, DESTROY, READ, ToolContext, Toolset

from ._local_files import LocalName, directory_of
from ._shared import FileId, Limit, Offset, Sort, plural, sorted_by

if TYPE_CHECKING:
    from appmixer_mcp.api.models.files import FileInfo

TOOLSET = Toolset("files", "Files that flows read and write.")

_NEWEST_FIRST = "uploadDate:-1"
_MOST_BYTES = 9_000_000  # what the client takes of one answer, and sends at once
_SHOWN_TEXT_BYTES = 15_000  # of JSON: what is longer would be cut elsewhere, without a way to go on
_SHOWN_BINARY_BYTES = 9_000

_INSTEAD = "upload_file takes content, and get_file shows it."


class File(Facts):
    """A file."""

    file_id: str
    filename: str
    size_bytes: Number = None
    content_type: Text = None
    uploaded_at: Instant = None


class FilePage(Page):
    """Files."""

    items: list[File]


class FileDetail(Result):
    """One file."""

    file: File
    saved_as: Text = Field(default=None, description="Name in the server's directory.")


class FileContent(FileDetail):
    """A file and its content, or a part of it."""

    text: Text = None
    base64: Text = Field(default=None, description="Of a small file that is no text.")
    next_offset: Number = Field(default=None, description="Pass as `offset` for more of the text.")
    next_step: Text = None

    more_by: ClassVar[str] = "go on with offset, from where the text ends"


class FileDeleted(Outcome):
    """What became of a file."""

    file_id: Text = None


@TOOLSET.tool("List files", READ, selectable=Selectable(always=("file_id",)))
async def list_files(
    ctx: ToolContext,
    pattern: Annotated[str, Field(description="Part of the file's name.")] = "",
    sort: Sort = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> FilePage:
    """List the files that flows can use, newest first."""
    client = await ctx.client()
    found = await client.files.list_files(
        pattern=pattern or None,
        sort=sorted_by(client, sort, _NEWEST_FIRST),
        limit=limit,
        offset=offset,
    )
    total = None
    if offset or len(found) == limit:
        total = await client.files.count_files(pattern=pattern or None)
    return FilePage.of([_file(one) for one in found], offset=offset, limit=limit, total=total)


@TOOLSET.tool("Get file", READ)
async def get_file(
    ctx: ToolContext,
    file_id: FileId,
    offset: Annotated[int, Field(description="Characters of a text to skip.", ge=0)] = 0,
) -> FileContent:
    """Show a file's text, or base64 of a small binary one; save_file takes any file whole."""
    info, content = await _download(ctx, file_id)
    text = _text(content)
    if text is not None:
        shown = _shown_part(text, offset)
        seen = offset + len(shown)
        return FileContent(
            file=_file(info), text=shown, next_offset=seen if seen < len(text) else None
        )
    if len(content) <= _SHOWN_BINARY_BYTES:
        return FileContent(file=_file(info), base64=base64.b64encode(content).decode())
    return FileContent(
        file=_file(info),
        next_step="It is no text and too large to be shown. "
        + (
            "save_file writes it to the server's directory." if ctx.files else "A flow can send it."
        ),
    )


@TOOLSET.tool("Save file", CREATE)
async def save_file(ctx: ToolContext, file_id: FileId, to_file: LocalName) -> FileDetail:
    """Save a file into the directory the operator set aside; nothing there is overwritten."""
    directory = directory_of(ctx, _INSTEAD)
    info, content = await _download(ctx, file_id)
    await to_thread.run_sync(directory.write, to_file, content)
    return FileDetail(file=_file(info), saved_as=to_file)


@TOOLSET.tool("Upload file", CREATE)
async def upload_file(
    ctx: ToolContext,
    filename: Annotated[
        str,
        Field(description="Its name in Appmixer, with its ending.", min_length=1, max_length=255),
    ],
    content: Annotated[str, Field(description="Text, or base64 if is_base64.")] = "",
    is_base64: Annotated[bool, Field(description="Whether content is base64.")] = False,
    from_file: LocalName = "",
) -> FileDetail:
    """Upload a file for flows to use: its content, or a file of the server's own directory."""
    if bool(content) == bool(from_file):
        raise InputError("Give either content, or the name of a local file as from_file.")
    if from_file:
        data = await to_thread.run_sync(directory_of(ctx, _INSTEAD).read, from_file)
    else:
        data = _decoded(content) if is_base64 else _encoded(content)
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return FileDetail(
        file=_file(await (await ctx.client()).files.upload_file(filename, data, kind))
    )


async def _delete_impact(ctx: ToolContext, file_id: FileId) -> Impact:
    info = await (await ctx.client()).files.get_file_info(file_id)
    return Impact(
        question=f"Delete the file {quoted(info.filename)}?",
        losses=[
            f"Its content of {plural(info.length or 0, 'byte')}, for good",
            "Flows that use the file fail from then on.",
        ],
        identity={
            "file_id": file_id,
            "filename": info.filename or "",
            "uploaded_at": str(info.uploaded_at),
            "md5": info.md5 or "",
        },
    )


@TOOLSET.tool("Delete file", DESTROY, preview=_delete_impact)
async def delete_file(ctx: ToolContext, file_id: FileId) -> FileDeleted:
    """Delete a file for good. Shows what would be lost first."""
    await (await ctx.client()).files.delete_file(file_id)
    return FileDeleted(done=True, message=f"Deleted the file {quoted(file_id)}.", file_id=file_id)


async def _download(ctx: ToolContext, file_id: FileId) -> "tuple[FileInfo, bytes]":
    files = (await ctx.client()).files
    info = await files.get_file_info(file_id)
    if (info.length or 0) > _MOST_BYTES:
        raise InputError(
            f"The file {quoted(info.filename)} has {info.length:,} bytes; at most {_MOST_BYTES:,} "
            "are fetched. Have a flow split or send it."
        )
    return info, await files.read_file(file_id)


def _file(info: "FileInfo") -> File:
    return File(
        file_id=info.file_id,
        filename=info.filename or "",
        size_bytes=info.length,
        content_type=info.content_type,
        uploaded_at=info.uploaded_at,
    )


def _text(content: bytes) -> str | None:
    """Return the content as text; None where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _shown_part(text: str, offset: int) -> str:
    """Return what follows an offset, as far as it fits into an answer."""
    part = text[offset : offset + _SHOWN_TEXT_BYTES]
    while len(json.dumps(part, ensure_ascii=False).encode()) > _SHOWN_TEXT_BYTES:
        part = part[: len(part) * 3 // 4]
    return part


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            "content is not base64, though is_base64 is true. Mend it, or leave is_base64 out to "
            "upload it as text."
        ) from None


def _encoded(content: str) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise InputError("content holds half a surrogate pair; send whole ones.") from None
