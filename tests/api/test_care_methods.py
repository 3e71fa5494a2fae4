"""Users, single accounts, files and unprocessed messages: what is sent, and what answers mean."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from appmixer_mcp.api import AccountId, AppmixerClient, FileId, MessageId, UserId
from appmixer_mcp.errors import (
    AppmixerError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    UnavailableError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from .conftest import Backend

ACCOUNT, FILE, MESSAGE, USER = AccountId("a1"), FileId("x1"), MessageId("m1"), UserId("u1")
BOTH = ("appmixer", "openapi")
ONE_FILE = {"fileId": "x1", "filename": "may.csv", "length": 3, "uploadDate": "2026-05-01T10:00Z"}


@dataclass(frozen=True)
class Row:
    """A method: how it is called, what has to go out, what comes back and what that means."""

    call: Callable[[AppmixerClient], Awaitable[Any]]
    sent: list[str]
    answers: list[Any]
    means: Callable[[Any], object] = lambda found: found
    result: object = None
    dialects: tuple[str, ...] = BOTH
    body: Any = None


ROWS = [
    Row(
        lambda client: client.system.get_api_info(),
        ["GET /"],
        [{"version": "6.1.0", "status": "ok"}],
        lambda info: (info.version, info.status),
        ("6.1.0", "ok"),
    ),
    Row(
        lambda client: client.users.get_user_by_id(USER),
        ["GET /users/u1"],
        [{"id": "u1", "username": "ada"}],
        lambda user: user.username,
        "ada",
        ("appmixer",),
    ),
    Row(
        lambda client: client.users.update_user(USER, {"username": "ada", "password": "s3cret"}),
        ["PUT /users/u1"],
        [None],
        body={"username": "ada", "password": "s3cret"},
    ),
    Row(
        lambda client: client.users.delete_user(USER),
        ["DELETE /users/u1", "GET /users/u1/delete-status/t1"],
        [{"ticket": "t1"}, {"status": "completed"}],
        result=True,
        dialects=("appmixer",),
    ),
    Row(
        lambda client: client.users.delete_user(USER),
        ["DELETE /users/u1", "GET /users/u1/delete-status/t1"],
        [{"ticket": "t1"}, {"status": "in-progress"}],
        result=False,
        dialects=("appmixer",),
    ),
    Row(
        lambda client: client.users.delete_user(USER),
        ["DELETE /users/u1"],
        [None],
        result=True,
        dialects=("openapi",),
    ),
    Row(
        lambda client: client.accounts.get_account(ACCOUNT),
        ["GET /accounts", "POST /accounts/a1/test"],
        [[{"accountId": "a1", "name": "me"}], {"token-1": "valid", "token-2": "expired"}],
        lambda account: (account.name, account.valid),
        ("me", False),
        ("appmixer",),
    ),
    Row(
        lambda client: client.accounts.get_account(ACCOUNT, check=False),
        ["GET /accounts"],
        [[{"accountId": "a1", "name": "me"}]],
        lambda account: (account.name, account.valid),
        ("me", None),
        ("appmixer",),
    ),
    Row(
        lambda client: client.accounts.get_account(ACCOUNT),
        ["GET /accounts/a1"],
        [{"accountId": "a1", "valid": True}],
        lambda account: (account.name, account.valid),
        (None, True),
        ("openapi",),
    ),
    Row(
        lambda client: client.accounts.delete_account(ACCOUNT),
        ["DELETE /accounts/a1"],
        [{"accountId": "a1"}],
    ),
    Row(
        lambda client: client.files.list_files(
            pattern="may", sort="uploadDate:-1", limit=1, offset=2
        ),
        ["GET /files?filter=filename%3A~may&sort=uploadDate%3A-1&limit=1&offset=2"],
        [[ONE_FILE]],
        lambda files: [(one.file_id, one.length, one.uploaded_at.month) for one in files],
        [("x1", 3, 5)],
        ("appmixer",),
    ),
    Row(
        lambda client: client.files.list_files(limit=1, offset=1),
        ["GET /files"],
        [[{"fileId": "x0", "createdAt": "2026-04-01T10:00Z"}, ONE_FILE]],
        lambda files: [one.file_id for one in files],
        ["x1"],
        ("openapi",),
    ),
    Row(
        lambda client: client.files.count_files(pattern="may"),
        ["GET /files/count?filter=filename%3A~may"],
        [{"count": 4}],
        result=4,
        dialects=("appmixer",),
    ),
    Row(
        lambda client: client.files.count_files(),
        ["GET /files"],
        [[ONE_FILE]],
        result=1,
        dialects=("openapi",),
    ),
    Row(
        lambda client: client.files.get_file_info(FILE),
        ["GET /files/metadata/x1"],
        [ONE_FILE],
        lambda info: info.filename,
        "may.csv",
        ("appmixer",),
    ),
    Row(
        lambda client: client.files.get_file_info(FILE),
        ["GET /files"],
        [[ONE_FILE]],
        lambda info: info.filename,
        "may.csv",
        ("openapi",),
    ),
    Row(lambda client: client.files.delete_file(FILE), ["DELETE /files/x1"], [None]),
    Row(
        lambda client: client.messages.get_unprocessed(MESSAGE),
        ["GET /unprocessed-messages/m1"],
        [{"messageId": "m1", "flowId": "f1", "err": "no"}],
        lambda message: (message.flow_id, message.err),
        ("f1", "no"),
        ("appmixer",),
    ),
    Row(
        lambda client: client.messages.get_unprocessed(MESSAGE),
        ["GET /unprocessed-messages"],
        [[{"messageId": "m0"}, {"messageId": "m1", "flowId": "f1"}]],
        lambda message: message.flow_id,
        "f1",
        ("openapi",),
    ),
    Row(
        lambda client: client.messages.retry_unprocessed(MESSAGE),
        ["POST /unprocessed-messages/m1"],
        [{}],
    ),
    Row(
        lambda client: client.messages.delete_unprocessed(MESSAGE),
        ["DELETE /unprocessed-messages/m1"],
        [{}],
    ),
]


@pytest.mark.parametrize("dialect", BOTH)
async def test_a_method_sends_the_documented_requests_and_understands_the_answers(
    dialect: Any, backend: "Backend"
) -> None:
    for row in ROWS:
        if dialect not in row.dialects:
            continue
        backend.answers.clear()
        backend.requests.clear()
        backend.will(*(_answer(one) for one in row.answers))

        found = await row.call(backend.client(dialect=dialect))

        assert backend.sent == row.sent
        assert row.means(found) == row.result
        assert backend.bodies[0] == row.body


@pytest.mark.parametrize("filename", ["may report.csv", 'größe "2".csv', "100%.csv"])
async def test_a_file_goes_out_as_a_form_whose_headers_tell_its_name_and_size(
    filename: str, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer(ONE_FILE))

    stored = await client.files.upload_file(filename, b"a;b\r\n\xff", "text/csv")

    (request,) = backend.requests
    form = request.content
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    assert stored.file_id == "x1"
    assert form.startswith(b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"')
    assert b"\r\nContent-Type: text/csv\r\n\r\na;b\r\n\xff\r\n--" in form
    assert form.endswith(b"--" + boundary + b"--\r\n")
    assert form.split(b"\r\n")[1].count(b'"') == 4
    assert httpx2.QueryParams(f"n={request.headers['uploader-file-name']}")["n"] == filename
    assert request.headers["uploader-chunk-size"] == "6"


@pytest.mark.parametrize("content", [b"<html>", b"", b"\x00\xff", b'{"error": "x"}'])
async def test_a_files_content_comes_as_it_is_whatever_it_looks_like(
    content: bytes, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200, content=content, headers={"content-type": "text/html"}))

    assert await client.files.read_file(FILE) == content
    assert backend.requests[0].headers["accept"] == "*/*"


async def test_a_tenant_that_cannot_check_accounts_leaves_open_whether_one_works(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer([{"accountId": "a1"}]), httpx2.Response(404, json={"message": "no"}))

    assert (await client.accounts.get_account(ACCOUNT)).valid is None


REFUSALS: list[tuple[Callable[[AppmixerClient], Awaitable[Any]], int, type[AppmixerError], str]] = [
    (lambda client: client.users.get_user_by_id(USER), 403, ForbiddenError, "administrator"),
    (lambda client: client.users.delete_user(USER), 403, ForbiddenError, "administrator"),
    (lambda client: client.users.update_user(USER, {}), 403, ForbiddenError, "administrator"),
    (lambda client: client.users.update_user(USER, {}), 409, ConflictError, "Another user"),
    (lambda client: client.users.update_user(USER, {}), 404, NotFoundError, "'u1'"),
    (lambda client: client.accounts.delete_account(ACCOUNT), 404, NotFoundError, "list_accounts"),
    (lambda client: client.files.read_file(FILE), 404, NotFoundError, "list_files"),
    (lambda client: client.messages.retry_unprocessed(MESSAGE), 409, ConflictError, "start_flow"),
    (lambda client: client.messages.retry_unprocessed(MESSAGE), 403, ForbiddenError, "owner"),
    (
        lambda client: client.messages.delete_unprocessed(MESSAGE),
        404,
        NotFoundError,
        "list_unprocessed",
    ),
]


async def test_a_refusal_says_what_it_means_here_and_what_to_do(backend: "Backend") -> None:
    for method, status, kind, said in REFUSALS:
        backend.answers[:] = [httpx2.Response(status, json={"message": "The API's own words"})]

        with pytest.raises(kind, match=said):
            await method(backend.client())


async def test_what_is_not_among_all_is_missing(backend: "Backend") -> None:
    backend.will(_answer([]))
    small, documented = backend.client(dialect="openapi"), backend.client()

    with pytest.raises(NotFoundError, match="list_files"):
        await small.files.get_file_info(FILE)
    with pytest.raises(NotFoundError, match="list_unprocessed"):
        await small.messages.get_unprocessed(MESSAGE)
    with pytest.raises(NotFoundError, match="list_accounts"):
        await documented.accounts.get_account(ACCOUNT)


@pytest.mark.parametrize(
    ("what", "method"),
    {
        "get_user_by_id": lambda client: client.users.get_user_by_id(USER),
        "update_user with email, scope": lambda client: client.users.update_user(
            USER, {"email": "a@example.com", "scope": ["admin"]}
        ),
        "list_files with pattern": lambda client: client.files.list_files(pattern="x"),
        "count_files with pattern": lambda client: client.files.count_files(pattern="x"),
    }.items(),
)
async def test_what_the_smaller_dialect_lacks_is_refused_before_anything_is_sent(
    what: str, method: Callable[[AppmixerClient], Awaitable[Any]], backend: "Backend"
) -> None:
    with pytest.raises(InputError, match=f"no call for {what}"):
        await method(backend.client(dialect="openapi"))

    assert backend.sent == []


async def test_a_new_password_is_never_repeated(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(httpx2.Response(400, json={"message": "hunter2 is too short"}))

    with pytest.raises(InputError) as refused:
        await client.users.update_user(USER, {"password": "hunter2"})

    assert "hunter2" not in str(refused.value) + refused.value.upstream_message


async def test_a_deletion_that_broke_off_is_said_to_have_begun(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer({"ticket": "t1"}), _answer({"state": "failed"}))

    with pytest.raises(UnavailableError, match="did not finish") as failed:
        await client.users.delete_user(USER)

    assert failed.value.may_have_happened


async def test_deleting_oneself_is_done_although_nobody_may_ask_how_far_it_is(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(_answer({"ticket": "t1"}), httpx2.Response(401, json={}))

    assert await client.users.delete_user(USER) is False


async def test_an_upload_that_is_too_large_is_not_sent(
    backend: "Backend", client: AppmixerClient
) -> None:
    with pytest.raises(InputError, match="9,000,001 bytes"):
        await client.files.upload_file("a.bin", bytes(9_000_001))

    assert backend.sent == []


async def test_a_web_page_in_place_of_the_version_names_the_setting_to_mend(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(200, html="<!doctype html><title>Sign in</title>"))

    with pytest.raises(UnexpectedAnswerError, match="APPMIXER_BASE_URL"):
        await client.system.get_api_info()


def _answer(content: Any) -> httpx2.Response:
    return httpx2.Response(200) if content is None else httpx2.Response(200, json=content)
