"""Archives of components on their way to a tenant."""

import base64
import binascii
import hashlib
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from pydantic import JsonValue

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError
from appmixer_mcp.toolset import ToolContext

from ._local_files import directory_of
from ._shared import plural

_MOST_BYTES = 10_485_760
"""Source: documented, LIMIT_CC_ARCHIVE_MAX_BYTES."""
_MOST_FILES = 5_000
_MOST_COMPONENTS = 1_000
_LARGEST_MANIFEST = 2_000_000
_MOST_OF_MANIFESTS = 10_000_000  # of all together, which may be packed small and take long to read
_UNREADABLE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
    zlib.error, lzma.LZMAError,
)  # fmt: skip
_TOLD = 5
_LOOKS = 20
_BETWEEN_LOOKS_S = 1.0


@dataclass(frozen=True)
class Archive:
    """What is to be published."""

    content: bytes | dict[str, Any]
    """A zip archive, or the manifest of one component."""
    components: list[str]
    """Their types, as the manifests name them."""
    digest: str

    @property
    def service(self) -> str:
        """The services that the components are of."""
        return ", ".join(sorted({".".join(one.split(".")[:2]) for one in self.components})[:_TOLD])


async def archive_of(
    ctx: ToolContext, manifest: dict[str, Any], archive_base64: str, from_file: str
) -> Archive:
    """Return what is to be published, out of the one argument that was given.

    Raises:
        InputError: None was given or several, or what was given is no archive.
    """
    if sum(map(bool, (manifest, archive_base64, from_file))) != 1:
        raise InputError("Give exactly one of manifest, archive_base64 and from_file.")
    if manifest:
        name = manifest.get("name")
        if not isinstance(name, str) or not name:
            raise InputError("manifest needs a name: vendor.service.module.Component.")
        text = json.dumps(manifest, sort_keys=True)
        return Archive(manifest, [name], _digest(text.encode()))
    content = await _content(ctx, archive_base64, from_file)
    return await anyio.to_thread.run_sync(_read, content)


async def published(ctx: ToolContext, archive: Archive, *, replace_all: bool) -> str:
    """Publish, wait until the tenant has done with it for a while, and say what became of it.

    Raises:
        InputError: The tenant refused the archive; says why.
    """
    components = (await ctx.client()).components
    ticket = await components.publish_components(archive.content, replace_all=replace_all)
    size = plural(len(archive.components), "component")
    for _ in range(_LOOKS if ticket else 0):
        status = await components.upload_status(ticket or "")
        if status.err or status.data:
            raise InputError(f"The tenant refused the archive: {_told(status.err, status.data)}")
        if status.finished:
            return f"Published {size}."
        ctx.progress("waits until the tenant has unpacked it")
        await anyio.sleep(_BETWEEN_LOOKS_S)
    if ticket is None:
        return f"Published {size}."
    return f"Sent {size}; the tenant still works on it. list_components shows when it is done."


async def _content(ctx: ToolContext, archive_base64: str, from_file: str) -> bytes:
    if from_file:
        directory = directory_of(ctx, "Pass the archive as archive_base64.")
        return await anyio.to_thread.run_sync(directory.read, from_file)
    if len(archive_base64) > _MOST_BYTES * 4 // 3 + 4:
        raise InputError(
            f"The archive is larger than {_MOST_BYTES:,} bytes, the most there can be."
        )
    try:
        return base64.b64decode(archive_base64, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("archive_base64 is not base64.") from None


def _read(content: bytes) -> Archive:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [one for one in archive.infolist() if one.filename.endswith("component.json")]
            if len(archive.infolist()) > _MOST_FILES or len(found) > _MOST_COMPONENTS:
                raise InputError(f"The archive holds more than {_MOST_FILES:,} files.")
            manifests = list(_manifests(archive, found))
    except _UNREADABLE as error:
        raise InputError("The archive is no zip archive that can be read.") from error
    names = [_name(filename, text) for filename, text in manifests]
    if not names:
        raise InputError("The archive holds no component.json, so nothing to publish.")
    return Archive(content, names, _digest(content))


def _manifests(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]
) -> Iterator[tuple[str, bytes]]:
    """Yield file name and text of each manifest."""
    left = _MOST_OF_MANIFESTS
    for entry in entries:
        with archive.open(entry) as file:
            text = file.read(_LARGEST_MANIFEST + 1)  # whatever its header says of its size
        left -= len(text)
        if left < 0:
            raise InputError(
                f"The component.json files of the archive have more than {_MOST_OF_MANIFESTS:,} "
                "bytes in all. Publish fewer components at once."
            )
        yield entry.filename, text


def _name(filename: str, text: bytes) -> str:
    try:
        name = json.loads(text)["name"] if len(text) <= _LARGEST_MANIFEST else None
    except (ValueError, KeyError, TypeError, RecursionError):
        name = None
    if not isinstance(name, str):
        raise InputError(f"{quoted(filename)} is no description of a component with a name.")
    return name


def _told(err: str | None, data: JsonValue) -> str:
    if not isinstance(data, list):
        return quoted(str(data or err))
    said = [quoted(str(one.get("message"))) for one in data[:_TOLD] if isinstance(one, dict)]
    more = f" and {len(data) - _TOLD} more problems" if len(data) > _TOLD else ""
    return ", ".join(said) + more


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
