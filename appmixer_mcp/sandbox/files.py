"""The files of one user: a name, a media type, and content that is kept in chunks."""

import hashlib
import mimetypes
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import NotRequired
from uuid import uuid4

import anyio.lowlevel
from typing_extensions import TypedDict

from appmixer_mcp.errors import ComponentFailedError, ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database

CHUNK_BYTES = 261_120
"""How much of a file one chunk holds; shown as `chunkSize` (documented)."""
_PIECE_BYTES = 4 * CHUNK_BYTES  # what is read or written at once
_READ_MAX_BYTES = 104_857_600
_NAME_MAX = 255
_HASHED_WITHIN_S = 60.0
_SHOWN = "file_id, user_id, filename, content_type, content_id, length_bytes, md5, uploaded_ms"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Read = Callable[[int], Awaitable[bytes]]
"""Gives the next bytes of an upload, at most so many; none at its end."""


class FileOwner(TypedDict):
    """`metadata` of a file."""

    userId: str


class FileInfo(TypedDict):
    """A file as the API shows it, without its content."""

    fileId: str
    filename: str
    length: int
    chunkSize: int
    uploadDate: str
    contentType: str
    md5: NotRequired[str]
    """Left out until every part of a chunked upload is there (ours)."""
    metadata: FileOwner
    createdAt: str


