"""Zip and tar archives: files are added to them, never unpacked from them."""

import io
import tarfile
import zipfile
from datetime import datetime

from appmixer_mcp.errors import ComponentFailedError

_EARLIEST_ZIP_YEAR = 1980

Entries = list[tuple[str, bytes]]
"""(name, content)"""


def add_to_zip(archive: bytes, entries: Entries, now: datetime) -> bytes:
    """Return a zip archive with entries added; an empty one begins a new archive.

    Raises:
        ComponentFailedError: The archive is no zip file (retry=False).
    """
    buffer = io.BytesIO(archive)
    if archive and not zipfile.is_zipfile(buffer):
        raise _no_archive("zip")
    try:
        with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as opened:
            for name, content in _distinct(entries, opened.namelist()):
                about = zipfile.ZipInfo(name, _zip_date(now))
                about.compress_type = zipfile.ZIP_DEFLATED
                opened.writestr(about, content)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise _no_archive("zip") from error
    return buffer.getvalue()


def add_to_tar(archive: bytes, entries: Entries, now: datetime) -> bytes:
    """Return a tar archive with entries added; an empty one begins a new archive.

    Raises:
        ComponentFailedError: The archive is no tar file, or a compressed one (retry=False).
    """
    buffer = io.BytesIO(archive)
    try:
        with tarfile.open(fileobj=buffer, mode="a:" if archive else "w:") as opened:
            for name, content in _distinct(entries, opened.getnames()):
                about = tarfile.TarInfo(name)
                about.size, about.mtime = len(content), int(now.timestamp())
                opened.addfile(about, io.BytesIO(content))
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError) as error:
        raise _no_archive("tar") from error
    return buffer.getvalue()


def _distinct(entries: Entries, taken: list[str]) -> Entries:
    """Return the entries with a number before the extension of each name that is taken."""
    names = set(taken)
    distinct: Entries = []
    for name, content in entries:
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        free, number = name, 1
        while free in names:
            number += 1
            free = f"{stem} ({number}){dot}{extension}"
        names.add(free)
        distinct.append((free, content))
    return distinct


def _zip_date(now: datetime) -> tuple[int, int, int, int, int, int]:
    year = max(now.year, _EARLIEST_ZIP_YEAR)
    return year, now.month, now.day, now.hour, now.minute, now.second


def _no_archive(kind: str) -> ComponentFailedError:
    return ComponentFailedError(
        f"The file in archiveFileID is no {kind} archive that can be added to. Choose one, or "
        "leave the field empty for a new archive.",
        retry=False,
    )
