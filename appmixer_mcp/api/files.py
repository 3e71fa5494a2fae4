"""Files: list, read, upload, delete."""

from urllib.parse import quote
from uuid import uuid4

from appmixer_mcp.errors import InputError, NotFoundError

from .call import Call, no_such, path, query, shown
from .dialect import cut, refuse_arguments
from .models.base import Count, FileId
from .models.files import FileInfo
from .resource import Resource

MOST_BYTES = 9_000_000
"""Largest file that can be read or uploaded; a larger answer is cut off by the client's usual
limit, and a larger upload would have to be sent in parts."""

_ANYTHING = {"Accept": "*/*"}
_AS_BROWSERS_DO = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Files(Resource):
    """The files of the signed-in user."""

    async def list_files(
        self,
        *,
        pattern: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[FileInfo]:
        """Return one page of files; empty when none fits.

        Args:
            pattern: Part of the name.
            sort: `field:1` or `field:-1`.
            limit: Page size; the API's own default is 100.
            offset: Index of the first file, from 0.

        Raises:
            InputError: Among others that the `openapi` dialect has only limit and offset.
        """
        if self._openapi:
            refuse_arguments("list_files", pattern=pattern, sort=sort)
            return cut(await self._all(), limit, offset)
        asked = query({"filter": _named(pattern), "sort": sort, "limit": limit, "offset": offset})
        return await self._transport.request(Call("GET", path("files"), asked), list[FileInfo])

    async def count_files(self, *, pattern: str | None = None) -> int:
        """Return how many files there are, or fit a part of a name."""
        if self._openapi:
            refuse_arguments("count_files", pattern=pattern)
            return len(await self._all())
        call = Call("GET", path("files", "count"), query({"filter": _named(pattern)}))
        return (await self._transport.request(call, Count)).count

    async def get_file_info(self, file_id: FileId) -> FileInfo:
        """Return what is known of a file beside its content.

        Raises:
            NotFoundError: There is none.
        """
        if self._openapi:
            path(file_id)
            for one in await self._all():
                if one.file_id == file_id:
                    return one
            raise NotFoundError(_no_file(file_id)[404])
        call = Call("GET", path("files", "metadata", file_id), advice=_no_file(file_id))
        return await self._transport.request(call, FileInfo)

    async def read_file(self, file_id: FileId) -> bytes:
        """Return a file's whole content.

        Raises:
            NotFoundError: There is none.
            UnexpectedAnswerError: It is larger than the client takes; see `MOST_BYTES`.

        Source: the OpenAPI document, which leaves the answer undefined; a download was observed.
        """
        call = Call("GET", path("files", file_id), headers=_ANYTHING, advice=_no_file(file_id))
        return await self._transport.read(call)

    async def upload_file(
        self, filename: str, content: bytes, content_type: str = "application/octet-stream"
    ) -> FileInfo:
        """Store a file and return it; others of the same name stay.

        Args:
            filename: With its ending, without folders.
            content: All of it, at most `MOST_BYTES`.
            content_type: A media type.

        Raises:
            InputError: It is too large, here or for the tenant, or the name cannot be sent.

        Source: the headers are documented; that names with other letters than Latin ones come
        percent-encoded is ours.
        """
        if len(content) > MOST_BYTES:
            raise InputError(
                f"The file {shown(filename)} has {len(content):,} bytes; at most {MOST_BYTES:,} "
                "can be uploaded at once. Send less."
            )
        in_header = _header_text(filename)
        in_form = filename.translate(_AS_BROWSERS_DO)
        boundary = uuid4().hex
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{in_form}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        call = Call(
            "POST",
            path("files"),
            body=head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={
                "uploader-file-name": in_header,
                "uploader-chunk-size": str(len(content)),
                "uploader-chunk-number": "1",
                "uploader-chunks-total": "1",
            },
        )
        return await self._transport.request(call, FileInfo)

    async def delete_file(self, file_id: FileId) -> None:
        """Delete a file.

        Raises:
            NotFoundError: There is none.
        """
        await self._transport.send(Call("DELETE", path("files", file_id), advice=_no_file(file_id)))

    async def _all(self) -> list[FileInfo]:
        return await self._transport.request(Call("GET", path("files")), list[FileInfo])


def _named(pattern: str | None) -> str | None:
    return f"filename:~{pattern}" if pattern else None


def _header_text(filename: str) -> str:
    """Return a name as a header can carry it: as it is where it can be, else percent-encoded."""
    plain = filename.isascii() and filename.isprintable() and "%" not in filename
    try:
        return filename if plain else quote(filename)
    except UnicodeEncodeError as error:
        raise InputError("The file's name holds half a surrogate pair; send whole ones.") from error


def _no_file(file_id: FileId) -> dict[int, str]:
    return no_such("file", file_id, "list_files")
