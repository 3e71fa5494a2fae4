"""The zip archives that strangers send."""

import io
import stat
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component_archive import read_archive, write_archive

MANIFEST = "acme/crm/contacts/Find/component.json"


def archive_of(files: Mapping[Any, bytes], method: int = 8) -> bytes:
    """Return an archive of contents by their names, or by the `ZipInfo` of an odd one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content, method)
    return packed.getvalue()


def symbolic_link() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("acme/component.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


def with_flag(archive: bytes, flag: int) -> bytes:
    """Set a general purpose flag in the local and the central header of the first file."""
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.index(signature) + offset
        before = struct.unpack_from("<H", changed, at)[0]
        struct.pack_into("<H", changed, at, before | flag)
    return bytes(changed)


GOOD = archive_of({"acme/crm/contacts/Contacts.js": b"module.exports = {};", MANIFEST: b"{}"})

BAD_NAME = GOOD.replace(b"Contacts.js", b"\xff\xfentacts.js")


def test_only_the_files_that_describe_something_are_read() -> None:
    described = {MANIFEST: b"{}", "acme/crm/service.json": b"[]"}
    others = {"acme/crm/package.json": b"no", "acme/crm/icon.svg": b"<svg/>"}

    assert read_archive(archive_of({**described, **others})) == described


def test_a_name_in_an_old_character_set_does_no_harm() -> None:
    assert read_archive(BAD_NAME) == read_archive(GOOD)


def test_what_was_written_is_read() -> None:
    files = {MANIFEST: b'{"name":"acme.crm.contacts.Find"}'}

    assert read_archive(write_archive(files)) == files


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"", "no readable zip"),
        (b"PK\x03\x04", "no readable zip"),
        (GOOD[:-30], "no readable zip"),
        (with_flag(BAD_NAME, 0x800), "no readable zip"),
        (archive_of({"readme.md": b"x"}), "no file named component.json"),
        (archive_of({"../component.json": b"{}"}), "path is not its own"),
        (archive_of({"a/../../component.json": b"{}"}), "path is not its own"),
        (archive_of({"/etc/component.json": b"{}"}), "path is not its own"),
        (archive_of({"C:/component.json": b"{}"}), "path is not its own"),
        (archive_of({"a\\component.json": b"{}"}), "path is not its own"),
        (archive_of({"a\n/component.json": b"{}"}), "path is not its own"),
        (archive_of({symbolic_link(): b"/etc/passwd"}), "symbolic link"),
        (archive_of({MANIFEST: b"{}"}, zipfile.ZIP_BZIP2), "packed in another way"),
        (archive_of({MANIFEST: b"{}"}, zipfile.ZIP_LZMA), "packed in another way"),
        (with_flag(GOOD, 0x1), "encrypted"),
        (archive_of({f"{number}.js": b"" for number in range(2_001)}), "more than 2,000 files"),
        (archive_of({MANIFEST: b"{}", "bomb.js": bytes(5_000_000)}), "unpacks to 5,000,002"),
        (archive_of({MANIFEST: bytes(11 * 1024 * 1024)}, 0), "unpack to more than"),
    ],
)
def test_what_could_do_harm_is_refused(archive: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_archive(archive)


def test_two_files_with_one_path_are_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("component.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("component.json", b"[]")

    with pytest.raises(InputError, match="two files with the path"):
        read_archive(packed.getvalue())


def test_a_size_that_lies_is_found_out() -> None:
    lying = archive_of({MANIFEST: b"0" * 100})
    at = lying.index(b"PK\x01\x02") + 24
    lying = lying[:at] + struct.pack("<I", 10) + lying[at + 4 :]

    with pytest.raises(InputError, match="no readable zip"):
        read_archive(lying)


@given(st.data())
def test_no_damage_is_more_than_a_refusal(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))

    try:
        found = read_archive(bytes(damaged))
    except InputError:
        return

    assert all(name.endswith(".json") for name in found)
