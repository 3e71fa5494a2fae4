"""Files: uploads whole and in parts, downloads whole and in ranges."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import FileInfo, UserFiles
from appmixer_mcp.sandbox.listing import Listing, flag, listing
from appmixer_mcp.sandbox.routes import download, multipart
from appmixer_mcp.sandbox.routes.endpoint import (
    LISTING,
    SELECTION,
    Call,
    Count,
    Endpoint,
    Parameter,
)
from appmixer_mcp.sandbox.routes.problems import problem

_WITH_SOURCES = Parameter(name="includeComponentSourceFiles", kind="boolean")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_MOST_PARTS = 100_000


class Deleted(TypedDict):
    """How many were deleted."""

    deletedCount: int


class DeletedFile(TypedDict):
    """Which file was deleted."""

    fileId: str


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What the `uploader-*` headers say of a part of a file."""

    file_id: str
    """Empty: it begins a new file."""
    filename: str
    size: int | None
    number: int | None
    total: int | None


async def list_files(call: Call) -> Json:
    """List the user's files, newest first."""
    asked = listing(call.query, identity="fileId", default_sort="uploadDate:-1")
    selected = _selected(call, asked)
    return await call.services.database.read(lambda connection: asked.page(selected(connection)))


async def count_files(call: Call) -> Json:
    """Count the user's files."""
    selected = _selected(call, listing(call.query))
    found: Count = {"count": len(await call.services.database.read(selected))}
    return found


async def show_file(call: Call) -> Json:
    """Show a file's metadata."""
    return _files(call).named(call.path("fileId"))


async def upload_file(call: Call) -> Json:
    """Store a file, or the next part of one that comes in parts."""
    part = _part(call.request.headers)
    files, limit = _files(call), call.services.config.file_max_bytes
    done, total, length = files.progress(part.file_id) if part.file_id else (0, 0, 0)
    number, total = _sequence(part, done, total)
    most_bytes = max(0, limit - length)
    async with multipart.form(call, most_bytes) as form:
        upload = multipart.file_in(form, most_bytes)
        _check_size(part, upload.size or 0, is_last=number == total)
        # Forms write the quotation mark so, and nothing else.
        name = part.filename or (upload.filename or "").replace("%22", '"')
        file_id = part.file_id or files.begin(name, upload.content_type or "", parts_total=total)
        try:
            return await files.append(file_id, upload.read, number=number, parts_total=total)
        finally:
            files.discard(file_id)  # does nothing to what was stored


async def download_file(call: Call) -> Response:
    """Send a file's content, or a range of it."""
    files, file_id = _files(call), call.path("fileId")
    info = files.named(file_id)
    length = info["length"]
    etag = f'"{info.get("md5") or info["uploadDate"]}"'
    headers = download.headers(info["filename"]) | {"Accept-Ranges": "bytes", "ETag": etag}
    try:
        wanted = download.wanted_range(call.request, length, etag)
    except download.UnsatisfiableRangeError:
        refusal = problem(416, f"The file has {length} bytes.")
        refusal.headers["Content-Range"] = f"bytes */{length}"
        return refusal
    start, end = wanted or (0, length)
    headers["Content-Length"] = str(end - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
    return StreamingResponse(
        files.content(file_id, start, end),
        206 if wanted else 200,
        headers,
        # What it really is would have browsers show it; the metadata tell.
        "application/octet-stream",
    )


async def delete_file(call: Call) -> Json:
    """Delete a file."""
    file_id = call.path("fileId")
    if not await _files(call).remove_many([file_id]):
        raise NotFoundError("File not found.")
    deleted: DeletedFile = {"fileId": file_id}
    return deleted


async def delete_files(call: Call) -> Json:
    """Delete the files that the filters let through; without a filter all of them."""
    found = await call.services.database.read(_selected(call, listing(call.query)))
    deleted: Deleted = {
        "deletedCount": await _files(call).remove_many(one["fileId"] for one in found)
    }
    return deleted


def _files(call: Call) -> UserFiles:
    return UserFiles(call.services.database, call.services.clock, call.user.user_id)


def _selected(call: Call, asked: Listing) -> Callable[[sqlite3.Connection], list[FileInfo]]:
    # The sources of custom components are kept elsewhere, so this adds none.
    flag(call.query, _WITH_SOURCES.name)
    files = _files(call)
    return lambda connection: asked.select(files.every(connection), pattern_in=("filename",))


def _part(headers: Mapping[str, str]) -> _Part:
    name = headers.get("uploader-file-name", "")
    with suppress(UnicodeError):  # then it was Latin-1, as headers are by right
        name = name.encode("latin-1").decode()
    return _Part(
        file_id=headers.get("uploader-file-id", "").strip(),
        # Browsers cannot send other letters than Latin ones in a header but so (ours).
        filename=unquote(name),
        size=_number(headers, "uploader-chunk-size", least=0),
        number=_number(headers, "uploader-chunk-number"),
        total=_number(headers, "uploader-chunks-total"),
    )


def _number(headers: Mapping[str, str], name: str, *, least: int = 1) -> int | None:
    text = headers.get(name, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise InputError(f"{name} must be a whole number, {least} or more.")
    return int(text)


def _sequence(part: _Part, done: int, total: int) -> tuple[int, int]:
    """Return which part this is and how many there will be, if it may come now.

    Parts without a number follow the last one; a file that is complete can get more (ours).
    """
    number = part.number or done + 1
    if number != done + 1:
        raise InputError(
            f"uploader-chunk-number is {number}, but part {done + 1} comes next."
            if part.file_id
            else "A new file begins with part 1; later ones name it in uploader-file-id."
        )
    is_complete = done == total
    wanted = part.total or (number if is_complete else total)
    if not is_complete and wanted != total:
        raise InputError(f"uploader-chunks-total is {wanted}, but it was {total} before.")
    if not number <= wanted <= _MOST_PARTS:
        raise InputError(f"uploader-chunks-total must lie between {number} and {_MOST_PARTS}.")
    return number, wanted


def _check_size(part: _Part, received: int, *, is_last: bool) -> None:
    if part.size is None or received == part.size or (is_last and received < part.size):
        return
    raise InputError(f"uploader-chunk-size is {part.size}, but the part has {received} bytes.")


ENDPOINTS = (
    Endpoint("GET", "/files", list_files, query=(*LISTING, _WITH_SOURCES), answer=list[FileInfo]),
    Endpoint(
        "POST",
        "/files",
        upload_file,
        body_type="multipart/form-data",
        answer=FileInfo,
        statuses=(404, 409),
    ),
    Endpoint("DELETE", "/files", delete_files, query=SELECTION, answer=Deleted),
    Endpoint("GET", "/files/count", count_files, query=(*SELECTION, _WITH_SOURCES), answer=Count),
    Endpoint("GET", "/files/metadata/{fileId}", show_file, answer=FileInfo),
    Endpoint(
        "GET",
        "/files/{fileId}",
        download_file,
        answer_type="application/octet-stream",
        statuses=(206, 416),
    ),
    Endpoint("DELETE", "/files/{fileId}", delete_file, answer=DeletedFile),
)
