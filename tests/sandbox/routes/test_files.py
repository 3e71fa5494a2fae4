"""Files: uploads whole and in parts, downloads whole and in ranges."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import md5
from typing import Any

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.files import CHUNK_BYTES, UserFiles
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem

TEXT = b"0123456789"
LARGE = bytes(range(256)) * (CHUNK_BYTES * 5 // 256)
"""A little under five chunks, so that it is written and read in more than one piece."""


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, file_max_bytes=2_000_000)


def headers(**parts: Any) -> dict[str, str]:
    """Return `uploader-*` headers: `chunk_number=1` is `uploader-chunk-number: 1`."""
    return {f"uploader-{name.replace('_', '-')}": str(value) for name, value in parts.items()}


async def upload(client: Client, content: bytes = TEXT, name: str = "a.txt", **parts: Any) -> Any:
    return await client.post(
        "/files", files={"file": (name, content, "text/plain")}, headers=headers(**parts)
    )


async def new_file(client: Client, content: bytes = TEXT, name: str = "a.txt", **parts: Any) -> str:
    answer = await upload(client, content, name, **parts)
    return str(answer.raise_for_status().json()["fileId"])


async def names(client: Client, **query: Any) -> list[str]:
    answer = await client.get("/files", params=query)
    return [one["filename"] for one in answer.raise_for_status().json()]


async def chunks_stored(tenant: Tenant) -> int:
    return int(tenant.database.rows("SELECT count(*) AS n FROM file_chunk")[0]["n"])


async def test_an_uploaded_file_tells_what_it_is(ann: Client) -> None:
    info = (await upload(ann, b"hello", "note.txt")).json()

    shown = (await ann.get(f"/files/metadata/{info['fileId']}")).json()
    user_id = (await ann.get("/user")).json()["id"]
    assert shown == info
    assert info == {
        "fileId": info["fileId"],
        "filename": "note.txt",
        "length": 5,
        "chunkSize": 261_120,
        "uploadDate": "2026-01-31T08:00:00.000Z",
        "createdAt": "2026-01-31T08:00:00.000Z",
        "contentType": "text/plain",
        "md5": md5(b"hello", usedforsecurity=False).hexdigest(),
        "metadata": {"userId": user_id},
    }


@pytest.mark.parametrize("content", [b"", TEXT, LARGE], ids=["empty", "small", "large"])
async def test_a_file_comes_back_as_it_was_sent(ann: Client, content: bytes) -> None:
    file_id = await new_file(ann, content)

    answer = await ann.get(f"/files/{file_id}")

    assert answer.content == content
    assert answer.headers["content-length"] == str(len(content))


async def test_no_browser_shows_what_was_uploaded(ann: Client) -> None:
    page = {"file": ("x.html", b"<script>alert(1)</script>", "text/html")}
    file_id = (await ann.post("/files", files=page)).json()["fileId"]

    answer = await ann.get(f"/files/{file_id}")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="x.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("report.csv", "report.csv"),
        ("C%3A%5Cme%5Creport.csv", "report.csv"),
        ("../../etc/passwd", "passwd"),
        ("%C5%BElu%C5%A5.txt", "žluť.txt"),
        ("a%0d%0aSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("..", "file"),
        ("x" * 300, "x" * 255),
    ],
)
async def test_a_file_name_is_no_path_and_breaks_no_header(
    ann: Client, sent: str, kept: str
) -> None:
    file_id = await new_file(ann, file_name=sent)

    answer = await ann.get(f"/files/{file_id}")

    assert await names(ann) == [kept]
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert "set-cookie" not in answer.headers


async def test_a_name_beyond_ascii_is_given_in_utf_8_too(ann: Client) -> None:
    file_id = await new_file(ann, name='ž"l;.txt')

    answer = await ann.get(f"/files/{file_id}")

    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename=\"__l;.txt\"; filename*=UTF-8''%C5%BE%22l%3B.txt"


async def test_a_file_can_come_in_parts(ann: Client) -> None:
    first = (await upload(ann, LARGE, chunk_number=1, chunks_total=3, file_name="big.bin")).json()
    same = {"file_id": first["fileId"], "chunks_total": 3, "file_name": "ignored"}
    second = (await upload(ann, b"", chunk_number=2, **same)).json()
    third = (await upload(ann, TEXT, chunk_number=3, **same)).json()

    content = (await ann.get(f"/files/{first['fileId']}")).content
    assert content == LARGE + TEXT
    assert [one["filename"] for one in (first, second, third)] == ["big.bin"] * 3
    assert [one["length"] for one in (first, second, third)] == [len(LARGE)] * 2 + [len(content)]
    assert third["md5"] == md5(content, usedforsecurity=False).hexdigest()
    assert "md5" not in first


async def test_a_part_without_a_number_follows_the_last(ann: Client) -> None:
    file_id = await new_file(ann, b"one", chunks_total=2)

    await upload(ann, b"two", file_id=file_id)
    await upload(ann, b"three", file_id=file_id)

    assert (await ann.get(f"/files/{file_id}")).content == b"onetwothree"


@pytest.mark.parametrize(
    "parts",
    [
        {"chunk_number": 1, "chunks_total": 3},
        {"chunk_number": 3, "chunks_total": 3},
        {"chunk_number": 2, "chunks_total": 4},
        {"chunk_number": 2, "chunks_total": 1},
        {"chunk_number": 0, "chunks_total": 3},
        {"chunk_number": "two"},
        {"chunk_number": "9" * 40},
        {"chunk_size": 3},
        {"chunk_size": 11},
        {"chunk_size": -1},
    ],
)
async def test_a_part_out_of_turn_or_of_another_size_changes_nothing(
    ann: Client, parts: dict[str, Any]
) -> None:
    file_id = await new_file(ann, b"one", chunk_number=1, chunks_total=3)

    answer = await upload(ann, TEXT, file_id=file_id, **parts)

    assert problem(answer)[0] == 400
    assert (await ann.get(f"/files/{file_id}")).content == b"one"


async def test_a_new_file_begins_with_its_first_part(ann: Client) -> None:
    answers = [
        await upload(ann, chunk_number=2, chunks_total=2),
        await upload(ann, chunk_number=1, chunks_total=100_001),
    ]

    assert [problem(answer)[0] for answer in answers] == [400, 400]
    assert await names(ann) == []


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    ann: Client, tenant: Tenant
) -> None:
    whole = await upload(ann, b"x" * 2_000_001)
    file_id = await new_file(ann, b"x" * 1_999_999, chunks_total=2)
    in_parts = await upload(ann, b"yy", file_id=file_id)

    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            yield b"x" * 65_536

    boundary = {"Content-Type": "multipart/form-data; boundary=b"}
    unknown_length = await ann.post("/files", content=endless(), headers=boundary)

    assert [problem(one)[0] for one in (whole, in_parts, unknown_length)] == [413, 413, 413]
    assert await names(ann) == ["a.txt"]
    assert (await ann.get(f"/files/metadata/{file_id}")).json()["length"] == 1_999_999
    assert await chunks_stored(tenant) == 8


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", TEXT),
        ("multipart/form-data", TEXT),
        ("multipart/form-data; boundary=", TEXT),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--c\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 400, b"--b--\r\n"),
        ("multipart/form-data; boundary=b; charset=idna", b'--b\r\nx: "\xff\r\n\r\n--b--'),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbroken off',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--b--\r\n',
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
            + b"x" * 20_000
            + b"\r\n--b--\r\n",
        ),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(
    ann: Client, content_type: str, body: bytes
) -> None:
    answer = await ann.post("/files", content=body, headers={"Content-Type": content_type})

    assert problem(answer)[0] == 400
    assert await names(ann) == []


async def test_files_are_listed_newest_first_filtered_and_counted(
    ann: Client, clock: ManualClock
) -> None:
    for name in ("invoice-1.pdf", "photo.png", "Invoice-2.pdf"):
        await new_file(ann, name=name)
        clock.turn(timedelta(seconds=1))

    count = (await ann.get("/files/count", params={"filter": "filename:~invoice"})).json()

    assert await names(ann) == ["Invoice-2.pdf", "photo.png", "invoice-1.pdf"]
    assert await names(ann, filter="filename:~invoice", sort="filename:1") == [
        "Invoice-2.pdf",
        "invoice-1.pdf",
    ]
    assert await names(ann, **{"filter[]": "filename:!~invoice"}) == ["photo.png"]
    assert await names(ann, limit=1, offset=1, includeComponentSourceFiles="true") == ["photo.png"]
    assert count == {"count": 2}
    assert problem(await ann.get("/files?includeComponentSourceFiles=maybe"))[0] == 400


async def test_a_deleted_file_is_gone_with_its_content(ann: Client, tenant: Tenant) -> None:
    file_id = await new_file(ann, LARGE)

    await ann.delete(f"/files/{file_id}")

    for path in (f"/files/{file_id}", f"/files/metadata/{file_id}"):
        assert problem(await ann.get(path)) == (404, "File not found.")
    assert problem(await ann.delete(f"/files/{file_id}"))[0] == 404
    assert problem(await upload(ann, file_id=file_id))[0] == 404
    assert await chunks_stored(tenant) == 0


async def test_many_files_are_deleted_by_filter_or_all(ann: Client, bob: Client) -> None:
    for name in ("a.csv", "b.csv", "c.txt", "d.txt"):
        await new_file(ann, name=name)
    await new_file(bob, name="bobs.csv")

    some = (await ann.delete("/files", params={"filter": "filename:~.csv"})).json()
    left = await names(ann)
    rest = (await ann.delete("/files")).json()

    assert (some, sorted(left), rest) == (
        {"deletedCount": 2},
        ["c.txt", "d.txt"],
        {"deletedCount": 2},
    )
    assert await names(bob) == ["bobs.csv"]


async def test_a_filter_that_makes_no_sense_deletes_nothing(ann: Client) -> None:
    await new_file(ann)

    assert problem(await ann.delete("/files", params={"filter": "filename"}))[0] == 400
    assert await names(ann) == ["a.txt"]


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
        ("bytes=-100", TEXT, "bytes 0-9/10"),
    ],
)
async def test_a_range_of_a_file_is_sent_alone(
    ann: Client, asked: str, content: bytes, told: str
) -> None:
    file_id = await new_file(ann)

    answer = await ann.get(f"/files/{file_id}", headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["content-range"] == told
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize("at", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 4 * CHUNK_BYTES + 1])
async def test_a_range_may_begin_anywhere_in_any_chunk(ann: Client, at: int) -> None:
    file_id = await new_file(ann, LARGE)

    whole = await ann.get(f"/files/{file_id}", headers={"Range": f"bytes={at}-"})
    little = await ann.get(f"/files/{file_id}", headers={"Range": f"bytes={at}-{at + 1}"})

    assert whole.content == LARGE[at:]
    assert little.content == LARGE[at : at + 2]


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
async def test_a_range_behind_the_end_is_told_the_length(ann: Client, asked: str) -> None:
    file_id = await new_file(ann)

    answer = await ann.get(f"/files/{file_id}", headers={"Range": asked})

    assert problem(answer)[0] == 416
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "items=0-1"])
async def test_what_is_no_single_range_gets_everything(ann: Client, asked: str) -> None:
    file_id = await new_file(ann)

    answer = await ann.get(f"/files/{file_id}", headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, TEXT)


async def test_a_download_is_resumed_only_while_the_file_is_the_same(ann: Client) -> None:
    file_id = await new_file(ann)
    etag = (await ann.get(f"/files/{file_id}")).headers["etag"]
    resumed = {"Range": "bytes=4-", "If-Range": etag}

    same = await ann.get(f"/files/{file_id}", headers=resumed)
    await upload(ann, b"more", file_id=file_id)
    changed = await ann.get(f"/files/{file_id}", headers=resumed)

    assert (same.status_code, same.content) == (206, TEXT[4:])
    assert (changed.status_code, changed.content) == (200, TEXT + b"more")


async def test_a_file_replaced_while_it_is_read_is_not_mixed_with_the_new_one(
    ann: Client, tenant: Tenant, clock: ManualClock
) -> None:
    file_id = await new_file(ann, LARGE)
    user_id = (await ann.get("/user")).json()["id"]
    files = UserFiles(tenant.database, clock, user_id)
    pieces = files.content(file_id, 0, len(LARGE))

    first = await anext(pieces)
    files.replace(file_id, b"new" * len(LARGE))

    assert first == LARGE[: len(first)]
    with pytest.raises(Exception, match="replaced"):
        await anext(pieces)


async def test_of_two_calls_that_write_the_same_part_one_counts(
    ann: Client, tenant: Tenant, clock: ManualClock
) -> None:
    file_id = await new_file(ann, b"", chunks_total=2)
    user_id = (await ann.get("/user")).json()["id"]
    files = UserFiles(tenant.database, clock, user_id)

    async def slow(_: int) -> bytes:
        """Let another call write the part while this one is read."""
        answer = await upload(ann, TEXT, file_id=file_id, chunk_number=2, chunks_total=2)
        answer.raise_for_status()
        return b"late"

    with pytest.raises(Exception, match="another call"):
        await files.append(file_id, slow, number=2, parts_total=2)

    assert (await ann.get(f"/files/{file_id}")).content == TEXT


async def test_an_upload_that_broke_off_is_dropped_when_the_tenant_opens_again(
    config: TenantConfig, clock: ManualClock
) -> None:
    async with Tenant(config, clock) as tenant:
        files = UserFiles(tenant.database, clock, "5f0000000000000000000001")
        files.begin("never.txt", "text/plain", parts_total=1)
        kept = files.create("kept.txt", TEXT)

        assert files.every(tenant.database.connection) == [kept]

    async with Tenant(config, clock) as tenant:
        rows = tenant.database.rows("SELECT filename FROM file")

    assert [row["filename"] for row in rows] == ["kept.txt"]