class UserFiles:
    """Reads and writes the files of one user; nobody else's exist for it.

    `info`, `read`, `replace` and `remove` are what components use: there an unknown file is a
    failure that trying again does not mend. Callers from the API ask `named` first, which says
    "not found".
    """

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def every(self, connection: sqlite3.Connection) -> list[FileInfo]:
        """Return all files, the newest first; empty when there is none. For `Database.read`."""
        rows = connection.execute(
            f"SELECT {_SHOWN} FROM file WHERE user_id = ? AND parts_done > 0"  # noqa: S608 - a constant
            " ORDER BY uploaded_ms DESC, rowid DESC",
            (self._user_id,),
        )
        return [_shown(row) for row in rows]

    def named(self, file_id: str) -> FileInfo:
        """Return one file.

        Raises:
            NotFoundError: This user has no such file.
        """
        return _shown(self._row(file_id))

    def info(self, file_id: str) -> FileInfo:
        """Return one file.

        Raises:
            ComponentFailedError: This user has no such file (retry=False).
        """
        return _shown(self._required(file_id))

    def create(self, filename: str, content: bytes, content_type: str = "") -> FileInfo:
        """Store a file and return it; two files may have the same name.

        Args:
            filename: Kept without folders and characters that are not seen.
            content: All of it.
            content_type: Guessed from the name when it is empty or no media type.

        Raises:
            ComponentFailedError: It is larger than 100 MB (retry=False).
        """
        _check_size(len(content))
        with self._database.transaction() as connection:
            file_id, content_id = self.begin(filename, content_type, parts_total=1), uuid4().hex
            connection.execute("UPDATE file SET parts_done = 1 WHERE file_id = ?", (file_id,))
            self._fill(connection, file_id, content_id, content)
            return self.named(file_id)

    def read(self, file_id: str) -> bytes:
        """Return a file's whole content.

        Raises:
            ComponentFailedError: This user has no such file, or it is larger than 100 MB
                (retry=False).
        """
        row = self._required(file_id)
        _check_size(row["length_bytes"])
        chunks = self._database.rows(
            "SELECT content FROM file_chunk WHERE content_id = ? AND start_byte < ?"
            " ORDER BY start_byte",
            (row["content_id"], row["length_bytes"]),
        )
        return b"".join(chunk["content"] for chunk in chunks)

    def replace(self, file_id: str, content: bytes) -> FileInfo:
        """Give a file another content and return it; id, name and media type stay.

        Raises:
            ComponentFailedError: This user has no such file, or the content is larger than 100 MB
                (retry=False).
        """
        _check_size(len(content))
        with self._database.transaction() as connection:
            row = self._required(file_id)
            connection.execute("DELETE FROM file_chunk WHERE content_id = ?", (row["content_id"],))
            self._fill(connection, file_id, uuid4().hex, content)
            return self.named(file_id)

    def remove(self, file_id: str) -> FileInfo:
        """Delete a file and return what it was.

        Raises:
            ComponentFailedError: This user has no such file (retry=False).
        """
        with self._database.transaction() as connection:
            row = self._required(file_id)
            connection.execute("DELETE FROM file WHERE file_id = ?", (file_id,))
        return _shown(row)

    async def remove_many(self, file_ids: Iterable[str]) -> int:
        """Delete files and return how many there were; large ones hold nobody up."""
        deleted = 0
        for file_id in file_ids:
            with self._database.transaction() as connection:
                hidden = connection.execute(
                    "UPDATE file SET parts_done = 0, upload_id = '' WHERE file_id = ?"
                    " AND user_id = ? AND parts_done > 0 RETURNING content_id",
                    (file_id, self._user_id),
                ).fetchone()
            if hidden is not None:
                deleted += 1
                await self._empty(hidden["content_id"])
                self.discard(file_id)
        return deleted

    @staticmethod
    def measured(content: bytes) -> dict[str, Json]:
        """Return the metadata that follows from a content: `length` and `md5`."""
        return {"length": len(content), "md5": _md5(content)}

    def begin(self, filename: str, content_type: str, *, parts_total: int) -> str:
        """Make a file that nobody sees before its first part is written; return its id."""
        name, file_id = _safe_name(filename), str(uuid4())
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO file (file_id, user_id, filename, content_type, content_id,"
                " length_bytes, md5, parts_done, parts_total, uploaded_ms)"
                " VALUES (?, ?, ?, ?, ?, 0, '', 0, ?, ?)",
                (
                    file_id, self._user_id, name, _media_type(content_type, name), uuid4().hex,
                    parts_total, to_ms(self._clock.now()),
                ),
            )  # fmt: skip
        return file_id

    def progress(self, file_id: str) -> tuple[int, int, int]:
        """Return how many parts of a file are there, how many will be, and its bytes so far.

        Raises:
            NotFoundError: This user has no such file.
        """
        row = self._row(file_id, "parts_done, parts_total, length_bytes")
        return row["parts_done"], row["parts_total"], row["length_bytes"]

    async def append(self, file_id: str, read: Read, *, number: int, parts_total: int) -> FileInfo:
        """Write a part behind those that are there and return the file.

        What is written counts only once all of the part is, so one that breaks off leaves nothing.

        Args:
            file_id: A file of this user, begun or complete.
            read: Gives the part.
            number: Which part it is, from 1.
            parts_total: How many parts the file will have.

        Raises:
            NotFoundError: This user has no such file.
            ConflictError: It is not the next part, or the file was written by another call
                meanwhile.
        """
        upload_id = uuid4().hex
        with self._database.transaction() as connection:
            row = self._any_row(file_id, "content_id, length_bytes, parts_done")
            if row["parts_done"] != number - 1:
                raise _written_meanwhile()
            content_id, length = row["content_id"], row["length_bytes"]
            connection.execute(
                "UPDATE file SET upload_id = ? WHERE file_id = ?", (upload_id, file_id)
            )
            connection.execute(
                "DELETE FROM file_chunk WHERE content_id = ? AND start_byte >= ?",
                (content_id, length),
            )
        while piece := await read(_PIECE_BYTES):
            with self._database.transaction() as connection:
                self._check_upload(file_id, upload_id)
                _write(connection, content_id, length, piece)
            length += len(piece)
        md5 = ""
        if number == parts_total:
            digest = partial(_digest, content_id)
            md5 = await self._database.read(digest, within_s=_HASHED_WITHIN_S)
        with self._database.transaction() as connection:
            self._check_upload(file_id, upload_id)
            connection.execute(
                "UPDATE file SET length_bytes = ?, md5 = ?, parts_done = ?, parts_total = ?,"
                " uploaded_ms = ? WHERE file_id = ?",
                (length, md5, number, parts_total, to_ms(self._clock.now()), file_id),
            )
            return self.named(file_id)

    def discard(self, file_id: str) -> None:
        """Delete a file that was begun and has got nothing; another one stays."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM file WHERE file_id = ? AND parts_done = 0", (file_id,))

    async def content(self, file_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Give the bytes of a file from `start` to before `end`, a few chunks at a time.

        Raises:
            NotFoundError: This user has no such file, or has it no more half-way.
        """
        content_id = self._row(file_id)["content_id"]
        while start < end:
            read = partial(_chunks, content_id, start, end)
            piece = await self._database.read(read)
            if not piece:
                raise NotFoundError("The file was removed or replaced while it was being read.")
            yield piece
            start += len(piece)

    def _fill(
        self, connection: sqlite3.Connection, file_id: str, content_id: str, content: bytes
    ) -> None:
        _write(connection, content_id, 0, content)
        connection.execute(
            "UPDATE file SET content_id = ?, length_bytes = ?, md5 = ?, parts_total = parts_done,"
            " upload_id = '', uploaded_ms = ? WHERE file_id = ?",
            (content_id, len(content), _md5(content), to_ms(self._clock.now()), file_id),
        )

    async def _empty(self, content_id: str) -> None:
        left = 1
        while left:
            with self._database.transaction() as connection:
                left = connection.execute(
                    "DELETE FROM file_chunk WHERE rowid IN"
                    " (SELECT rowid FROM file_chunk WHERE content_id = ? LIMIT 8)",
                    (content_id,),
                ).rowcount
            await anyio.lowlevel.checkpoint()

    def _check_upload(self, file_id: str, upload_id: str) -> None:
        if self._any_row(file_id, "upload_id")["upload_id"] != upload_id:
            raise _written_meanwhile()

    def _row(self, file_id: str, columns: str = _SHOWN) -> sqlite3.Row:
        return self._any_row(file_id, columns, "AND parts_done > 0")

    def _any_row(self, file_id: str, columns: str, condition: str = "") -> sqlite3.Row:
        row = self._database.row(
            f"SELECT {columns} FROM file WHERE file_id = ? AND user_id = ? {condition}",  # noqa: S608 - constants
            (file_id, self._user_id),
        )
        if row is None:
            raise NotFoundError("File not found.")
        return row

    def _required(self, file_id: str) -> sqlite3.Row:
        try:
            return self._row(file_id)
        except NotFoundError as error:
            raise ComponentFailedError(
                f"There is no file with the id {file_id!r}. Choose one in fileId.",
                retry=False,
                error_code="404",
            ) from error


