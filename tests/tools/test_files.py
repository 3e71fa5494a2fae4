"""The tools of the group files."""

import base64

import pytest

from appmixer_mcp.file_directory import FileDirectory

from .conftest import session_on, tenant_in, tools_on

BINARY = bytes(range(256))


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
async def tools(tenant, directory):
    async with tools_on(tenant, "files", files=FileDirectory(directory)) as tools:
        yield tools


@pytest.fixture
async def without_directory(tenant):
    """Tools as they are served over HTTP, where nothing of this machine's is read."""
    async with tools_on(tenant, "files") as tools:
        yield tools


async def upload(tools, filename, **content):
    return (await tools("upload_file", filename=filename, **content))["file"]["file_id"]


async def test_a_text_and_a_binary_file_are_uploaded_listed_and_read(tools):
    text = await upload(tools, "größe.csv", content="a;ß\n")
    binary = await upload(tools, "b.bin", content=base64.b64encode(BINARY).decode(), is_base64=True)

    page = await tools("list_files", pattern="gr")
    shown, small = await tools("get_file", file_id=text), await tools("get_file", file_id=binary)

    assert [one["filename"] for one in page["items"]] == ["größe.csv"]
    assert (await tools("list_files"))["items"][0]["filename"] == "b.bin"  # the newest
    assert shown["text"] == "a;ß\n"
    assert shown["file"]["content_type"] == "text/csv"
    assert base64.b64decode(small["base64"]) == BINARY
    assert small["file"]["size_bytes"] == 256


async def test_a_long_text_is_read_part_by_part(tools):
    whole = "".join(f'{number} "ß"\n' for number in range(5_000))
    file_id = await upload(tools, "long.txt", content=whole)

    read, offset = "", 0
    while offset is not None:
        part = await tools("get_file", file_id=file_id, offset=offset)
        read += part["text"]
        offset = part.get("next_offset")

    assert read == whole


async def test_a_large_binary_file_is_saved_instead_of_shown(tools, directory, without_directory):
    (directory / "photo.bin").write_bytes(BINARY * 100)
    file_id = await upload(tools, "photo.png", from_file="photo.bin")

    shown = await tools("get_file", file_id=file_id)
    saved = await tools("save_file", file_id=file_id, to_file="copy.png")

    assert "base64" not in shown
    assert "save_file" in shown["next_step"]
    assert "save_file" not in (await without_directory("get_file", file_id=file_id))["next_step"]
    assert saved["saved_as"] == "copy.png"
    assert (directory / "copy.png").read_bytes() == BINARY * 100


async def test_nothing_beside_the_directory_is_read_or_written(tools, directory):
    secret = directory.parent / "secret.txt"
    secret.write_text("the secret")
    (directory / "link").symlink_to(secret)
    file_id = await upload(tools, "a.txt", content="new")

    for name in ("../secret.txt", str(secret), "link"):
        refused = await tools.refused("upload_file", filename="x", from_file=name)
        assert "the secret" not in refused
        await tools.refused("save_file", file_id=file_id, to_file=name)

    assert secret.read_text() == "the secret"
    assert (await tools("list_files"))["total"] == 1


async def test_a_file_that_is_there_is_not_overwritten(tools, directory):
    (directory / "a.txt").write_text("old")
    file_id = await upload(tools, "a.txt", content="new")

    said = await tools.refused("save_file", file_id=file_id, to_file="a.txt")

    assert "another name" in said
    assert (directory / "a.txt").read_text() == "old"


async def test_without_a_directory_files_come_and_go_as_content_alone(without_directory):
    file_id = await upload(without_directory, "a.txt", content="text")

    for tool, arguments in (
        ("upload_file", {"filename": "x", "from_file": "etc/passwd"}),
        ("save_file", {"file_id": file_id, "to_file": "a.txt"}),
    ):
        assert "APPMIXER_FILES_DIR" in await without_directory.refused(tool, **arguments)

    assert (await without_directory("get_file", file_id=file_id))["text"] == "text"


async def test_an_upload_needs_one_content_and_real_base64(tools):
    both = {"filename": "x", "content": "y", "from_file": "z"}

    assert "either" in await tools.refused("upload_file", filename="x")
    assert "either" in await tools.refused("upload_file", **both)
    assert "not base64" in await tools.refused(
        "upload_file", filename="x", content="é", is_base64=True
    )


async def test_deleting_a_file_says_what_goes_and_asks(tools):
    file_id = await upload(tools, "may.csv", content="a;b")

    preview = await tools("delete_file", file_id=file_id)
    await tools("delete_file", file_id=file_id, confirm=True)

    assert preview["message"] == "Delete the file 'may.csv'?"
    assert "3 bytes" in preview["impact"][0]
    assert "list_files" in await tools.refused("get_file", file_id=file_id)


async def test_a_tenant_of_the_smaller_dialect_serves_files_too(tmp_path):
    async with tenant_in(tmp_path, dialect="openapi") as tenant:
        session = session_on(tenant, dialect="openapi")
        async with tools_on(tenant, "files", session=session) as tools:
            ids = [await upload(tools, f"{n}.txt", content=f"text {n}") for n in range(3)]

            page = await tools("list_files", limit=2)

            assert (len(page["items"]), page["total"], page["next_offset"]) == (2, 3, 2)
            assert (await tools("get_file", file_id=ids[2]))["text"] == "text 2"
