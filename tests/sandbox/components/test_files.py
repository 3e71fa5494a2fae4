"""The components that store, read, download and remove files."""

import io
import zipfile

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import MOST_BYTES
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry
from tests.sandbox.loopback import Server, http_answer


@pytest.fixture
def files(sandbox: Sandbox) -> UserFiles:
    return UserFiles(sandbox.database, sandbox.clock, USER_ID)


async def run_file(sandbox: Sandbox, name: str, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "file": entry(f"files.{name}", "start", fields=fields),
        }
    )


@pytest.mark.parametrize(
    ("encoding", "content", "stored"),
    [
        ("utf8", "Žlutý", "Žlutý".encode()),
        ("ascii", "tea", b"tea"),
        ("utf16le", "é", b"\xe9\x00"),
        ("base64", "SGVs bG8=\n", b"Hello"),
        ("hex", "00 ff", b"\x00\xff"),
        ("utf8", {"a": [1]}, b'{"a":[1]}'),
    ],
)
async def test_save_file_stores_what_a_text_stands_for(
    sandbox: Sandbox, files: UserFiles, encoding: str, content: Json, stored: bytes
) -> None:
    run = await run_file(
        sandbox,
        "SaveFile",
        filename="../a.txt",
        mimetype="text/plain",
        content=content,
        contentEncoding=encoding,
    )

    (file,) = run.sent("file", "file")
    assert (file["filename"], file["contentType"]) == ("a.txt", "text/plain")
    assert file["length"] == len(stored)
    assert files.read(file["fileId"]) == stored


async def test_load_file_sends_the_content_as_text(sandbox: Sandbox, files: UserFiles) -> None:
    file_id = files.create("a.txt", "\ufeffŽlutý\n".encode())["fileId"]

    run = await run_file(sandbox, "LoadFile", fileId=file_id)

    assert run.sent("file", "content") == [{"content": "Žlutý\n"}]


async def test_each_line_of_a_file_is_a_message_however_many_there_are(
    sandbox: Sandbox, files: UserFiles
) -> None:
    text = "first\r\n\n" + "\n".join(str(number) for number in range(2, 250))
    file_id = files.create("a.txt", text.encode())["fileId"]

    run = await run_file(sandbox, "LoadFileLines", fileId=file_id)

    lines = run.sent("file", "content")
    assert [one["line"] for one in lines] == ["first", "", *(str(at) for at in range(2, 250))]
    assert [one["index"] for one in lines] == list(range(250))
    assert run.state("file") == {}


async def test_a_file_of_too_many_lines_is_refused(sandbox: Sandbox, files: UserFiles) -> None:
    file_id = files.create("a.txt", b"\n" * 9_999_999)["fileId"]

    run = await run_file(sandbox, "LoadFileLines", fileId=file_id)

    assert "more than 100,000 messages" in run.errors("file")[0]["message"]
    assert run.sent("file", "content") == []


async def test_remove_file_deletes_it_and_tells_what_it_was(
    sandbox: Sandbox, files: UserFiles
) -> None:
    file_id = files.create("a.txt", b"tea")["fileId"]

    run = await run_file(sandbox, "RemoveFile", fileId=file_id)

    (deleted,) = run.sent("file", "deleted")
    assert (deleted["fileId"], deleted["filename"]) == (file_id, "a.txt")
    with pytest.raises(ComponentFailedError):
        files.info(file_id)


async def test_archive_file_packs_a_file(sandbox: Sandbox, files: UserFiles) -> None:
    file_id = files.create("notes.txt", b"tea" * 1000)["fileId"]

    run = await run_file(sandbox, "ArchiveFile", fileId=file_id)

    packed_id = run.sent("file")[0]["fileId"]
    assert files.info(packed_id)["filename"] == "notes.zip"
    with zipfile.ZipFile(io.BytesIO(files.read(packed_id))) as archive:
        assert archive.read("notes.txt") == b"tea" * 1000


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("LoadFile", {"fileId": "none"}, "none"),
        ("LoadFile", {"fileId": {"a": 1}}, "no file"),
        ("RemoveFile", {"fileId": "none"}, "none"),
        ("DownloadFile", {"link": "ftp://a.example/b"}, "http://"),
        (
            "SaveFile",
            {"filename": "a", "mimetype": "b", "content": "zz", "contentEncoding": "hex"},
            "hex",
        ),
        (
            "SaveFile",
            {"filename": "a", "mimetype": "b", "content": "zz", "contentEncoding": "rot13"},
            "utf16le",
        ),
    ],
)
async def test_a_file_component_says_what_is_wrong_once(
    sandbox: Sandbox, name: str, fields: dict[str, Json], why: str
) -> None:
    run = await run_file(sandbox, name, **fields)

    assert why in run.errors("file")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_a_file_that_is_too_large_is_not_read(sandbox: Sandbox, files: UserFiles) -> None:
    file_id = files.create("a.txt", bytes(MOST_BYTES + 1))["fileId"]

    run = await run_file(sandbox, "LoadFile", fileId=file_id)

    assert "10,000,001 bytes" in run.errors("file")[0]["message"]


async def test_a_file_of_somebody_else_is_not_there(sandbox: Sandbox) -> None:
    other = UserFiles(sandbox.database, sandbox.clock, "5f0000000000000000000002")
    file_id = other.create("a.txt", b"secret")["fileId"]

    run = await run_file(sandbox, "LoadFile", fileId=file_id)

    assert run.sent("file", "content") == []
    assert file_id in run.errors("file")[0]["message"]


@pytest.fixture
def downloads(online: Sandbox, server: Server) -> Sandbox:
    """Return a sandbox whose flows reach files.example, which answers three times."""
    server.answers = [
        http_answer(200, b"png", "image/png"),
        http_answer(
            200, b"csv", "text/csv", Content_Disposition='attachment; filename="orders 1.csv"'
        ),
        http_answer(404, b""),
    ]
    return online


async def test_a_download_is_named_by_its_link_or_the_server(downloads: Sandbox) -> None:
    link = "http://files.example/img/a%20b.png?v=1"

    by_link = await run_file(downloads, "DownloadFile", link=link)
    by_server = await run_file(downloads, "DownloadFile", link=link)
    missing = await run_file(downloads, "DownloadFile", link=link, customFileName="c.png")

    (first,) = by_link.sent("file")
    assert (first["filename"], first["contentType"]) == ("a b.png", "image/png")
    assert by_server.sent("file")[0]["filename"] == "orders 1.csv"
    assert "404" in missing.errors("file")[0]["message"]
    assert len(missing.unprocessed()) == 1
