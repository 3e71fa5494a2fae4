"""The zip archives in which connectors are published: read within bounds, trusted in nothing."""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component_manifest import Kind

KINDS: Mapping[str, Kind] = {
    "component.json": "component",
    "module.json": "module",
    "service.json": "service",
    "bundle.json": "bundle",
}
"""The files of an archive that are read, and what each describes."""

_MOST_ENTRIES = 2_000
_MOST_BYTES = 100 * 1024 * 1024  # of all files, unpacked
_MOST_JSON_BYTES = 10 * 1024 * 1024  # of the files that are read, unpacked
_MOST_RATIO = 200  # unpacked to packed, over the whole archive; JavaScript reaches about 20
_SMALL_BYTES = 1024 * 1024  # archives that unpack to less may have any ratio
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))  # the others unpack without bounds
_ENCRYPTED = 0x1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_archive(content: bytes) -> dict[str, bytes]:
    """Return the files of an archive that describe components, by their path.

    Raises:
        InputError: It is no zip archive, holds a path that leads out of it or a link, unpacks to
            too much, or describes nothing.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _refuse_unsafe(entries, len(content))
            wanted = [entry for entry in entries if _file_name(entry) in KINDS]
            if sum(entry.file_size for entry in wanted) > _MOST_JSON_BYTES:
                raise InputError(
                    f"The JSON files of the archive unpack to more than {_MOST_JSON_BYTES:,} bytes."
                )
            found = {entry.filename: archive.read(entry) for entry in wanted}
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
        OverflowError, OSError,
    ) as error:  # fmt: skip
        raise InputError(f"The archive is no readable zip file: {error}") from error
    if not found:
        raise InputError(f"The archive holds no file named {' or '.join(KINDS)}.")
    return found


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of files, by their path; equal files give an equal archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _refuse_unsafe(entries: list[zipfile.ZipInfo], packed_bytes: int) -> None:
    if len(entries) > _MOST_ENTRIES:
        raise InputError(f"The archive holds more than {_MOST_ENTRIES:,} files.")
    _refuse_repeated(entry.filename for entry in entries)
    for entry in entries:
        name = entry.orig_filename
        if _leads_out(name):
            raise InputError(f"The archive holds a file whose path is not its own: {name!r}.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise InputError(f"The archive holds a symbolic link: {name!r}.")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise InputError(
                f"{name!r} is encrypted, or packed in another way than stored or deflated."
            )
    unpacked_bytes = sum(entry.file_size for entry in entries)
    ratio = unpacked_bytes / max(packed_bytes, 1)
    if unpacked_bytes > _MOST_BYTES or (unpacked_bytes > _SMALL_BYTES and ratio > _MOST_RATIO):
        raise InputError(
            f"The archive unpacks to {unpacked_bytes:,} bytes; at most {_MOST_BYTES:,}, and "
            f"{_MOST_RATIO} times its own size, are accepted."
        )


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"The archive holds two files with the path {name!r}.")
        seen.add(name)


def _leads_out(name: str) -> bool:
    return (
        name.startswith("/")
        or "\\" in name
        or _CONTROL.search(name) is not None
        or ".." in name.split("/")
        or _DRIVE.match(name) is not None
    )


def _file_name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.rpartition("/")[2]
