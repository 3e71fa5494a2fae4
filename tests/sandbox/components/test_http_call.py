"""The five HTTP components, against a server on loopback."""

import base64
import json
from dataclasses import replace

import pytest

from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry
from tests.sandbox.loopback import Server, http_answer

URL = "http://shop.example/orders"


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, egress="public")


@pytest.fixture
def sandbox(online: Sandbox) -> Sandbox:
    return online


async def run_call(sandbox: Sandbox, name: str, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "call": entry(f"http.{name}", "start", fields={"url": URL, **fields}),
        }
    )


def sent_body(server: Server) -> str:
    return server.requests[0].partition("\r\n\r\n")[2]


async def test_get_sends_its_body_as_query_and_the_answer_on(
    sandbox: Sandbox, server: Server
) -> None:
    server.answers = [http_answer(200, b'{"total": 17}', "application/json; charset=utf-8")]

    run = await run_call(
        sandbox,
        "Get",
        body={"page": 2, "tags": ["a", "b"], "filter": {"x": 1}},
        headers={"X-Trace": 5, "Authorization": "Bearer s3cret"},
    )

    (answer,) = run.sent("call", "response")
    assert answer["statusCode"] == 200
    assert answer["body"] == {"total": 17}
    assert answer["headers"]["content-type"] == {
        "type": "application/json",
        "parameters": {"charset": "utf-8"},
    }
    assert answer["request"]["method"] == "GET"
    assert answer["request"]["uri"].startswith(f"{URL}?page=2&tags=a&tags=b&filter=")
    assert answer["request"]["headers"] == {"x-trace": "5", "authorization": "***"}
    assert "authorization: Bearer s3cret\r\n" in server.requests[0]


async def test_get_takes_query_text_as_its_body(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(sandbox, "Get", body="page=2&tag=a%20b&tag=c")

    target = server.requests[0].split(" ")[1]
    assert target.replace("%20", "+") == "/orders?page=2&tag=a+b&tag=c"


@pytest.mark.parametrize("name", ["Post", "Put", "Patch", "Delete"])
@pytest.mark.parametrize("body", [{"total": 17}, '{"total": 17}'])
async def test_an_object_is_sent_as_json(
    sandbox: Sandbox, server: Server, name: str, body: Json
) -> None:
    server.answers = [http_answer(201, b"made")]

    run = await run_call(sandbox, name, body=body, headers='{"X-Trace": "5"}')

    assert server.requests[0].startswith(f"{name.upper()} /orders HTTP/1.1\r\n")
    assert "content-type: application/json\r\n" in server.requests[0]
    assert "x-trace: 5\r\n" in server.requests[0]
    assert json.loads(sent_body(server)) == {"total": 17}
    assert run.sent("call", "response")[0]["body"] == "made"


@pytest.mark.parametrize("body", ['"a word"', '{"price": 1.10}', "12345678901234567890.5", "null"])
async def test_json_text_is_sent_as_it_was_written(
    sandbox: Sandbox, server: Server, body: str
) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(sandbox, "Post", body=body)

    assert "content-type: application/json\r\n" in server.requests[0]
    assert sent_body(server) == body


async def test_text_that_is_no_json_is_sent_as_text(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(sandbox, "Post", body="plain words")

    assert "content-type: text/plain" in server.requests[0]
    assert sent_body(server) == "plain words"


async def test_a_form_header_makes_the_body_a_form(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(
        sandbox,
        "Post",
        body={"name": "A & B", "tags": ["x", "y"]},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert sent_body(server) == "name=A+%26+B&tags=x&tags=y"


async def test_a_file_is_sent_as_it_is(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]
    file = UserFiles(sandbox.database, sandbox.clock, USER_ID).create("a.bin", b"\x00\xff")

    await run_call(sandbox, "Put", bodyType="binary", fileId=file["fileId"])

    assert "content-type: application/octet-stream\r\n" in server.requests[0]
    assert sent_body(server) == "\x00\xff"


async def test_form_data_holds_texts_and_files(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]
    file = UserFiles(sandbox.database, sandbox.clock, USER_ID).create("menu.csv", b"tea,2\n")

    await run_call(
        sandbox,
        "Post",
        bodyType="form-data",
        bodyFormData={
            "ADD": [
                {"name": "shop", "type": "text", "text": "Leaf & Bean"},
                {"name": "open", "type": "toggle", "toggle": True},
                {"name": "menu", "type": "filepicker", "filepicker": file["fileId"]},
            ]
        },
    )

    assert "content-type: multipart/form-data; boundary=" in server.requests[0]
    body = sent_body(server)
    assert 'name="shop"\r\n\r\nLeaf & Bean\r\n' in body
    assert 'name="open"\r\n\r\ntrue\r\n' in body
    assert 'name="menu"; filename="menu.csv"\r\nContent-Type: text/csv\r\n\r\ntea,2\n' in body


async def test_a_base64_body_is_sent_as_its_bytes(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(
        sandbox, "Put", body=base64.b64encode(b"\xff\x00").decode(), bodyBase64Encode=True
    )

    assert "content-type: application/octet-stream\r\n" in server.requests[0]
    assert sent_body(server) == "\xff\x00"


async def test_form_data_is_sent_in_parts(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(200, b"")]

    await run_call(
        sandbox,
        "Post",
        bodyType="form-data",
        bodyFormData={"ADD": [{"name": "total", "type": "number", "number": 17}]},
    )

    assert "content-type: multipart/form-data; boundary=" in server.requests[0]
    assert 'name="total"\r\n\r\n17\r\n' in sent_body(server)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("", "gr\ufffdn"),
        ("none", "gr\ufffdn"),
        ("latin1", "grün"),
        ("hex", "6772fc6e"),
        ("base64", "Z3L8bg=="),
    ],
)
async def test_the_answer_is_read_in_the_encoding_that_was_asked_for(
    sandbox: Sandbox, server: Server, encoding: str, expected: str
) -> None:
    server.answers = [http_answer(200, b"gr\xfcn")]

    run = await run_call(sandbox, "Get", responseEncoding=encoding)

    assert run.sent("call", "response")[0]["body"] == expected


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/plain", b'[1, {"a": 2}]', [1, {"a": 2}]),
        ("application/problem+json", b"17", 17),
        ("text/plain", b"17", "17"),
        ("application/json", b'{"half": ', '{"half": '),
        ("text/plain; charset=latin-1", b"gr\xfcn", "grün"),
        ("text/plain; charset=klingon", b"tea", "tea"),
    ],
)
async def test_json_is_recognised_in_the_answer(
    sandbox: Sandbox, server: Server, content_type: str, body: bytes, expected: Json
) -> None:
    server.answers = [http_answer(200, body, content_type)]

    run = await run_call(sandbox, "Get")

    assert run.sent("call", "response")[0]["body"] == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 409, 410, 411, 422, 451])
