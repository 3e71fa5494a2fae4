"""Bodies in multipart/form-data, read in bounds: what is large lies on the disk meanwhile."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.routes.endpoint import Call, TooLargeError

_AROUND_BYTES = 65_536  # boundaries, headers of parts, small fields
_FIELD_MAX_BYTES = 16_384
_MOST_FIELDS = 20
_CHARSETS = frozenset((b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"latin1"))


@asynccontextmanager
async def form(call: Call, max_bytes: int) -> AsyncGenerator[FormData]:
    """Read the form of a call; its files are there until the block ends.

    Args:
        call: Has sent it.
        max_bytes: Of its one file.

    Raises:
        TooLargeError: It is larger; the rest is not read.
        InputError: It is no form with at most one file.
    """
    headers = call.request.headers
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InputError("Send the file as multipart/form-data, in the field file.")
    stream = call.stream(max_bytes, around_bytes=_AROUND_BYTES)
    parser = _Parser(
        headers, stream, max_files=1, max_fields=_MOST_FIELDS, max_part_size=_FIELD_MAX_BYTES
    )
    async with _parsed(parser) as found:
        yield found


@asynccontextmanager
async def small_form(headers: Headers, content: bytes) -> AsyncGenerator[FormData]:
    """Read a form that is in memory already; its files are there until the block ends.

    Raises:
        InputError: It is no form, or one of more than a thousand fields or files.
    """

    async def stream() -> AsyncGenerator[bytes]:
        yield content

    async with _parsed(_Parser(headers, stream(), max_part_size=len(content))) as found:
        yield found


@asynccontextmanager
async def _parsed(parser: "_Parser") -> AsyncGenerator[FormData]:
    try:
        try:
            found = await parser.parse()
        except (MultiPartException, ValueError) as error:
            raise InputError(f"The form cannot be read: {error}") from error
        yield found
    finally:
        parser.close()


def file_in(found: FormData, max_bytes: int) -> UploadFile:
    """Return the file of the field `file`.

    Raises:
        InputError: There is none.
        TooLargeError: It is larger than allowed.
    """
    upload = found.get("file")
    if not isinstance(upload, UploadFile):
        raise InputError("The form has no file in the field file.")
    if (upload.size or 0) > max_bytes:
        raise TooLargeError(max_bytes)
    return upload


class _Parser(MultiPartParser):
    """Closes every file in the end; a form that breaks off in one does not name it."""

    async def parse(self) -> FormData:
        """Read the form, if its text is in an encoding that is decoded in no time."""
        _, options = parse_options_header(self.headers["content-type"])
        if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
            raise MultiPartException("Its charset is none of utf-8, us-ascii and iso-8859-1.")
        return await super().parse()

    def close(self) -> None:
        """Delete what lies on the disk."""
        for file in self._files_to_close_on_error:
            file.close()
