"""The converters: a table in four formats, data URIs, PDFs and archives."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry

CSV = 'name,age,note\nAda,36,"a <b>, c"\nBob,007,=1+1\n'
RECORDS: list[dict[str, Json]] = [
    {"name": "Ada", "age": 36, "note": "a <b>, c"},
    {"name": "Bob", "age": "007", "note": "=1+1"},
]


@pytest.fixture
def files(sandbox: Sandbox) -> UserFiles:
    return UserFiles(sandbox.database, sandbox.clock, USER_ID)


async def run_converter(sandbox: Sandbox, name: str, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "converter": entry(f"converters.{name}", "start", fields=fields),
        }
    )


async def converted(
    sandbox: Sandbox, files: UserFiles, name: str, content: bytes, filename: str = "people.x"
) -> tuple[str, bytes]:
    """Return name and content of the file that a converter makes."""
    file_id = files.create(filename, content)["fileId"]
    run = await run_converter(sandbox, name, fileId=file_id)
    assert run.errors() == []
    (made,) = run.sent("converter")
    return made["fileName"], files.read(made["fileId"])


def html_of(*rows: str) -> bytes:
    return f"<html><body><table>{''.join(rows)}</table></body></html>".encode()


def cells_of(content: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


async def test_a_table_goes_through_all_four_formats_and_back(
    sandbox: Sandbox, files: UserFiles
) -> None:
    _, as_json = await converted(sandbox, files, "CSV2JSON", CSV.encode())
    name, workbook = await converted(sandbox, files, "JSON2XLSX", as_json, "my.people.json")
    _, page = await converted(sandbox, files, "XLSX2HTML", workbook)
    _, from_page = await converted(sandbox, files, "HTML2CSV", page)
    _, again = await converted(sandbox, files, "XLSX2JSON", workbook)

    assert json.loads(as_json) == RECORDS
    assert name == "my.people.xlsx"
    assert cells_of(workbook)[1:] == [["Ada", 36, "a <b>, c"], ["Bob", "007", "=1+1"]]
    assert b"<td>a &lt;b&gt;, c</td>" in page
    assert from_page.decode() == CSV
    assert json.loads(again) == RECORDS


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "CSV2HTML",
            b"a;b\n1;2\n",
            b"<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr>",
        ),
        ("JSON2CSV", b'[{"a": 1}, {"b": {"c": [true]}}]', b'a,b\n1,\n,"{""c"":[true]}"\n'),
        ("JSON2CSV", b'{"a": null, "b": false}', b"a,b\n,false\n"),
        ("JSON2HTML", b'[["a"], ["<x>"]]', b"<td>&lt;x&gt;</td>"),
        (
            "HTML2JSON",
            html_of("<thead><tr><th>a<th>a</thead>", "<tr><td>1<td><b>x</b> y"),
            b'[{"a":1,"a_2":"x y"}]',
        ),
        ("HTML2JSON", html_of("<tr><td>\xe9"), b"[]"),
        ("CSV2JSON", "\ufeffa\nŽ\n".encode(), '[{"a":"Ž"}]'.encode()),
        ("CSV2JSON", b"", b"[]"),
    ],
)
async def test_what_becomes_of_a_table(
    sandbox: Sandbox, files: UserFiles, name: str, content: bytes, expected: bytes
) -> None:
    _, found = await converted(sandbox, files, name, content)

    assert expected in found


@pytest.mark.parametrize("name", ["CSV2XLSX", "HTML2XLSX"])
async def test_a_workbook_has_numbers_where_the_text_spells_one(
    sandbox: Sandbox, files: UserFiles, name: str
) -> None:
    content = {
        "CSV2XLSX": b"a,b\n1.5,true\n",
        "HTML2XLSX": html_of("<tr><td>a<td>b", "<tr><td>1.5<td>true"),
    }[name]

    filename, workbook = await converted(sandbox, files, name, content)

    assert filename == "people.xlsx"
    assert cells_of(workbook) == [["a", "b"], [1.5, True]]


async def test_a_workbook_becomes_csv_with_dates_as_text(
    sandbox: Sandbox, files: UserFiles
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["day", None])
    sheet.append([sandbox.clock.now().replace(tzinfo=None), 2.0])
    buffer = io.BytesIO()
    book.save(buffer)

    _, found = await converted(sandbox, files, "XLSX2CSV", buffer.getvalue())

    assert found.decode() == "day\n2026-01-31T08:00:00,2\n"


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("XLSX2CSV", b"no workbook", "Excel"),
        ("XLSX2CSV", b"PK\x05\x06" + bytes(18), "Excel"),
        ("HTML2CSV", b"<p>text</p>", "no table"),
        ("HTML2CSV", b"", "HTML"),
        ("JSON2CSV", b"{half", "JSON"),
        ("JSON2CSV", b"[" * 100_000, "JSON"),
        ("JSON2CSV", b'[{"a": 1}, 5]', "list of objects"),
        ("PDF2Text", b"%PDF-1.7 broken", "PDF"),
    ],
)
async def test_a_file_that_is_something_else_is_refused_for_good(
    sandbox: Sandbox, files: UserFiles, name: str, content: bytes, why: str
) -> None:
    file_id = files.create("a.x", content)["fileId"]

    run = await run_converter(sandbox, name, fileId=file_id)

    assert why in run.errors("converter")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_a_workbook_that_unpacks_to_much_more_is_not_unpacked(
    sandbox: Sandbox, files: UserFiles
) -> None:
    file_id = files.create("bomb.xlsx", bomb())["fileId"]

    run = await run_converter(sandbox, "XLSX2CSV", fileId=file_id)

    assert "60,000,000 bytes" in run.errors("converter")[0]["message"]


@pytest.mark.parametrize(
    ("uri", "filename", "content"),
    [
        ("data:text/csv;base64,YSxi", "file.csv", b"a,b"),
        ("data:,a%20b", "file.txt", b"a b"),
        ("data:text/plain;charset=utf-8,%C5%BD", "file.txt", "Ž".encode()),
    ],
)
async def test_a_data_uri_becomes_a_file(
    sandbox: Sandbox, files: UserFiles, uri: str, filename: str, content: bytes
) -> None:
    run = await run_converter(sandbox, "DataUri2File", dataUri=uri)
    named = await run_converter(sandbox, "DataUri2File", dataUri=uri, fileName="b.bin")

    (made,) = run.sent("converter")
    assert made["fileName"] == filename
    assert files.read(made["fileId"]) == content
    assert named.sent("converter")[0]["fileName"] == "b.bin"


@pytest.mark.parametrize("uri", ["data:", "text", "data:text/plain", "data:;base64,!!!!"])
async def test_a_text_that_is_no_data_uri_is_refused(sandbox: Sandbox, uri: str) -> None:
    run = await run_converter(sandbox, "DataUri2File", dataUri=uri)

    assert "dataUri" in run.errors("converter")[0]["message"]


def pdf_with(text: str) -> bytes:
    """Return a PDF of one page."""
    drawn = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    content, starts = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        starts.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    return content + (
        b"xref\n0 7\n0000000000 65535 f \n%strailer\n<< /Size 7 /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (table, len(content))
    )


async def test_the_text_of_a_pdf_becomes_a_file(sandbox: Sandbox, files: UserFiles) -> None:
    file_id = files.create("invoice.pdf", pdf_with("Total 17 EUR"))["fileId"]

    run = await run_converter(sandbox, "PDF2Text", fileId=file_id, outputTextContent=True)
    quiet = await run_converter(sandbox, "PDF2Text", fileId=file_id)

    (told,) = run.sent("converter")
    assert told["fileName"] == "invoice.txt"
    assert told["textContent"].strip() == "Total 17 EUR"
    assert files.read(told["fileId"]).decode() == told["textContent"]
    assert "textContent" not in quiet.sent("converter")[0]


def listing(*file_ids: str) -> Json:
    return {"AND": [{"fileId": file_id} for file_id in file_ids]}


@pytest.mark.parametrize("kind", ["zip", "tar"])
async def test_files_are_packed_and_added_to_an_archive(
    sandbox: Sandbox, files: UserFiles, tmp_path: Path, kind: str
) -> None:
    first, second = (files.create("a.txt", text)["fileId"] for text in (b"one", b"two"))
    made = await run_converter(
        sandbox, "Archive", outputFormat=kind, fileName=f"all.{kind}", files=listing(first, second)
    )
    archive_id = made.sent("converter")[0]["fileId"]

    more = await run_converter(
        sandbox, "Archive", outputFormat=kind, fileName="-", archiveFileID=archive_id,
        files=listing(first),
    )  # fmt: skip

    assert more.sent("converter") == [{"fileId": archive_id, "fileName": f"all.{kind}"}]
    packed = io.BytesIO(files.read(archive_id))
    if kind == "zip":
        with zipfile.ZipFile(packed) as zip_archive:
            held = {name: zip_archive.read(name) for name in zip_archive.namelist()}
    else:
        with tarfile.open(fileobj=packed) as tar_archive:
            tar_archive.extractall(tmp_path / "out", filter="data")
        held = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert held == {"a.txt": b"one", "a (2).txt": b"two", "a (3).txt": b"one"}


@pytest.mark.parametrize("kind", ["zip", "tar", "rar"])
async def test_what_is_no_archive_stays_as_it_is(
    sandbox: Sandbox, files: UserFiles, kind: str
) -> None:
    file_id = files.create("a.txt", b"no archive" * 100)["fileId"]

    run = await run_converter(
        sandbox, "Archive", outputFormat=kind, fileName="b", archiveFileID=file_id,
        files=listing(file_id),
    )  # fmt: skip

    assert kind == "rar" or kind in run.errors("converter")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert files.read(file_id) == b"no archive" * 100