async def test_an_answer_that_will_not_change_is_not_asked_for_again(
    sandbox: Sandbox, server: Server, status: int
) -> None:
    server.answers = [http_answer(status, b'{"message": "No such order"}', "application/json")]

    run = await run_call(sandbox, "Get")

    (error,) = run.errors("call")
    assert error["code"] == str(status)
    assert "shop.example" in error["message"]
    assert "No such order" in error["message"]
    assert len(run.unprocessed()) == 1
    assert run.queued() == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_an_answer_that_may_change_is_asked_for_again(
    sandbox: Sandbox, server: Server, status: int
) -> None:
    server.answers = [http_answer(status, b"<h1>busy</h1>", "text/html"), http_answer(200, b"ok")]

    run = await run_call(sandbox, "Get")
    await run.turn(60)

    assert [answer["body"] for answer in run.sent("call", "response")] == ["ok"]
    assert run.unprocessed() == []


async def test_a_private_address_is_refused_for_good(sandbox: Sandbox) -> None:
    run = await run_call(sandbox, "Get", url="http://127.0.0.1:9/")

    assert "APPMIXER_SANDBOX_EGRESS" in run.errors("call")[0]["message"]
    assert len(run.unprocessed()) == 1


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("Get", {"headers": "{x"}, "'headers'"),
        ("Get", {"headers": "[1]"}, "'headers'"),
        ("Get", {"body": [1]}, "'body'"),
        ("Post", {"body": "=", "bodyBase64Encode": True}, "base64"),
        ("Post", {"bodyType": "binary", "fileId": "nothing"}, "no file with the id 'nothing'"),
        (
            "Post",
            {"bodyType": "form-data", "bodyFormData": {"ADD": [{"type": "filepicker"}]}},
            "no file",
        ),
        ("Post", {"bodyType": "form-data", "bodyFormData": "x"}, "'bodyFormData'"),
    ],
)
async def test_a_field_that_cannot_be_used_is_an_error_and_nothing_is_sent(
    sandbox: Sandbox, server: Server, name: str, fields: dict[str, Json], says: str
) -> None:
    run = await run_call(sandbox, name, **fields)

    assert says in run.errors("call")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert server.requests == []
