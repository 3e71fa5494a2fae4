"""Files as components see them."""

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.files import CHUNK_BYTES, UserFiles
from tests.sandbox.harness import USER_ID, Sandbox


@pytest.fixture
def files(sandbox: Sandbox) -> UserFiles:
    return UserFiles(sandbox.database, sandbox.clock, USER_ID)


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
async def test_what_is_created_is_read_again(files: UserFiles, length: int) -> None:
    content = b"\x00\xff" * length

    info = files.create("data.bin", content)

    assert files.read(info["fileId"]) == content
    assert files.info(info["fileId"]) == info
    assert {"length": info["length"], "md5": info.get("md5")} == files.measured(content)


async def test_a_replaced_file_keeps_its_id_and_name(files: UserFiles, clock: ManualClock) -> None:
    before = files.create("data.csv", b"x" * CHUNK_BYTES * 2)

    after = files.replace(before["fileId"], b"a,b")

    assert files.read(before["fileId"]) == b"a,b"
    assert (after["fileId"], after["filename"], after["length"]) == (
        before["fileId"],
        "data.csv",
        3,
    )


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("a.csv", "", "text/csv"),
        ("a.csv", "Text/Plain; charset=utf-8", "text/plain"),
        ("a.unknown", "", "application/octet-stream"),
        ("a.pdf", "x\r\ny/z", "application/pdf"),
    ],
)
async def test_a_media_type_is_guessed_when_none_is_given(
    files: UserFiles, name: str, given: str, kept: str
) -> None:
    assert files.create(name, b"", given)["contentType"] == kept


async def test_a_removed_file_is_told_and_gone(files: UserFiles) -> None:
    info = files.create("a.txt", b"x")

    assert files.remove(info["fileId"]) == info
    with pytest.raises(ComponentFailedError, match="no file") as failed:
        files.info(info["fileId"])
    assert not failed.value.retry


async def test_another_users_file_is_none(sandbox: Sandbox, files: UserFiles) -> None:
    theirs = UserFiles(sandbox.database, sandbox.clock, "5f0000000000000000000002").create("t", b"")

    for use in (files.info, files.read, files.remove, lambda one: files.replace(one, b"")):
        with pytest.raises(ComponentFailedError, match="no file"):
            use(theirs["fileId"])
    assert files.every(sandbox.database.connection) == []


async def test_a_component_cannot_take_more_than_memory_bears(files: UserFiles) -> None:
    with pytest.raises(ComponentFailedError, match="at most 104,857,600 bytes"):
        files.create("huge.bin", bytes(104_857_601))