def drop_unfinished(database: Database) -> None:
    """Delete files whose first part was under way when the process ended."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM file WHERE parts_done = 0")


def _written_meanwhile() -> ConflictError:
    return ConflictError("The file was written by another call at the same time.")


def _shown(row: sqlite3.Row) -> FileInfo:
    uploaded = iso(row["uploaded_ms"])
    shown: FileInfo = {
        "fileId": row["file_id"],
        "filename": row["filename"],
        "length": row["length_bytes"],
        "chunkSize": CHUNK_BYTES,
        "uploadDate": uploaded,
        "contentType": row["content_type"],
        "metadata": {"userId": row["user_id"]},
        "createdAt": uploaded,
    }
    if row["md5"]:
        shown["md5"] = row["md5"]
    return shown


def _write(connection: sqlite3.Connection, content_id: str, start: int, content: bytes) -> None:
    connection.executemany(
        "INSERT INTO file_chunk VALUES (?, ?, ?)",
        (
            (content_id, start + at, content[at : at + CHUNK_BYTES])
            for at in range(0, len(content), CHUNK_BYTES)
        ),
    )


def _chunks(content_id: str, start: int, end: int, connection: sqlite3.Connection) -> bytes:
    """Return what there is from `start` on, of at most a few chunks."""
    rows = connection.execute(
        "SELECT start_byte, content FROM file_chunk WHERE content_id = ?1 AND start_byte < ?3"
        " AND start_byte >= (SELECT max(start_byte) FROM file_chunk"
        " WHERE content_id = ?1 AND start_byte <= ?2) ORDER BY start_byte LIMIT 4",
        (content_id, start, end),
    ).fetchall()
    if not rows:
        return b""
    first: int = rows[0]["start_byte"]
    return b"".join(row["content"] for row in rows)[start - first : end - first]


def _digest(content_id: str, connection: sqlite3.Connection) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for (chunk,) in connection.execute(
        "SELECT content FROM file_chunk WHERE content_id = ? ORDER BY start_byte", (content_id,)
    ):
        digest.update(chunk)
    return digest.hexdigest()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _check_size(length: int) -> None:
    if length > _READ_MAX_BYTES:
        raise ComponentFailedError(
            f"A component can work on files of at most {_READ_MAX_BYTES:,} bytes; this one has "
            f"{length:,}.",
            retry=False,
        )


def _safe_name(filename: str) -> str:
    """Return a name that is no path and can be shown (ours)."""
    seen = _UNSEEN.sub("", filename)
    name = re.split(r"[/\\]", seen)[-1].strip()[:_NAME_MAX]
    return "file" if name in ("", ".", "..") else name


def _media_type(content_type: str, filename: str) -> str:
    given = content_type.partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(given):
        return given
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"
