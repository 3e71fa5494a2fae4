"""How components read and name the user's files."""

import re

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

MOST_BYTES = 10_000_000
"""Largest file that is worked on as a whole (ours): it is held in memory several times over."""

FILE_ID = Field(name="fileId", type="filepicker", required=True, label="File ID")

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}$")


def file_id_of(ctx: Context) -> str:
    """Return the field `fileId`; text that names no file is refused where the file is read."""
    return to_text(ctx.content.get("fileId", ""))


def content_of(ctx: Context, file_id: str) -> bytes:
    """Return a file's whole content.

    Raises:
        ComponentFailedError: There is no such file, or it is larger than `MOST_BYTES`
            (retry=False).
    """
    length: int = ctx.files.info(file_id)["length"]
    check_size(length)
    return ctx.files.read(file_id)


def text_of(ctx: Context, file_id: str) -> str:
    """Return a file's content as text, without a byte order mark.

    Raises:
        ComponentFailedError: As `content_of`, or it is no UTF-8 (retry=False): what is changed in
            it would be written back with every other character lost.
    """
    try:
        return content_of(ctx, file_id).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(ctx, file_id, "text in UTF-8") from error


def check_size(length_bytes: int) -> None:
    """Refuse a content larger than `MOST_BYTES`.

    Raises:
        ComponentFailedError: It is (retry=False).
    """
    if length_bytes > MOST_BYTES:
        raise ComponentFailedError(
            f"The content has {length_bytes:,} bytes; this component works on at most "
            f"{MOST_BYTES:,}. Split it into smaller ones.",
            retry=False,
        )


def unreadable(ctx: Context, file_id: str, wanted: str, reason: str = "") -> ComponentFailedError:
    """Return the error for a file that is not what a component needs, such as `a PDF`."""
    name: Json = ctx.files.info(file_id)["filename"]
    why = f": {reason}" if reason else ""
    return ComponentFailedError(f"The file {name!r} cannot be read as {wanted}{why}.", retry=False)


def renamed(filename: str, extension: str) -> str:
    """Return a file name with another extension, given without its dot."""
    return f"{_EXTENSION.sub('', filename) or filename}.{extension}"
